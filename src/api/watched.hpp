#pragma once
/// Floor 7. The malloc family's body as the C API calls it: in builds for AddressSanitizer and Valgrind these tools are
/// told of every block that comes and goes, so that they report use after free and, with Memcheck, leaks, with the
/// stacks of the caller. In all other builds nothing is added.
///
/// The tools' requests are made before a block is given to the heap and after it has been had from there: what the heap
/// does in between with free blocks goes through WatchedSync's link.

#include <cstring>

#include "api/process_heap.hpp"

#if defined(HAKMEM_ASAN)
#include <sanitizer/asan_interface.h>
#elif defined(HAKMEM_VALGRIND)
#include <valgrind/memcheck.h>
#endif

namespace hakmem::watched {

#ifdef HAKMEM_WATCHED

#ifdef HAKMEM_ASAN

inline void mark_used(void* block, std::size_t usable, std::size_t, bool) noexcept {
  ASAN_UNPOISON_MEMORY_REGION(block, usable);
}
inline void mark_free(void* block, std::size_t usable) noexcept { ASAN_POISON_MEMORY_REGION(block, usable); }
inline bool is_marked_free(const void* block) noexcept { return __asan_address_is_poisoned(block) != 0; }
/// Where the heap resizes a mapping, what is left behind must not stay poisoned: it may become anybody's.
inline void mark_resized(void* block, std::size_t, void* now, std::size_t usable) noexcept {
  ASAN_UNPOISON_MEMORY_REGION(now != nullptr ? now : block, usable);
}

#else

/// Memcheck may know the usable size only: programs that ask for it may use all of it.
inline void mark_used(void* block, std::size_t usable, std::size_t bytes, bool zeroed) noexcept {
  VALGRIND_MALLOCLIKE_BLOCK(block, usable, 0, zeroed);
  if (zeroed) (void)VALGRIND_MAKE_MEM_DEFINED(block, bytes);
}
inline void mark_free(void* block, std::size_t) noexcept { VALGRIND_FREELIKE_BLOCK(block, 0); }
inline bool is_marked_free(const void*) noexcept { return false; }
inline void mark_resized(void* block, std::size_t old_usable, void* now, std::size_t usable) noexcept {
  VALGRIND_FREELIKE_BLOCK(block, 0);
  void* alive = now != nullptr ? now : block;
  const std::size_t bytes = now != nullptr ? usable : old_usable;
  VALGRIND_MALLOCLIKE_BLOCK(alive, bytes, 0, 0);
  (void)VALGRIND_MAKE_MEM_DEFINED(alive, bytes);
}

#endif

/// The usable size of what is a block of the heap now; 0 for anything else, which the heap will object to.
inline std::size_t size_of(const void* block) noexcept {
  auto* slab = process_heap.page_map().find(block);
  if (slab == nullptr) return 0;
  // Relaxed: as in the heap's own check, the caller got the block by a handoff.
  if (slab->owner.load(std::memory_order_relaxed) != nullptr) {
    return slab->is_block(block) ? slab->block_bytes() : 0;
  }
  // Only without an owner: a slab's state is its owner's to read, who may be changing it now.
  if (slab->state.get() != SlabState::kDirect) return 0;
  return process_heap.direct().is_block(*slab, block) ? process_heap.direct().usable_size(*slab) : 0;
}

inline void* handed_out(void* block, std::size_t bytes, bool zeroed) noexcept {
  if (block != nullptr) mark_used(block, size_of(block), bytes, zeroed);
  return block;
}

inline void* allocate(std::size_t bytes) noexcept { return handed_out(hakmem::allocate(bytes), bytes, false); }

/// The heap would write zeroes into a block that the tool still takes for free, up to what it fills at the most.
inline void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept {
  std::size_t total = 0;
  const bool overflows = __builtin_mul_overflow(count, bytes, &total);
  if (overflows || total > FullGeometry::kFillMax) {
    return handed_out(hakmem::allocate_zeroed(count, bytes), total, true);
  }
  void* block = allocate(total);
  if (block != nullptr) std::memset(block, 0, total);
  return block;
}

inline void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept {
  return handed_out(hakmem::allocate_aligned(alignment, bytes), bytes, false);
}

/// Whatever is no block, null or freed already, the heap judges.
inline void mark_free_block(void* block) noexcept {
  const std::size_t usable = size_of(block);
  if (usable != 0) mark_free(block, usable);
}

inline void deallocate(void* block) noexcept {
  mark_free_block(block);
  hakmem::deallocate(block);
}

inline void deallocate_sized(void* block, std::size_t bytes) noexcept {
  mark_free_block(block);
  hakmem::deallocate_sized(block, bytes);
}

/// As the heap does it, but that a move goes through blocks that the tool knows.
inline void* reallocate(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return allocate(bytes);
  if (bytes == 0) bytes = 1;
  const std::size_t usable = is_marked_free(block) ? 0 : size_of(block);
  const bool stays = bytes <= usable && bytes >= usable / 2;
  const bool resized = usable > FullGeometry::kLargeMax && bytes > FullGeometry::kLargeMax;
  if (usable == 0 || stays || resized) {
    void* now = hakmem::reallocate(block, bytes);
    if (usable != 0) mark_resized(block, usable, now, now != nullptr ? size_of(now) : usable);
    return now;
  }
  void* moved = allocate(bytes);
  if (moved == nullptr) return bytes <= usable ? block : nullptr;
  std::memcpy(moved, block, bytes < usable ? bytes : usable);
  deallocate(block);
  return moved;
}

#else

using hakmem::allocate;
using hakmem::allocate_aligned;
using hakmem::allocate_zeroed;
using hakmem::deallocate;
using hakmem::deallocate_sized;
using hakmem::reallocate;

#endif

}  // namespace hakmem::watched
