#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "machine/machine.hpp"

namespace hakmem::bench {

/// While an object lives, every instruction of this thread traps and is counted. One at a time; only on machines where a
/// thread can ask for that itself.
template <class Machine>
class StepCounterOf {
  static constexpr bool kCanTrap = requires { Machine::trap_each(true); };

 public:
  StepCounterOf() noexcept {
    steps_ = 0;
    system_calls_ = 0;
    if constexpr (kCanTrap) Machine::trap_each(true);
  }
  ~StepCounterOf() { stop(); }
  StepCounterOf(const StepCounterOf&) = delete;
  StepCounterOf& operator=(const StepCounterOf&) = delete;

  void stop() noexcept {
    if constexpr (kCanTrap) Machine::trap_each(false);
  }
  std::uint64_t steps() const noexcept { return steps_; }
  std::uint64_t system_calls() const noexcept { return system_calls_; }

  /// Has to be called once before the first object is made. Throws std::runtime_error.
  static void install() {
    if (!kCanTrap) throw std::runtime_error("a program cannot count its instructions on this machine: use x86-64");
    struct sigaction action{};
    action.sa_sigaction = trapped;
    action.sa_flags = SA_SIGINFO;
    if (::sigaction(SIGTRAP, &action, nullptr) != 0) throw std::runtime_error(std::strerror(errno));
  }

 private:
  static void trapped(int, siginfo_t*, [[maybe_unused]] void* context) noexcept {
    steps_ = steps_ + 1;
    if constexpr (kCanTrap) {
      const machine::Frame next = machine::frame_of(*static_cast<ucontext_t*>(context));
      if (Machine::is_system_call(next.instruction)) system_calls_ = system_calls_ + 1;
    }
  }

  static inline volatile std::uint64_t steps_ = 0;
  static inline volatile std::uint64_t system_calls_ = 0;
};

using StepCounter = StepCounterOf<machine::Instructions>;

}  // namespace hakmem::bench
