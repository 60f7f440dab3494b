#pragma once

#include <signal.h>
#include <ucontext.h>
#include <x86intrin.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace hakmem::bench {

/// While an object lives, every instruction of this thread traps and is counted. One at a time.
class StepCounter {
 public:
  StepCounter() noexcept {
    steps_ = 0;
    system_calls_ = 0;
    __writeeflags(__readeflags() | kTrapFlag);
  }
  ~StepCounter() { stop(); }
  StepCounter(const StepCounter&) = delete;
  StepCounter& operator=(const StepCounter&) = delete;

  void stop() noexcept { __writeeflags(__readeflags() & ~kTrapFlag); }
  std::uint64_t steps() const noexcept { return steps_; }
  std::uint64_t system_calls() const noexcept { return system_calls_; }

  /// Has to be called once before the first object is made. Throws std::runtime_error.
  static void install() {
    struct sigaction action{};
    action.sa_sigaction = trapped;
    action.sa_flags = SA_SIGINFO;
    if (::sigaction(SIGTRAP, &action, nullptr) != 0) throw std::runtime_error(std::strerror(errno));
  }

 private:
  static constexpr unsigned long long kTrapFlag = 0x100;

  static void trapped(int, siginfo_t*, void* context) noexcept {
    const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* next = reinterpret_cast<const unsigned char*>(registers[REG_RIP]);
    steps_ = steps_ + 1;
    if (next[0] == 0x0f && next[1] == 0x05) system_calls_ = system_calls_ + 1;
  }

  static inline volatile std::uint64_t steps_ = 0;
  static inline volatile std::uint64_t system_calls_ = 0;
};

}  // namespace hakmem::bench
