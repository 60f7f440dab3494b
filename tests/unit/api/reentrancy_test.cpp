/// Calls that come back in the middle of themselves, in a program whose malloc is hakmem's.

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdint>
#include <cstdlib>
#include <thread>

#include "hakmem/hakmem.h"

namespace hakmem::test {
namespace {

/// More than the C library keeps for each thread from the start: to set a later one takes memory from calloc.
constexpr unsigned kKeysWithoutMemory = 32;
pthread_key_t last_taken;

/// Before any constructor, so that the heap's own key is one of the later ones.
void take_keys(int, char**, char**) {
  for (unsigned i = 0; i < kKeysWithoutMemory; ++i) (void)::pthread_key_create(&last_taken, nullptr);
}

[[gnu::section(".preinit_array"), gnu::used]] void (*const before_constructors)(int, char**, char**) = take_keys;

std::uint64_t contexts() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now.thread_contexts;
}

/// Museum 20c: to watch the thread's exit needs a block, and the context must be in its place by then.
TEST(Reentrancy, AThreadsFirstCallMayComeBackInTheMiddleOfItself) {
  ASSERT_EQ(last_taken, kKeysWithoutMemory - 1) << "the heap's key was there before";
  std::free(std::malloc(1));
  const auto before = contexts();
  for (int i = 0; i < 50; ++i) {
    std::thread([] {
      void* volatile block = std::malloc(100);
      EXPECT_NE(block, nullptr);
      std::free(block);
    }).join();
  }
  EXPECT_LE(contexts(), before + 1) << "each thread had one context and left it to the next";
}

}  // namespace
}  // namespace hakmem::test
