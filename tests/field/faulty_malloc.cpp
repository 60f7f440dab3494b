/// The negative control, to be preloaded: a malloc that does wrong what each case asks for.

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

extern "C" {
void* __libc_malloc(std::size_t size);
void __libc_free(void* block);
}

namespace {

constexpr unsigned long kMagic = 0xfa0175fa0175;

struct alignas(16) Header {
  unsigned long magic;
  std::size_t bytes;  ///< what was asked for
};

void* take(std::size_t bytes) {
  void* p = __libc_malloc(bytes + sizeof(Header));
  if (p == nullptr) return nullptr;
  auto* header = ::new (p) Header{kMagic, bytes};
  return header + 1;
}

Header& header_of(void* block) {
  auto* header = static_cast<Header*>(block) - 1;
  if (header->magic != kMagic) std::abort();
  return *header;
}

}  // namespace

#define EXPORT extern "C" [[gnu::visibility("default")]]

EXPORT void* malloc(std::size_t bytes) noexcept { return take(bytes); }
EXPORT void free(void* block) noexcept {
  if (block != nullptr) __libc_free(&header_of(block));
}
EXPORT void* calloc(std::size_t count, std::size_t bytes) noexcept {
  void* block = take(count * bytes);
  if (block == nullptr) return nullptr;
  return std::memset(block, 0, count * bytes);
}
EXPORT void* realloc(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return take(bytes);
  void* moved = take(bytes);
  if (moved == nullptr) return nullptr;
  const std::size_t before = header_of(block).bytes;
  std::memcpy(moved, block, before < bytes ? before : bytes);
  free(block);
  return moved;
}
EXPORT void* memalign(std::size_t, std::size_t) noexcept {
  errno = EINVAL;
  return nullptr;
}
EXPORT struct mallinfo2 mallinfo2() noexcept { return {}; }
EXPORT int mallopt(int, int) noexcept { return 0; }
EXPORT void malloc_stats() noexcept { ::pthread_testcancel(); }

// Bypasses what the program has replaced.
void* operator new[](std::size_t bytes) { return take(bytes); }
void operator delete[](void* block) noexcept { free(block); }
void* operator new(std::size_t bytes) {
  void* block = take(bytes);
  if (block == nullptr) std::abort();
  return block;
}
void operator delete(void* block) noexcept { free(block); }

/// In the way of statistics: what a daemon opens gets something of malloc's at the end.
[[gnu::destructor]] static void write_statistics() {
  for (int file = 100; file < 110; ++file) {
    if (std::getenv("HAKMEM_STATS") != nullptr && ::write(file, "{}\n", 3) != 3) return;
  }
}
