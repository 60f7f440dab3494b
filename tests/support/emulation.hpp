#pragma once
/// Tests of another machine's build may run under an emulator (cmake/toolchains), which answers some of the program's
/// questions in the kernel's place.

#include <cstdlib>

namespace hakmem::test {

/// Whether what the kernel says of this process is about the emulator.
inline bool is_emulated() { return std::getenv("HAKMEM_EMULATED") != nullptr; }

}  // namespace hakmem::test
