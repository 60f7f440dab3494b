/// The interface that jemalloc has beside the standard's (jemalloc(3)). Programs that are built for it mix both: a block of
/// mallocx meets malloc_usable_size. So whoever takes the place of malloc has to take this place, too, or two heaps meet.

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "api/process_heap.hpp"
#include "hakmem/hakmem.h"

#define HAKMEM_EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

/// What the bits of a call's flags ask for. Arenas and thread caches have numbers there; here are none to choose from.
struct Wishes {
  static constexpr int kAlignmentBits = 0x3f, kZero = 0x40;

  explicit Wishes(int flags) : alignment(std::size_t{1} << (flags & kAlignmentBits)), zero((flags & kZero) != 0) {}
  /// All blocks have an alignment of one granule.
  [[nodiscard]] bool align() const { return alignment > std::size_t{1} << hakmem::FullGeometry::kGranuleShift; }

  std::size_t alignment;
  bool zero;
};

void* allocate(std::size_t bytes, Wishes wishes) {
  if (!wishes.align()) return wishes.zero ? hakmem::allocate_zeroed(1, bytes) : hakmem::allocate(bytes);
  void* block = hakmem::allocate_aligned(wishes.alignment, bytes);
  if (block != nullptr && wishes.zero) std::memset(block, 0, hak_usable_size(block));
  return block;
}

/// As realloc, which would lose the alignment.
void* reallocate_aligned(void* block, std::size_t bytes, Wishes wishes) {
  const std::size_t usable = hak_usable_size(block);
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(block) % wishes.alignment == 0;
  if (is_aligned && bytes <= usable && bytes >= usable / 2) return block;
  void* moved = hakmem::allocate_aligned(wishes.alignment, bytes);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(bytes, usable));
  hakmem::deallocate(block);
  return moved;
}

}  // namespace

/// \param bytes 0 counts as 1
HAKMEM_EXPORT void* mallocx(std::size_t bytes, int flags) noexcept { return allocate(bytes, Wishes(flags)); }

/// With the flag for zeroes, what lies beyond the block's usable size of before is zero.
HAKMEM_EXPORT void* rallocx(void* block, std::size_t bytes, int flags) noexcept {
  const Wishes wishes(flags);
  const std::size_t before = hak_usable_size(block);
  void* now = wishes.align() ? reallocate_aligned(block, bytes, wishes) : hakmem::reallocate(block, bytes);
  if (now != nullptr && wishes.zero) {
    const std::size_t usable = hak_usable_size(now);
    if (usable > before) std::memset(static_cast<char*>(now) + before, 0, usable - before);
  }
  return now;
}

/// The block stays as it is, which is allowed: the caller looks at what it has. \return its usable size
HAKMEM_EXPORT std::size_t xallocx(void* block, std::size_t, std::size_t, int) noexcept {
  return hak_usable_size(block);
}

HAKMEM_EXPORT std::size_t sallocx(const void* block, int) noexcept { return hak_usable_size(block); }

HAKMEM_EXPORT void dallocx(void* block, int) noexcept { hakmem::deallocate(block); }

/// The size may be anything from what was asked for to what is usable, so there is nothing to compare it with.
HAKMEM_EXPORT void sdallocx(void* block, std::size_t, int) noexcept { hakmem::deallocate(block); }

/// \return at most what would be usable of such a block, and at least `bytes`; 0 where there can be none
HAKMEM_EXPORT std::size_t nallocx(std::size_t bytes, int flags) noexcept {
  return hakmem::ProcessHeap::good_size(bytes, Wishes(flags).alignment);
}
