#pragma once
/// Floor 0. ARM64.

#include <cstdint>

#include "machine/frame.hpp"

namespace hakmem::machine {

/// Where there are 52, the kernel goes above 48 only for who asks for an address there; where there are 39, all lie below.
inline constexpr unsigned kAddressBits = 48;

/// Waits for some ten cycles; what is called yield there is nothing at all on most of these machines.
[[gnu::always_inline]] inline void pause() noexcept { asm volatile("isb"); }

/// None works on memory but the atomic ones, which cost more than a load and a store.
struct Instructions {};

template <class Context>
Frame frame_of(const Context& context) noexcept {
  constexpr unsigned kFramePointer = 29;
  return {static_cast<std::uintptr_t>(context.uc_mcontext.pc),
          static_cast<std::uintptr_t>(context.uc_mcontext.regs[kFramePointer])};
}

inline constexpr std::uintptr_t kFrameRecord = 0;

}  // namespace hakmem::machine
