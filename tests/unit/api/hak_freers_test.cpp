/// Threads that free what others have allocated and never allocate themselves, through the public C API.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"

namespace hakmem::test {
namespace {

constexpr std::size_t kMany = 1000;
constexpr std::size_t kFew = 20;

hak_statistics statistics() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now;
}

std::vector<void*> allocate(std::size_t count) {
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = hak_alloc(64);
  return blocks;
}
void free_all(const std::vector<void*>& blocks) {
  for (void* block : blocks) hak_free(block);
}

/// What statistics say that freeing `count` blocks of this thread in another one has changed.
struct Freed {
  explicit Freed(std::size_t count) {
    const auto blocks = allocate(count);
    const auto before = statistics();
    std::thread([&] {
      free_all(blocks);
      threads = statistics().threads_in_use - before.threads_in_use;
    }).join();
    const auto now = statistics();
    alone = now.late_frees - before.late_frees;
    gathered = now.outbox_blocks - before.outbox_blocks;
  }
  std::uint64_t threads = 0;
  std::uint64_t alone = 0;
  std::uint64_t gathered = 0;
};

TEST(HakFreers, WhoFreesManyBlocksGathersThem) {
  const Freed freed(kMany);
  EXPECT_EQ(freed.threads, 1u);
  EXPECT_EQ(freed.alone, 63u) << "the next one is the first to be gathered";
  EXPECT_EQ(freed.alone + freed.gathered, kMany);
}

TEST(HakFreers, WhoFreesAFewSendsEachAloneAndNeedsNoContext) {
  const Freed freed(kFew);
  EXPECT_EQ(freed.threads, 0u);
  EXPECT_EQ(freed.alone, kFew);
}

TEST(HakFreers, WhatWasGatheredIsBackWhenTheThreadHasEnded) {
  const auto blocks = allocate(kMany);
  std::thread([&] { free_all(blocks); }).join();
  const std::set<void*> before(blocks.begin(), blocks.end());
  std::size_t again = 0;
  const auto later = allocate(2 * kMany);
  for (void* block : later) again += before.count(block);
  free_all(later);
  EXPECT_GT(again, kMany / 2);
}

pthread_key_t last_key;

void free_many_late(void* blocks) { free_all(*static_cast<std::vector<void*>*>(blocks)); }

TEST(HakFreers, WhoIsPastItsExitGathersNothing) {
  const auto blocks = allocate(kMany);
  hak_free(hak_alloc(1));
  ASSERT_EQ(::pthread_key_create(&last_key, free_many_late), 0);  // runs after the heap's key, which is older
  const auto before = statistics();
  std::thread([&] {
    hak_free(hak_alloc(1));
    EXPECT_EQ(::pthread_setspecific(last_key, &blocks), 0);
  }).join();
  ::pthread_key_delete(last_key);
  const auto now = statistics();
  EXPECT_EQ(now.late_frees - before.late_frees, kMany);
  EXPECT_EQ(now.threads_in_use, before.threads_in_use);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they need memory of their own

/// All contexts that are there are in use, and the system gives no more. \return 0 when a thread frees as well as before
int frees_without_memory() {
  constexpr std::uint64_t kContexts = 64;  // made at a time
  const auto blocks = allocate(kMany);
  const std::uint64_t others = kContexts - statistics().threads_in_use % kContexts;
  std::latch attached{static_cast<std::ptrdiff_t>(others)};
  std::latch refused{1};
  std::latch freed{1};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < others; ++i) {
    threads.emplace_back([&] {
      hak_free(hak_alloc(1));
      attached.count_down();
      freed.wait();
    });
  }
  int result = 1;
  threads.emplace_back([&] {
    refused.wait();
    const auto before = statistics();
    errno = 77;
    free_all(blocks);
    const bool kept = errno == 77;
    const auto now = statistics();
    result = !kept                                         ? 2
             : now.late_frees - before.late_frees != kMany ? 3
             : now.outbox_blocks != before.outbox_blocks   ? 4
                                                           : 0;
    freed.count_down();
  });
  attached.wait();
  const rlimit none{1, 1};
  (void)::setrlimit(RLIMIT_AS, &none);
  refused.count_down();
  for (std::thread& thread : threads) thread.join();
  return result;
}

TEST(HakFreersDeathTest, WithoutMemoryForAContextEachBlockIsFreedAlone) {
  EXPECT_EXIT(::_exit(frees_without_memory()), testing::ExitedWithCode(0), "");
}

#endif

}  // namespace
}  // namespace hakmem::test
