/// Commits one fault on blocks of hakmem's C API, for a tool to report; or none, and everything that is allowed.

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"

namespace {

constexpr std::size_t kSizes[] = {1, 24, 100, 1024, 5000, 40000, 300000, 2000000};

/// The compiler must not see that the pointer is not used again.
unsigned char* volatile kept;

void use_all(std::size_t bytes) {
  auto* block = static_cast<unsigned char*>(hak_calloc(1, bytes));
  for (std::size_t i = 0; i < bytes; ++i) {
    if (block[i] != 0) std::puts("not zero");
  }
  std::memset(block, 1, hak_usable_size(block));
  block = static_cast<unsigned char*>(hak_realloc(block, 3 * bytes));
  block = static_cast<unsigned char*>(hak_realloc(block, bytes + bytes / 2));
  if (block[bytes - 1] != 1) std::puts("lost");
  hak_free(block);
}

/// Every way in and out, by several threads, so that blocks and slabs are used again.
void no_fault() {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([] {
      for (int round = 0; round < 40; ++round) {
        for (const std::size_t bytes : kSizes) use_all(bytes);
        void* aligned = hak_aligned_alloc(4096, 100);
        std::memset(aligned, 2, 100);
        hak_free(aligned);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  (void)hak_trim();
  for (const std::size_t bytes : kSizes) use_all(bytes);
}

void read_free_block() {
  kept = static_cast<unsigned char*>(hak_calloc(1, 40));
  hak_free(kept);
  std::printf("%d\n", kept[20]);
}

void write_free_block() {
  kept = static_cast<unsigned char*>(hak_alloc(40));
  hak_free(kept);
  kept[0] = 1;
}

/// Not the first block of a slab: where that is, the slab knows, and so it is never quite lost.
[[gnu::noinline]] void lose_block() {
  hak_free(hak_alloc(100));
  static void* volatile first = hak_alloc(5000);
  (void)first;
  kept = static_cast<unsigned char*>(hak_alloc(5000));
  kept = nullptr;
}

void branch_on_uninitialised() {
  // Used before and written then: the tool must take it for new.
  kept = static_cast<unsigned char*>(hak_calloc(1, 40));
  hak_free(kept);
  kept = static_cast<unsigned char*>(hak_alloc(40));
  if (kept[30] == 7) std::puts("seven");
  hak_free(kept);
}

struct Fault {
  const char* name;
  void (*commit)();
};

constexpr Fault kFaults[] = {{"none", no_fault},
                             {"read-free", read_free_block},
                             {"write-free", write_free_block},
                             {"lose", lose_block},
                             {"uninitialised", branch_on_uninitialised}};

}  // namespace

int main(int count, char** arguments) {
  for (const Fault& fault : kFaults) {
    if (count != 2 || std::string(arguments[1]) != fault.name) continue;
    fault.commit();
    return 0;
  }
  std::fprintf(stderr, "block_faults: give the name of one fault\nusage: block_faults");
  for (const Fault& fault : kFaults) std::fprintf(stderr, "%s%s", &fault == kFaults ? " " : "|", fault.name);
  std::fprintf(stderr, "\n");
  return 2;
}
