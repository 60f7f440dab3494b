#pragma once
/// Floor 7. The heap walk of the public API, and what is said of an address.

#include <cstddef>
#include <cstdint>

#include "hakmem/hakmem.h"

namespace hakmem {

#pragma GCC visibility push(hidden)

/// See hak_heap_walk.
int walk(int (*callback)(const hak_region* region, void* argument), void* argument);

/// Writes the walk to a file descriptor. \return false with errno of the failed write.
bool print_walk(int file_descriptor) noexcept;

/// Bytes of the blocks of slabs that the program holds, as far as a walk can tell: what other threads keep for their next
/// requests counts too. Any thread.
std::size_t bytes_out() noexcept;

/// Finds what the heap has around an address. Async-signal-safe. \return false for a foreign address.
bool locate(std::uintptr_t address, hak_region& found) noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
