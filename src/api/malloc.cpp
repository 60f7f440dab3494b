/// The malloc family, interposed (B8), with glibc's semantics.

#include <malloc.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdlib>

#include "api/process_heap.hpp"
#include "hakmem/hakmem.h"

// libc's headers declare these with attributes (malloc, nonnull, deprecated) that a definition need not repeat.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif

#define HAKMEM_EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

constexpr std::size_t kPageBytes = hakmem::LinuxOs::kPageBytes;

}  // namespace

HAKMEM_EXPORT void* malloc(std::size_t size) noexcept { return hakmem::allocate(size); }

HAKMEM_EXPORT void free(void* block) noexcept { hakmem::deallocate(block); }

HAKMEM_EXPORT void cfree(void* block) noexcept { hakmem::deallocate(block); }

HAKMEM_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  return hakmem::allocate_zeroed(count, size);
}

/// C23. Size and alignment are compared with what was asked for by builds that keep it.
HAKMEM_EXPORT void free_sized(void* block, std::size_t size) noexcept { hakmem::deallocate_sized(block, size); }

HAKMEM_EXPORT void free_aligned_sized(void* block, std::size_t alignment, std::size_t size) noexcept {
  hakmem::deallocate_sized_aligned(block, size, alignment);
}

/// As in glibc, size 0 frees a block and returns null.
HAKMEM_EXPORT void* realloc(void* block, std::size_t size) noexcept {
  if (size == 0 && block != nullptr) {
    hakmem::deallocate(block);
    return nullptr;
  }
  return hakmem::reallocate(block, size);
}

HAKMEM_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
  std::size_t total;
  if (__builtin_mul_overflow(count, size, &total)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(block, total);
}

/// Returns the error instead of setting errno.
HAKMEM_EXPORT int posix_memalign(void** out, std::size_t alignment, std::size_t size) noexcept {
  if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved = errno;
  void* block = hakmem::allocate_aligned(alignment, size);
  errno = saved;
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}

/// As in glibc, an alignment that is no power of two is rounded up to one.
HAKMEM_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  if (alignment > hakmem::ProcessHeap::kMaxBytes) {
    errno = EINVAL;
    return nullptr;
  }
  return hakmem::allocate_aligned(std::bit_ceil(alignment), size);
}

/// Stricter than memalign, as C17 asks.
HAKMEM_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return hak_aligned_alloc(alignment, size);
}

HAKMEM_EXPORT void* valloc(std::size_t size) noexcept { return hakmem::allocate_aligned(kPageBytes, size); }

HAKMEM_EXPORT void* pvalloc(std::size_t size) noexcept {
  std::size_t padded;
  if (__builtin_add_overflow(size, kPageBytes - 1, &padded)) {
    errno = ENOMEM;
    return nullptr;
  }
  return hakmem::allocate_aligned(kPageBytes, padded & ~(kPageBytes - 1));
}

HAKMEM_EXPORT std::size_t malloc_usable_size(void* block) noexcept { return hak_usable_size(block); }

/// The pad is accepted and not used: what is kept is kept in whole SuperSlabs.
HAKMEM_EXPORT int malloc_trim(std::size_t) noexcept { return hak_trim(); }

/// Fills in what exists here: SuperSlabs as the arena, direct mappings as mmapped blocks. What is in use is counted in
/// whole slabs: a slab of which one block is out counts in full.
HAKMEM_EXPORT struct mallinfo2 mallinfo2() noexcept {
  hak_statistics now;
  hak_statistics_get(&now);
  struct mallinfo2 info{};
  info.arena = (now.superslabs_mapped - now.superslabs_unmapped) * hakmem::kSuperSlabBytes<hakmem::FullGeometry>;
  info.hblks = now.direct_mapped - now.direct_unmapped;
  info.hblkhd = now.direct_bytes;
  info.uordblks = now.slab_bytes;
  info.fordblks = info.arena > info.uordblks ? info.arena - info.uordblks : 0;
  return info;
}

HAKMEM_EXPORT void malloc_stats() noexcept { (void)hak_statistics_print(STDERR_FILENO, 0); }
