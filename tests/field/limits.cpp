/// What judges a process by its address space or by what it touches.

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstring>
#include <initializer_list>

#include "case.hpp"

namespace hakmem::field {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

/// Once the heap is there.
void limit(__rlimit_resource resource, std::size_t bytes) {
  std::free(std::malloc(10));
  const rlimit now = {bytes, bytes};
  expect(::setrlimit(resource, &now) == 0, "the limit cannot be set");
}

/// 50 MiB in blocks of each size.
void take_200_mib() {
  std::size_t got = 0;
  for (const std::size_t bytes :
       {std::size_t{100}, std::size_t{10'000}, std::size_t{200'000}, std::size_t{2'000'000}}) {
    for (std::size_t sum = 0; sum < 50 * kMiB; sum += bytes) {
      void* block = std::malloc(bytes);
      expect(block != nullptr, "null after %zu KiB", got >> 10);
      std::memset(block, 1, bytes);
      got += bytes;
    }
  }
}

int start_thread() {
  pthread_t thread;
  const int error = ::pthread_create(&thread, nullptr, [](void* nothing) { return nothing; }, nullptr);
  if (error == 0) (void)::pthread_join(thread, nullptr);
  return error;
}

}  // namespace

void address_space_is_limited() {
  limit(RLIMIT_AS, 1024 * kMiB);
  take_200_mib();
}

void data_is_limited() {
  limit(RLIMIT_DATA, 1024 * kMiB);
  take_200_mib();
}

void little_address_space_and_a_thread() {
  limit(RLIMIT_AS, 200 * kMiB);
  for (int i = 0; i < 100; ++i) expect(std::malloc(kMiB) != nullptr, "null after %d MiB", i);
  const int error = start_thread();
  expect(error == 0, "pthread_create gives %d", error);
}

void all_memory_is_locked() {
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) skip("the limit of locked memory is too low");
  expect(std::malloc(100) != nullptr && std::malloc(3 * kMiB) != nullptr, "malloc gives null");
  expect(kib_of("VmRSS:") <= std::size_t{32} << 10, "%zu KiB are resident", kib_of("VmRSS:"));
}

void many_mappings() {
  constexpr std::size_t kBlocks = 66'000, kBytes = 1'100'000;
  auto** blocks = static_cast<char**>(std::calloc(kBlocks, sizeof(char*)));
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks[i] = static_cast<char*>(std::malloc(kBytes));
    expect(blocks[i] != nullptr, "null after %zu blocks", i);
    blocks[i][0] = 1;
  }
  const int error = start_thread();
  expect(error == 0, "pthread_create gives %d", error);
  for (std::size_t i = 1; i < kBlocks; i += 2) std::free(blocks[i]);
  void* larger = std::realloc(blocks[0], 2 * kBytes);
  expect(larger != nullptr, "realloc gives null");
}

void untouched_zeroes() {
  constexpr std::size_t kBytes = 100'000;
  const std::size_t before = kib_of("VmRSS:");
  for (std::size_t sum = 0; sum < 400 * kMiB; sum += kBytes) {
    auto* block = static_cast<char*>(std::calloc(1, kBytes));
    expect(block != nullptr, "calloc gives null");
    block[kBytes / 2] = 1;
  }
  const std::size_t grown = (kib_of("VmRSS:") - before) >> 10;
  expect(grown <= 40, "%zu MiB are resident", grown);
}

/// Where large pages are the rule, a few blocks would take 2 MiB. The kernel shows which mappings it keeps them out of.
void small_pages_for_few_blocks() {
  const auto* block = static_cast<char*>(std::malloc(100));
  char line[256];
  bool is_here = false;
  bool is_small = false;
  bool is_known = false;
  std::FILE* maps = std::fopen("/proc/self/smaps", "r");
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long first = 0;
    unsigned long end = 0;
    if (std::sscanf(line, "%lx-%lx ", &first, &end) == 2) {
      is_here = reinterpret_cast<unsigned long>(block) >= first && reinterpret_cast<unsigned long>(block) < end;
    }
    is_known = is_known || std::strncmp(line, "THPeligible:", 12) == 0;
    if (is_here && std::strncmp(line, "VmFlags:", 8) == 0) is_small = std::strstr(line, " nh") != nullptr;
  }
  if (!is_known) skip("the system has no large pages");
  expect(is_small, "the mapping of a small block may have large pages");
}

void stands_with_100_mib() {
  for (std::size_t sum = 0; sum < 100 * kMiB; sum += 1000) {
    void* block = std::malloc(1000);
    expect(block != nullptr, "malloc gives null");
    std::memset(block, 1, 1000);
  }
  std::puts("ready");
  std::fflush(stdout);
  (void)std::getchar();
}

}  // namespace hakmem::field
