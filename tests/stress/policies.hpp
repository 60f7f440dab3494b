#pragma once
/// The policies of the heap under stress: the build's own, made known to AddressSanitizer.

#include <cstddef>

#include "os/linux_os.hpp"
#include "support/test_sync.hpp"
#include "sync/watched_sync.hpp"

#ifdef HAKMEM_ASAN
#include <sanitizer/asan_interface.h>

#include "os/unpoisoning_os.hpp"
#endif

namespace hakmem::stress {

#ifdef HAKMEM_ASAN

// A block is poisoned from before it is freed until it is handed out again, so any use of a free block is reported.
// Only the heap may touch it, through the in-block link.

using StressSync = WatchedSync<test::TestSync>;

using StressOs = UnpoisoningOs<LinuxOs>;

inline void mark_free(void* block, std::size_t bytes) noexcept { ASAN_POISON_MEMORY_REGION(block, bytes); }
inline void mark_used(void* block, std::size_t bytes) noexcept { ASAN_UNPOISON_MEMORY_REGION(block, bytes); }

#else

using StressSync = test::TestSync;
using StressOs = LinuxOs;

inline void mark_free(void*, std::size_t) noexcept {}
inline void mark_used(void*, std::size_t) noexcept {}

#endif

}  // namespace hakmem::stress
