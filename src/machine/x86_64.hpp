#pragma once
/// Floor 0. x86-64.

#include <ucontext.h>

#include <atomic>
#include <cstdint>

#include "machine/frame.hpp"

namespace hakmem::machine {

/// Of tables of four levels. Where there are five, the kernel goes above only for who asks for an address there.
inline constexpr unsigned kAddressBits = 47;

[[gnu::always_inline]] inline void pause() noexcept { __builtin_ia32_pause(); }

struct Instructions {
  [[gnu::always_inline]] static bool decrement_is_positive(std::int32_t& value) noexcept {
    bool is_positive;
    asm("subl $1, %0" : "+m"(value), "=@ccg"(is_positive));
    return is_positive;
  }

  [[gnu::always_inline]] static bool decrement_is_negative(std::int32_t& value) noexcept {
    bool is_negative;
    asm("subl $1, %0" : "+m"(value), "=@ccs"(is_negative));
    return is_negative;
  }

  /// A relaxed load and a relaxed store. The store of 8 aligned bytes is atomic to readers.
  [[gnu::always_inline]] static void add_owned(std::atomic<std::uint64_t>& count, std::uint64_t n) noexcept {
    asm("addq %1, %0" : "+m"(count) : "er"(n) : "cc");
  }

  [[gnu::always_inline]] static void trap_each(bool on) noexcept {
    constexpr unsigned long long kTrapFlag = 0x100;
    const unsigned long long flags = __builtin_ia32_readeflags_u64();
    __builtin_ia32_writeeflags_u64(on ? flags | kTrapFlag : flags & ~kTrapFlag);
  }

  static bool is_system_call(std::uintptr_t instruction) noexcept {
    const auto* bytes = reinterpret_cast<const unsigned char*>(instruction);
    return bytes[0] == 0x0f && bytes[1] == 0x05;
  }
};

template <class Context>
Frame frame_of(const Context& context) noexcept {
  return {static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]),
          static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RBP])};
}

inline constexpr std::uintptr_t kFrameRecord = 0;

}  // namespace hakmem::machine
