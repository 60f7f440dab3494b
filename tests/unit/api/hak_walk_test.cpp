/// The heap walk of the C API, also while other threads go on; statistics of frees between threads.

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <iterator>
#include <numeric>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"

namespace {

struct Sum {
  std::size_t superslabs = 0;
  std::size_t active = 0;
  std::size_t slots = 0;
  std::size_t inexact = 0;
  std::size_t impossible = 0;
};

int add(const hak_region* region, void* argument) {
  auto& sum = *static_cast<Sum*>(argument);
  if (region->kind == HAK_REGION_SUPERSLAB) {
    ++sum.superslabs;
    sum.active += region->used;
  }
  if (region->kind == HAK_REGION_SLAB) {
    sum.slots += region->bytes >> 16;
    sum.inexact += region->exact != 0 ? 0 : 1;
    if (region->used > region->capacity || region->out > region->capacity) ++sum.impossible;
  }
  return 0;
}

TEST(HakHeapWalk, AgreesWithItselfWhenNoOtherThreadIsThere) {
  std::vector<void*> blocks;
  for (std::size_t i = 1; i < 3000; ++i) blocks.push_back(hak_alloc(i));
  Sum sum;
  EXPECT_EQ(hak_heap_walk(add, &sum), 0);
  hak_statistics now;
  hak_statistics_get(&now);
  EXPECT_EQ(sum.superslabs, now.superslabs_mapped - now.superslabs_unmapped);
  EXPECT_EQ(sum.active, sum.slots);
  EXPECT_EQ(sum.slots << 16, now.slab_bytes);
  EXPECT_EQ(sum.inexact, 0u);
  EXPECT_EQ(sum.impossible, 0u);
  for (void* block : blocks) hak_free(block);
}

/// Above all for ThreadSanitizer.
TEST(HakHeapWalk, GoesOnWhileOtherThreadsAllocate) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t round = t; !stop.load(std::memory_order_relaxed); ++round) {
        std::thread([round] {
          void* blocks[40];
          for (std::size_t i = 0; i < 40; ++i) blocks[i] = hak_alloc((i * i * 97 + round) % 40'000);
          for (void* block : blocks) hak_free(block);
          hak_free(hak_alloc(2'000'000));
        }).join();
        (void)hak_trim();
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    Sum sum;
    EXPECT_EQ(hak_heap_walk(add, &sum), 0);
    EXPECT_EQ(sum.impossible, 0u);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

TEST(HakHeapWalk, EndsWithWhatTheCallbackReturns) {
  hak_free(hak_alloc(1));
  EXPECT_EQ(hak_heap_walk([](const hak_region*, void*) { return 3; }, nullptr), 3);
}

TEST(HakHeapWalk, IsPrintedALineForEachRegion) {
  void* block = hak_alloc(100);
  void* direct = hak_alloc(3'000'000);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(hak_heap_print(ends[1]), 0);
  ::close(ends[1]);
  std::string text(65536, '\0');
  text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
  ::close(ends[0]);
  EXPECT_EQ(text.rfind("hakmem: superslab 0x", 0), 0u) << text;
  EXPECT_NE(text.find(" block=112 "), std::string::npos) << text;
  EXPECT_NE(text.find("hakmem: direct 0x"), std::string::npos) << text;
  const std::regex own_slab(
      "slab 0x[0-9a-f]+ bytes=[0-9]+ block=112 capacity=[0-9]+ cut=[0-9]+ out=[0-9]+ owner=[0-9]+\n");
  EXPECT_TRUE(std::regex_search(text, own_slab)) << text;
  hak_free(block);
  hak_free(direct);
  errno = 0;
  EXPECT_EQ(hak_heap_print(-1), -1);
  EXPECT_EQ(errno, EBADF);
}

hak_statistics statistics() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now;
}

TEST(HakStatistics, FreesOfOthersBlocksAreCountedByTheirWay) {
  const auto before = statistics();
  std::vector<void*> small, large;
  for (int i = 0; i < 200; ++i) small.push_back(hak_alloc(64));
  for (int i = 0; i < 3; ++i) large.push_back(hak_alloc(500'000));
  std::thread([&] {
    hak_free(hak_alloc(64));
    for (void* block : small) hak_free(block);
    for (void* block : large) hak_free(block);
  }).join();
  const auto after = statistics();
  EXPECT_EQ(after.outbox_blocks - before.outbox_blocks, 200u);
  EXPECT_GE(after.outbox_chains - before.outbox_chains, 4u) << "64 blocks to a chain";
  EXPECT_LE(after.outbox_chains - before.outbox_chains, 8u);
  EXPECT_EQ(after.single_frees - before.single_frees, 3u);
  for (int i = 0; i < 2000; ++i) small.push_back(hak_alloc(64));
  EXPECT_GE(statistics().taken_remote, 200u);
  EXPECT_GE(statistics().taken_fresh, 200u);
  for (std::size_t i = 200; i < small.size(); ++i) hak_free(small[i]);
}

TEST(HakStatistics, ListsOfMidBlocksThatGrowTooLongAreCounted) {
  const auto before = statistics();
  std::vector<void*> blocks(5000);
  for (void*& block : blocks) block = hak_alloc(2000);
  for (void* block : blocks) hak_free(block);
  EXPECT_GT(statistics().spills, before.spills);
}

TEST(HakStatistics, WhalesAreCountedByThreadsInUse) {
  const auto before = statistics();
  for (int i = 0; i < 3; ++i) hak_free(hak_alloc(3'000'000));
  const auto after = statistics();
  EXPECT_EQ(after.threads_in_use, 1u);
  EXPECT_GE(after.whale_hits_by_threads[0] - before.whale_hits_by_threads[0], 2u);
  EXPECT_EQ(after.whale_hits, std::accumulate(std::begin(after.whale_hits_by_threads),
                                              std::end(after.whale_hits_by_threads), std::uint64_t{0}));
}

TEST(HakStatistics, MappingCallsAreCounted) {
  (void)hak_trim();
  const auto before = statistics();
  hak_free(hak_alloc(9'000'000));
  (void)hak_trim();
  const auto after = statistics();
  EXPECT_GE(after.mmap_calls, before.mmap_calls + 1);
  EXPECT_GE(after.munmap_calls, before.munmap_calls + 1);
}

TEST(HakStatistics, AnOlderOrNewerProgramGetsWhatItKnows) {
  hak_free(hak_alloc(1));
  struct {
    hak_statistics known;
    std::uint64_t unknown;
  } newer;
  newer.unknown = 77;
  EXPECT_EQ(hak_statistics_read(&newer.known, sizeof newer), sizeof(hak_statistics));
  EXPECT_EQ(newer.unknown, 0u);
  hak_statistics older;
  older.whale_bytes = 77;
  (void)hak_statistics_read(&older, 8);
  EXPECT_EQ(older.whale_bytes, 77u) << "not touched";
}

}  // namespace
