/// Initialisation by hak_init and by first use, racing with each other before anything has set the heap up.

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>

#include "hakmem/hakmem.h"

namespace hakmem::test {
namespace {

constexpr unsigned kThreads = 6;
std::atomic<unsigned> ready{0};
std::atomic<unsigned> worked{0};

void* start(void* number) {
  // Relaxed: a start signal and a count; pthread_join publishes the result.
  ready.fetch_add(1, std::memory_order_relaxed);
  // Relaxed: as above.
  while (ready.load(std::memory_order_relaxed) < kThreads) {
  }
  bool good = true;
  if (reinterpret_cast<std::uintptr_t>(number) % 2 == 0) good = hak_init() == 0;
  void* block = hak_alloc_at(100, 1);
  good = good && block != nullptr && hak_usable_size(block) >= 100;
  hak_free_at(block, 2);
  // Relaxed: as above.
  if (good) worked.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

/// Runs before the library's own constructor, which has no priority.
[[gnu::constructor(101)]] void race_before_anything_else() {
  pthread_t threads[kThreads];
  for (std::uintptr_t i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], nullptr, start, reinterpret_cast<void*>(i)) != 0) __builtin_trap();
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

TEST(HakFirstUse, InitAndFirstAllocationsMayRace) {
  // Relaxed: all threads were joined.
  EXPECT_EQ(worked.load(std::memory_order_relaxed), kThreads);
}

}  // namespace
}  // namespace hakmem::test
