/// What jemalloc's programs ask and tell it by name (jemalloc(3), mallctl): as far as it means something here. All other
/// names are unknown, as in a jemalloc without them.

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "api/process_heap.hpp"
#include "api/walk.hpp"
#include "hakmem/hakmem.h"

#define HAKMEM_EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

/// Where a call wants its answer.
struct Reader {
  void* out;
  std::size_t* bytes;

  /// As jemalloc: without a place nothing is read; one of another size is an error.
  template <class Figure>
  [[nodiscard]] int answer(Figure figure) const {
    if (out == nullptr || bytes == nullptr) return 0;
    if (*bytes != sizeof figure) return EINVAL;
    std::memcpy(out, &figure, sizeof figure);
    return 0;
  }
};

/// Figures of arenas, sizes and pages that have no counterpart here: a program adds them up, and ends itself when one is
/// unknown.
int answer_zero(Reader reader) {
  if (reader.out == nullptr || reader.bytes == nullptr) return 0;
  if (*reader.bytes != sizeof(unsigned) && *reader.bytes != sizeof(std::uint64_t)) return EINVAL;
  std::memset(reader.out, 0, *reader.bytes);
  return 0;
}

int read_statistic(const char* name, Reader reader) {
  hak_statistics now;
  hak_statistics_get(&now);
  if (std::strcmp(name, "allocated") == 0) return reader.answer<std::size_t>(hakmem::bytes_out() + now.direct_bytes);
  for (const char* const other : {"active", "mapped", "resident"}) {
    if (std::strcmp(name, other) != 0) continue;
    const auto superslabs = now.superslabs_mapped - now.superslabs_unmapped;
    return reader.answer<std::size_t>(superslabs * hakmem::kSuperSlabBytes<hakmem::FullGeometry> + now.direct_bytes);
  }
  return answer_zero(reader);
}

bool ends_in(const char* name, const char* end) {
  const std::size_t length = std::strlen(name), tail = std::strlen(end);
  return length >= tail && std::strcmp(name + length - tail, end) == 0;
}

/// `arena.N.purge` and `arena.N.decay`: there is one heap, whatever the number.
int tell_arena(const char* name) {
  if (!ends_in(name, ".purge") && !ends_in(name, ".decay")) return ENOENT;
  (void)hakmem::trim();
  return 0;
}

}  // namespace

/// Arenas and thread caches of a program's own may be made, and are all the same: there is one heap, and every thread
/// has its cache. Any thread. \return 0; ENOENT for an unknown name, EINVAL for a place of the wrong size
HAKMEM_EXPORT int mallctl(const char* name, void* out, size_t* bytes, void*, size_t) noexcept {
  constexpr unsigned kOne = 1;
  const Reader reader{out, bytes};
  for (const char* const number : {"arenas.create", "arenas.narenas", "tcache.create"}) {
    if (std::strcmp(name, number) == 0) return reader.answer(kOne);
  }
  for (const char* const nothing : {"epoch", "tcache.flush", "tcache.destroy", "thread.tcache.flush"}) {
    if (std::strcmp(name, nothing) == 0) return 0;
  }
  for (const char* const none : {"arenas.nbins", "arenas.nlextents"}) {
    if (std::strcmp(name, none) == 0) return answer_zero(reader);
  }
  if (std::strcmp(name, "arenas.page") == 0) return reader.answer(hakmem::LinuxOs::page_bytes());
  if (std::strncmp(name, "stats.", 6) == 0) return read_statistic(name + 6, reader);
  return std::strncmp(name, "arena.", 6) == 0 ? tell_arena(name) : ENOENT;
}

/// Names have no short forms here. \return ENOENT
HAKMEM_EXPORT int mallctlnametomib(const char*, size_t*, size_t*) noexcept { return ENOENT; }
HAKMEM_EXPORT int mallctlbymib(const size_t*, size_t, void*, size_t*, void*, size_t) noexcept { return ENOENT; }

/// Statistics go to standard error; who wants them elsewhere is told where they are.
HAKMEM_EXPORT void malloc_stats_print(void (*write)(void*, const char*), void* argument, const char*) noexcept {
  if (write != nullptr) return write(argument, "hakmem: hak_statistics_print writes them to a file descriptor\n");
  (void)hak_statistics_print(STDERR_FILENO, 0);
}
