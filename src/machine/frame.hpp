#pragma once
/// Floor 0. Where a thread was when a signal came.

#include <cstdint>

namespace hakmem::machine {

struct Frame {
  std::uintptr_t instruction;  ///< address of the instruction that was next
  std::uintptr_t address;      ///< the frame pointer: of this frame, or of any rubbish in code that keeps none
};

}  // namespace hakmem::machine
