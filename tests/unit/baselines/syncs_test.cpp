/// Policies that the shipping one is measured against: a heap over each of them works, where it may be used.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>

#include "baselines/local_sync.hpp"
#include "baselines/spin_sync.hpp"
#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#include "support/together.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

constexpr auto kOrder = std::memory_order_seq_cst;

template <class Sync>
class BaselineSync : public testing::Test {};
using Syncs = testing::Types<bench::LocalSync, bench::SpinSync, StdSync>;
TYPED_TEST_SUITE(BaselineSync, Syncs);

TYPED_TEST(BaselineSync, OperationsGiveTheOldValueAndKeepTheNew) {
  typename TypeParam::template Atomic<std::uint64_t> word;
  EXPECT_EQ(word.load(kOrder), 0u);
  word.store(6, kOrder);
  EXPECT_EQ(word.exchange(5, kOrder), 6u);
  EXPECT_EQ(word.fetch_add(3, kOrder), 5u);
  EXPECT_EQ(word.fetch_or(6, kOrder), 8u);
  EXPECT_EQ(word.fetch_and(12, kOrder), 14u);
  EXPECT_EQ(word.fetch_sub(2, kOrder), 12u);
  EXPECT_EQ(word.load(kOrder), 10u);
}

TYPED_TEST(BaselineSync, CompareAndSwapWritesOnlyWhatIsExpected) {
  typename TypeParam::template Atomic<std::uint64_t> word;
  std::uint64_t expected = 1;
  EXPECT_FALSE(word.compare_exchange_strong(expected, 9, kOrder, kOrder));
  EXPECT_EQ(expected, 0u);
  EXPECT_EQ(word.load(kOrder), 0u);
  EXPECT_TRUE(word.compare_exchange_strong(expected, 9, kOrder, kOrder));
  EXPECT_EQ(expected, 0u);
  EXPECT_EQ(word.load(kOrder), 9u);
}

/// Blocks are distinct, and everything comes back.
TYPED_TEST(BaselineSync, AHeapOverItWorksOnOneThread) {
  // A page map of all addresses with such atomics is too large for a stack.
  using HeapT = Heap<Config<TypeParam, LinuxOs, ToyGeometry>>;
  const auto owner = std::make_unique<HeapT>();
  HeapT& heap = *owner;
  heap.init();
  auto* context = heap.attach();
  for (int round = 0; round < 3; ++round) {
    std::set<void*> blocks;
    for (std::size_t bytes = 1; bytes < 6000; bytes += 7)
      EXPECT_TRUE(blocks.insert(heap.allocate(*context, bytes)).second);
    for (void* block : blocks) heap.deallocate(*context, block);
  }
  heap.detach(*context);
  typename HeapT::Context stand_in;
  (void)heap.trim(stand_in);
  EXPECT_EQ(heap.pool().superslabs().mapped(), heap.pool().superslabs().unmapped());
}

TEST(SpinSync, ReadModifyWritesOfThreadsAreNotLost) {
  bench::SpinSync::Atomic<std::uint64_t> added;
  bench::SpinSync::Atomic<std::uint64_t> swapped;
  run_together(3, [&](unsigned) {
    for (int i = 0; i < 5000; ++i) {
      added.fetch_add(1, std::memory_order_relaxed);
      std::uint64_t seen = swapped.load(std::memory_order_relaxed);
      while (!swapped.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed, std::memory_order_relaxed)) {
        bench::SpinSync::pause();
      }
    }
  });
  EXPECT_EQ(added.load(kOrder), 15000u);
  EXPECT_EQ(swapped.load(kOrder), 15000u);
}

TEST(SpinSync, AHeapOverItServesThreadsThatFreeEachOthersBlocks) {
  using HeapT = Heap<Config<bench::SpinSync, LinuxOs, ToyGeometry>>;
  const auto owner = std::make_unique<HeapT>();
  HeapT& heap = *owner;
  heap.init();
  std::atomic<std::uint64_t*> exchange[8]{};
  std::atomic<bool> intact{true};
  run_together(3, [&](unsigned thread) {
    auto* context = heap.attach();
    for (unsigned i = 0; i < 2000; ++i) {
      auto* mine = static_cast<std::uint64_t*>(heap.allocate(*context, 64 * (1 + i % 24)));
      mine[0] = mine[7] = std::uint64_t{thread} << 32 | i;
      std::uint64_t* theirs = exchange[i % 8].exchange(mine);
      if (theirs == nullptr) continue;
      if (theirs[0] != theirs[7]) intact = false;
      heap.deallocate(*context, theirs);
    }
    heap.detach(*context);
  });
  EXPECT_TRUE(intact);
  typename HeapT::Context stand_in;
  for (auto& place : exchange) heap.deallocate(stand_in, place.load());
  (void)heap.trim(stand_in);
  EXPECT_EQ(heap.pool().superslabs().mapped(), heap.pool().superslabs().unmapped());
}

}  // namespace
}  // namespace hakmem::test
