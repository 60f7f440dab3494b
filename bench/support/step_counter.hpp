#pragma once

#include <signal.h>
#include <ucontext.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "machine/machine.hpp"
#include "support/process_facts.hpp"

namespace hakmem::bench {

/// What a stretch of one thread's work was, in instructions.
struct Steps {
  std::uint64_t all = 0;
  std::uint64_t system_calls = 0;
  std::uint64_t watched = 0;   // in the code that is watched
  std::uint64_t ways_out = 0;  // from there: calls of other code, jumps and returns to it

  Steps& operator+=(const Steps& other) noexcept { return add(other, 1); }
  Steps& operator-=(const Steps& other) noexcept { return add(other, ~std::uint64_t{0}); }

 private:
  Steps& add(const Steps& other, std::uint64_t times) noexcept {
    all += times * other.all;
    system_calls += times * other.system_calls;
    watched += times * other.watched;
    ways_out += times * other.ways_out;
    return *this;
  }
};

/// While an object lives, every instruction of this thread traps and is counted. One at a time; only on machines where a
/// thread can ask for that itself.
template <class Machine>
class StepCounterOf {
  static constexpr bool kCanTrap = requires { Machine::trap_each(true); };

 public:
  StepCounterOf() noexcept {
    steps_ = 0;
    system_calls_ = 0;
    watched_steps_ = 0;
    ways_out_ = 0;
    is_watched_ = false;
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
  Steps taken() const noexcept { return {steps_, system_calls_, watched_steps_, ways_out_}; }

  /// Has to be called once before the first object is made. Throws std::runtime_error.
  /// \param watched what to count by itself; nothing, by default
  static void install(const CodeRange& watched = {}) {
    if (!kCanTrap) throw std::runtime_error("a program cannot count its instructions on this machine: use x86-64");
    watched_ = watched;
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
      const bool was_watched = is_watched_;
      is_watched_ = watched_.contains(next.instruction);
      if (is_watched_) watched_steps_ = watched_steps_ + 1;
      if (was_watched && !is_watched_) ways_out_ = ways_out_ + 1;
    }
  }

  static inline CodeRange watched_;
  static inline volatile bool is_watched_ = false;
  static inline volatile std::uint64_t steps_ = 0;
  static inline volatile std::uint64_t system_calls_ = 0;
  static inline volatile std::uint64_t watched_steps_ = 0;
  static inline volatile std::uint64_t ways_out_ = 0;
};

using StepCounter = StepCounterOf<machine::Instructions>;

}  // namespace hakmem::bench
