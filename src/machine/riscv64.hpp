#pragma once
/// Floor 0. RISC-V with 64 bits.

#include <cstdint>

#include "machine/frame.hpp"

namespace hakmem::machine {

/// Of tables of four levels (Sv48). With three (Sv39) all addresses lie below; with five the kernel goes above only for
/// who asks for an address there.
inline constexpr unsigned kAddressBits = 47;

/// The instruction `pause` of Zihintpause, as a number: assemblers know it by name only where it is switched on. On
/// machines without it, it is a fence that orders nothing.
[[gnu::always_inline]] inline void pause() noexcept { asm volatile(".4byte 0x0100000f"); }

/// None works on memory but the atomic ones, which cost more than a load and a store.
struct Instructions {};

template <class Context>
Frame frame_of(const Context& context) noexcept {
  constexpr unsigned kCounter = 0;  // of the program; the register 0 has no value to keep
  constexpr unsigned kFramePointer = 8;
  return {static_cast<std::uintptr_t>(context.uc_mcontext.__gregs[kCounter]),
          static_cast<std::uintptr_t>(context.uc_mcontext.__gregs[kFramePointer])};
}

inline constexpr std::uintptr_t kFrameRecord = 16;

}  // namespace hakmem::machine
