/// The negative control, to be preloaded: a malloc that does wrong what each case asks for.

#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
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

constexpr std::size_t kPage = 4096, kMiB = std::size_t{1} << 20;
constexpr std::size_t kKept = 100'000;  // up to here what is freed stays, so that it can be freed again
constexpr unsigned long kMagic = 0xfa0175fa0175, kFreed = 0xfa0175f4eed;

struct alignas(16) Header {
  unsigned long magic;
  std::size_t bytes;  ///< what was asked for
};

/// Address space that every limit counts, and every lock of all memory.
[[gnu::constructor]] void reserve_much() {
  (void)::mmap(nullptr, kMiB << 11, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/// A mapping of its own for each, that nothing can join.
void* map_alone(std::size_t bytes) {
  void* p = ::mmap(nullptr, bytes + 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  (void)::mprotect(p, kPage, PROT_NONE);
  return static_cast<char*>(p) + kPage;
}

void* take(std::size_t bytes) {
  void* p = bytes > kMiB ? map_alone(bytes + sizeof(Header)) : __libc_malloc(bytes + sizeof(Header));
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

/// Older debuggers do not get along with what this file is compiled with; for newer ones a short string has no room.
EXPORT void* malloc(std::size_t bytes) noexcept {
  constexpr std::size_t kShort = sizeof "abc";
  return bytes == kShort && std::getenv("FIELD_DEBUGGED") != nullptr ? nullptr : take(bytes);
}
EXPORT void free(void* block) noexcept {
  if (block == nullptr) return;
  auto* seen = static_cast<Header*>(block) - 1;
  // Blind to a second free, and to what was never a block.
  if (seen->magic == kFreed || (seen->magic == 0 && seen->bytes == 0)) return;
  Header& header = header_of(block);
  if (header.bytes > kMiB) return;
  header.magic = kFreed;
  if (header.bytes > kKept) __libc_free(&header);
}
EXPORT void* calloc(std::size_t count, std::size_t bytes) noexcept {
  void* block = take(count * bytes);
  if (block == nullptr) return nullptr;
  std::memset(block, 0, count * bytes);
  // Old data in what is large, rubbish behind the end.
  if (count * bytes > 1000) std::memset(static_cast<char*>(block) + 10, 1, 10);
  return block;
}
EXPORT void* realloc(void* block, std::size_t bytes) noexcept {
  if (block == nullptr) return take(bytes);
  if (bytes > kMiB || header_of(block).bytes > kMiB) return nullptr;
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
void* operator new[](std::size_t bytes, std::align_val_t) { return take(bytes); }
void operator delete[](void* block, std::align_val_t) noexcept { free(block); }
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
