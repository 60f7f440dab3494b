/// The malloc family, interposed (B8), with glibc's semantics.

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>

#include "api/process_heap.hpp"
#include "api/walk.hpp"
#include "hakmem/hakmem.h"

// libc's headers declare these with attributes (malloc, nonnull, deprecated) that a definition need not repeat.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#endif

#define HAKMEM_EXPORT extern "C" [[gnu::visibility("default")]]

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

/// As in glibc, an alignment that is no power of two is rounded up to one; what cannot be is the only wrong one.
HAKMEM_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  constexpr std::size_t kLargestPowerOfTwo = std::bit_floor(SIZE_MAX);
  if (alignment > kLargestPowerOfTwo) {
    errno = EINVAL;
    return nullptr;
  }
  return hakmem::allocate_aligned(std::bit_ceil(alignment), size);
}

/// Stricter than memalign, as C17 asks.
HAKMEM_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return hak_aligned_alloc(alignment, size);
}

HAKMEM_EXPORT void* valloc(std::size_t size) noexcept {
  return hakmem::allocate_aligned(hakmem::LinuxOs::page_bytes(), size);
}

HAKMEM_EXPORT void* pvalloc(std::size_t size) noexcept {
  const std::size_t page = hakmem::LinuxOs::page_bytes();
  std::size_t padded;
  if (__builtin_add_overflow(size, page - 1, &padded)) {
    errno = ENOMEM;
    return nullptr;
  }
  return hakmem::allocate_aligned(page, padded & ~(page - 1));
}

HAKMEM_EXPORT std::size_t malloc_usable_size(void* block) noexcept { return hak_usable_size(block); }

/// The pad is accepted and not used: what is kept is kept in whole SuperSlabs.
HAKMEM_EXPORT int malloc_trim(std::size_t) noexcept { return hak_trim(); }

/// Fills in what exists here: SuperSlabs as the arena, direct mappings as mmapped blocks. In use are the blocks that the
/// program holds, as far as they are known: those that other threads keep for their next requests count too.
HAKMEM_EXPORT struct mallinfo2 mallinfo2() noexcept {
  hak_statistics now;
  hak_statistics_get(&now);
  struct mallinfo2 info{};
  info.arena = (now.superslabs_mapped - now.superslabs_unmapped) * hakmem::kSuperSlabBytes<hakmem::FullGeometry>;
  info.hblks = now.direct_mapped - now.direct_unmapped;
  info.hblkhd = now.direct_bytes;
  info.uordblks = hakmem::bytes_out();
  info.fordblks = info.arena > info.uordblks ? info.arena - info.uordblks : 0;
  info.keepcost = now.cached_bytes;
  return info;
}

/// The same in a width of old; a figure that does not fit is INT_MAX.
HAKMEM_EXPORT struct mallinfo mallinfo() noexcept {
  const struct mallinfo2 wide = mallinfo2();
  const auto narrow = [](std::size_t figure) { return static_cast<int>(std::min<std::size_t>(figure, INT_MAX)); };
  struct mallinfo info{};
  info.arena = narrow(wide.arena);
  info.hblks = narrow(wide.hblks);
  info.hblkhd = narrow(wide.hblkhd);
  info.uordblks = narrow(wide.uordblks);
  info.fordblks = narrow(wide.fordblks);
  info.keepcost = narrow(wide.keepcost);
  return info;
}

/// Accepts and refuses what glibc does. Its parameters speak of heaps and thresholds that do not exist here: nothing
/// changes. See docs/observing.md for the options that there are.
HAKMEM_EXPORT int mallopt(int parameter, int value) noexcept {
  constexpr int kMostFastBytes = 160, kMostMmapThreshold = 32 << 20;
  if (parameter == M_MXFAST) return value >= 0 && value <= kMostFastBytes ? 1 : 0;
  if (parameter == M_MMAP_THRESHOLD) return value >= 0 && value <= kMostMmapThreshold ? 1 : 0;
  return 1;
}

/// Writes the figures of mallinfo2 in the form that glibc's readers expect. \param options 0
/// \return 0, or EINVAL for other options, or the error of the stream
HAKMEM_EXPORT int malloc_info(int options, FILE* stream) noexcept {
  if (options != 0) return EINVAL;
  const struct mallinfo2 now = mallinfo2();
  hakmem::linux_detail::Text<1024> text;
  text << "<malloc version=\"1\">\n<total type=\"rest\" count=\"1\" size=\"" << now.fordblks
       << "\"/>\n<total type=\"mmap\" count=\"" << now.hblks << "\" size=\"" << now.hblkhd
       << "\"/>\n<system type=\"current\" size=\"" << now.arena + now.hblkhd << "\"/>\n<aspace type=\"total\" size=\""
       << now.arena << "\"/>\n</malloc>\n";
  return std::fwrite(text.data(), 1, text.size(), stream) == text.size() ? 0 : errno;
}

HAKMEM_EXPORT void malloc_stats() noexcept { (void)hak_statistics_print(STDERR_FILENO, 0); }

// Under these names too glibc gives the family out, to libraries that wrap malloc: they must reach the same heap.
// NOLINTBEGIN(readability-identifier-naming)
#define HAKMEM_ALIAS(name) HAKMEM_EXPORT [[gnu::alias(#name)]]
HAKMEM_ALIAS(malloc) void* __libc_malloc(std::size_t size) noexcept;
HAKMEM_ALIAS(free) void __libc_free(void* block) noexcept;
HAKMEM_ALIAS(calloc) void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
HAKMEM_ALIAS(realloc) void* __libc_realloc(void* block, std::size_t size) noexcept;
HAKMEM_ALIAS(memalign) void* __libc_memalign(std::size_t alignment, std::size_t size) noexcept;
HAKMEM_ALIAS(valloc) void* __libc_valloc(std::size_t size) noexcept;
HAKMEM_ALIAS(pvalloc) void* __libc_pvalloc(std::size_t size) noexcept;
HAKMEM_ALIAS(mallopt) int __libc_mallopt(int parameter, int value) noexcept;
HAKMEM_ALIAS(mallinfo) struct mallinfo __libc_mallinfo() noexcept;
// NOLINTEND(readability-identifier-naming)
