/// What a thread and the heap keep for the next request, how much, and when it goes back.

#include <gtest/gtest.h>

#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using Classes = SizeClass<FullGeometry>;
constexpr std::size_t kMidBytes = 8192;
constexpr std::size_t kLargeBytes = 114688;  // 112 KiB: nine are less than the MiB that a thread may retain

class HeapKeeping : public testing::Test {
 protected:
  [[nodiscard]] unsigned listed(std::size_t bytes) {
    unsigned count = 0;
    for (void* b = me_.heads[Classes::of(bytes)].peek(); b != nullptr; b = TestSync::load_link(b)) ++count;
    return count;
  }
  void come_and_go(std::size_t bytes, std::size_t count) { full_.deallocate(me_, full_.allocate(me_, bytes, count)); }

  FullHeap full_;
  FullHeap::HeapT& heap_ = full_.heap;
  FullHeap::Context& me_ = *heap_.attach();
};

TEST_F(HeapKeeping, LargeBlocksAreKeptWithinTheBudget) {
  come_and_go(kLargeBytes, 12);
  EXPECT_EQ(listed(kLargeBytes), 9u);
  EXPECT_EQ(me_.retained_bytes.get(), 9 * kLargeBytes);
  EXPECT_GE(heap_.pool().released(), 3u) << "the others' slabs";
}

TEST_F(HeapKeeping, LargeBlocksThatCameFirstGiveWayToThoseThatComeAndGo) {
  come_and_go(kMidBytes, 3);
  const unsigned mid = listed(kMidBytes);
  come_and_go(kLargeBytes, 9);
  constexpr std::size_t kOther = 40960;
  void* company = heap_.allocate(me_, kOther);  // so that no slab is refused as well
  for (int i = 0; i < 63; ++i) come_and_go(kOther, 1);
  EXPECT_EQ(listed(kOther), 0u);
  EXPECT_EQ(listed(kLargeBytes), 9u);
  come_and_go(kOther, 1);
  EXPECT_EQ(listed(kOther), 1u);
  EXPECT_EQ(listed(kLargeBytes), 0u);
  EXPECT_EQ(me_.retained_bytes.get(), kOther);
  EXPECT_EQ(listed(kMidBytes), mid) << "which take nothing of the budget";
  heap_.deallocate(me_, company);
}

/// As with blocks: who has 16 empty slabs of 64 KiB keeps no other, until 64 have been refused.
TEST_F(HeapKeeping, EmptySlabsThatCameFirstGiveWayToThoseThatComeAndGo) {
  constexpr std::size_t kSlab = std::size_t{1} << FullGeometry::kSlotShift;
  constexpr std::size_t kFirst = 1024;
  constexpr std::size_t kOther = 512;
  constexpr std::size_t kCut = FullGeometry::kCarveBytes / kOther;  // none stays on the detached list
  come_and_go(kFirst, 16 * kSlab / kFirst);
  ASSERT_EQ(me_.retained_bytes.get(), FullGeometry::kRetainBytes);
  for (int i = 0; i < 63; ++i) come_and_go(kOther, kCut);
  EXPECT_EQ(me_.slabs[Classes::of(kOther)].first(), nullptr) << "refused each time";
  come_and_go(kOther, kCut);
  ASSERT_NE(me_.slabs[Classes::of(kOther)].first(), nullptr);
  EXPECT_EQ(me_.slabs[Classes::of(kOther)].first()->state.get(), SlabState::kRetained);
  EXPECT_EQ(me_.retained_bytes.get(), kSlab);
  EXPECT_EQ(me_.slabs[Classes::of(kFirst)].first(), nullptr);
}

constexpr std::size_t kSlabBlocks = (std::size_t{1} << FullGeometry::kSlotShift) / 1024;
constexpr std::size_t kRetainedSlabs = FullGeometry::kRetainBytes >> FullGeometry::kSlotShift;

/// Each cached block holds back a slab that else might be empty.
TEST_F(HeapKeeping, ListsFollowTheSlabsOfAThreadThatOnlyFrees) {
  come_and_go(kMidBytes, 20);
  ASSERT_GT(listed(kMidBytes), 0u);
  come_and_go(1024, (2 * kRetainedSlabs + 1) * kSlabBlocks);
  EXPECT_EQ(listed(kMidBytes), 0u);
  EXPECT_EQ(me_.allowances[Classes::of(kMidBytes)].length(), 0);
}

TEST_F(HeapKeeping, ListsThatHaveFollowedStayUntilAsMuchHasGoneBackAgain) {
  const auto mid = full_.allocate(me_, kMidBytes, 3);
  const auto last_slab = full_.allocate(me_, 1024, kSlabBlocks);
  come_and_go(1024, (2 * kRetainedSlabs + 1) * kSlabBlocks);
  ASSERT_EQ(listed(kMidBytes), 0u);
  full_.deallocate(me_, mid);
  const auto released = heap_.pool().released();
  full_.deallocate(me_, last_slab);
  ASSERT_EQ(heap_.pool().released(), released + 1);
  EXPECT_EQ(listed(kMidBytes), 3u);
}

TEST_F(HeapKeeping, ListsStayWhereSlabsComeAndGo) {
  come_and_go(kMidBytes, 20);
  const unsigned mid = listed(kMidBytes);
  for (int i = 0; i < 3; ++i) come_and_go(1024, 2 * kRetainedSlabs * kSlabBlocks);
  EXPECT_EQ(listed(kMidBytes), mid);
}

TEST_F(HeapKeeping, ATrimLeavesTheWholeBudget) {
  come_and_go(1024, 16);
  come_and_go(kLargeBytes, 2);
  ASSERT_GT(me_.retained_bytes.get(), 2 * kLargeBytes) << "an empty slab, and large blocks";
  EXPECT_TRUE(heap_.trim(me_));
  EXPECT_EQ(me_.retained_bytes.get(), 0u);
}

/// What others have freed of a slab is taken up together: all but the first is kept.
TEST_F(HeapKeeping, LargeBlocksThatOthersHaveFreedCountWhenTheyAreTakenUp) {
  FullHeap::Context& other = *heap_.attach();
  const auto blocks = full_.allocate(me_, 40960, 3);
  for (const std::size_t i : {0u, 1u}) heap_.deallocate(other, blocks[i]);
  other.outbox.flush_all();
  (void)heap_.allocate(me_, 40960);
  EXPECT_EQ(listed(40960), 1u);
  EXPECT_EQ(me_.retained_bytes.get(), 40960u);
}

TEST_F(HeapKeeping, WithoutTheirCacheLargeBlocksNeverGiveWay) {
  heap_.settings().set_caches(PoolKind::kLarge, false);
  for (int i = 0; i < 200; ++i) come_and_go(kLargeBytes, 1);
  EXPECT_EQ(listed(kLargeBytes), 0u);
  EXPECT_EQ(me_.retained_bytes.get(), 0u);
}

TEST_F(HeapKeeping, LargeListsThatOutgrowTheirCapGiveTheBudgetBack) {
  heap_.settings().set_cap(Classes::of(kLargeBytes), 4);
  come_and_go(kLargeBytes, 5);
  EXPECT_EQ(listed(kLargeBytes), 2u);
  EXPECT_EQ(me_.retained_bytes.get(), 2 * kLargeBytes + 3 * 131072) << "the others' slabs are empty, and retained";
}

TEST_F(HeapKeeping, NothingIsListedUnderACapOfOneOrNone) {
  for (const int cap : {1, 0}) {
    heap_.settings().set_cap(Classes::of(kMidBytes), cap);
    come_and_go(kMidBytes, 6);
    EXPECT_LE(listed(kMidBytes), static_cast<unsigned>(cap));
    EXPECT_EQ(static_cast<unsigned>(me_.allowances[Classes::of(kMidBytes)].length()), listed(kMidBytes));
  }
}

TEST_F(HeapKeeping, ListsMayGrowToACapThatWasRaisedMeanwhile) {
  const unsigned mid_class = Classes::of(kMidBytes);
  heap_.settings().set_cap(mid_class, 4);
  const auto blocks = full_.allocate(me_, kMidBytes, 6);
  for (std::size_t i = 0; i < 4; ++i) heap_.deallocate(me_, blocks[i]);
  heap_.settings().set_cap(mid_class, 5);
  heap_.deallocate(me_, blocks[4]);
  EXPECT_EQ(listed(kMidBytes), 5u);
  EXPECT_EQ(me_.spills.get(), 0u);
  heap_.deallocate(me_, blocks[5]);
  EXPECT_EQ(me_.spills.get(), 1u);
}

TEST_F(HeapKeeping, EmptySlabsOfAPoolWithoutACacheGoBackAtOnce) {
  heap_.settings().set_caches(PoolKind::kSmall, false);
  come_and_go(64, 100);
  EXPECT_EQ(heap_.pool().released(), 1u);
  EXPECT_EQ(me_.retained_bytes.get(), 0u);
}

/// W_MAX is for mid classes: a small block takes no larger one's place, a mid request no large block.
TEST_F(HeapKeeping, OnlyMidRequestsBorrowAndOnlyMidBlocks) {
  heap_.settings().set_max_waste(16'000);
  (void)full_.allocate(me_, 64, 1);  // 63 more are listed
  EXPECT_EQ(heap_.usable_size(heap_.allocate(me_, 48)), 48u);
  come_and_go(kLargeBytes, 1);
  EXPECT_EQ(heap_.usable_size(heap_.allocate(me_, 32768)), 32768u);
  EXPECT_EQ(heap_.usable_size(heap_.allocate(me_, 100'000 - kMidBytes)), 98304u) << "nor a large one";
  EXPECT_EQ(listed(kLargeBytes), 1u);
}

/// The next larger block that is listed, if it wastes no more than is allowed.
TEST_F(HeapKeeping, BorrowedBlocksStayOfTheirClassAndAreCountedForTheOneThatAsked) {
  heap_.settings().set_refill_batch(1);  // no second block comes with the first
  void* cached = heap_.allocate(me_, 10240);
  heap_.deallocate(me_, cached);
  const auto& tally = me_.tallies[Classes::of(7168) - Classes::kSmallCount];
  EXPECT_NE(heap_.allocate(me_, 7168), cached) << "nothing may be wasted";
  heap_.settings().set_max_waste(1428);
  EXPECT_NE(heap_.allocate(me_, 7168), cached) << "10240 is more than 1.428 * 7168";
  EXPECT_EQ(tally.borrowed.get(), 0u);
  heap_.settings().set_max_waste(1429);
  EXPECT_EQ(heap_.allocate(me_, 7168), cached) << "of the class in between none is listed";
  EXPECT_EQ(heap_.usable_size(cached), 10240u);
  EXPECT_EQ(me_.allowances[Classes::of(10240)].length(), 0);
  EXPECT_EQ(tally.borrowed.get(), 1u);
  EXPECT_EQ(tally.served_bytes.get(), 10240u);
  heap_.deallocate(me_, cached);
  EXPECT_EQ(heap_.allocate(me_, 10240), cached);
  heap_.deallocate(me_, cached);
  heap_.settings().set_max_waste(1250);
  EXPECT_EQ(heap_.allocate(me_, 8192), cached) << "just as much as is allowed";
}

TEST_F(HeapKeeping, ATrimSendsWhatWasGatheredForOthers) {
  FullHeap::Context& other = *heap_.attach();
  const auto blocks = full_.allocate(me_, 64, 2);
  heap_.deallocate(other, blocks[0]);
  EXPECT_FALSE(full_.slab_of(blocks[0]).remote.has_chain());
  (void)heap_.trim(other);
  EXPECT_TRUE(full_.slab_of(blocks[0]).remote.has_chain());
}

/// Kept mappings give way when nothing else is left to map.
TEST(HeapKeepingOfMappings, SlabsGetTheMemoryOfKeptMappings) {
  ToyHeap toy;
  auto& me = *toy.heap.attach();
  toy.heap.direct().whales().set_max_bytes(std::size_t{1} << 30);
  std::vector<void*> mappings;
  for (std::size_t bytes = std::size_t{1} << 20; bytes > ToyGeometry::kLargeMax; bytes /= 2) {
    while (void* mapping = toy.heap.allocate(me, bytes)) mappings.push_back(mapping);
  }
  while (void* mapping = toy.heap.allocate(me, ToyGeometry::kLargeMax + 1)) mappings.push_back(mapping);
  while (toy.heap.allocate(me, 64) != nullptr) {
  }
  const auto reservations = toy.memory.reservations();
  toy.heap.deallocate(me, mappings.front());
  ASSERT_EQ(toy.memory.reservations(), reservations) << "it is kept";
  EXPECT_NE(toy.heap.allocate(me, 64), nullptr);
}

// With time -----------------------------------------------------------------------------------------------------------

class HeapKeepingWithTime : public testing::Test {
 protected:
  HeapKeepingWithTime() {
    ClockedOs::now = 10'000;
    heap_.init();
    for (const PoolKind pool : {PoolKind::kSmall, PoolKind::kMid}) heap_.settings().set_caches(pool, false);
    me_ = heap_.attach();
  }

  /// A slab comes: what is only kept is looked at.
  void acquire() { (void)heap_.allocate(*me_, 64 * ++classes_); }

  TestMemory memory_{kToyBits};
  Heap<ClockedConfig> heap_{ClockedOs(memory_)};
  ThreadContext<ClockedConfig>* me_ = nullptr;
  std::size_t classes_ = 0;
};

TEST_F(HeapKeepingWithTime, KeptMappingsGoBackWhenSlabsAreAcquired) {
  heap_.direct().whales().set_max_bytes(std::size_t{1} << 20);
  heap_.deallocate(*me_, heap_.allocate(*me_, 5 * TestMemory::kPageBytes));
  ASSERT_EQ(memory_.reservations(), 1u);
  ClockedOs::now += 60'000;
  acquire();
  EXPECT_EQ(memory_.reservations(), 1u) << "the SuperSlab alone";
}

TEST_F(HeapKeepingWithTime, WithoutADelayTheNextLookTakesWhatExitedThreadsHaveLeft) {
  heap_.settings().set_caches(PoolKind::kSmall, true);
  heap_.pool().set_purge_delay(0);
  auto& gone = *heap_.attach();
  heap_.deallocate(gone, heap_.allocate(gone, 256));
  heap_.detach(gone);
  ASSERT_EQ(heap_.pool().released(), 0u);
  ClockedOs::now += 64;
  acquire();
  EXPECT_EQ(heap_.pool().released(), 1u);
}

/// Each look costs something.
TEST_F(HeapKeepingWithTime, WhatIsKeptIsLookedAtEvery64Milliseconds) {
  heap_.pool().set_purge_delay(0);
  void* keeps_the_first = heap_.allocate(*me_, 64);
  std::vector<void*> rest;
  for (int i = 0; i < 3; ++i) rest.push_back(heap_.allocate(*me_, 128 + 64 * static_cast<std::size_t>(i)));
  void* second = heap_.allocate(*me_, 1024);  // another SuperSlab
  ASSERT_EQ(memory_.reservations(), 2u);
  ClockedOs::now += 64;
  heap_.deallocate(*me_, rest[0]);  // looks
  ClockedOs::now += 1;
  heap_.deallocate(*me_, second);
  ASSERT_EQ(memory_.reservations(), 2u) << "it is kept";
  ClockedOs::now += 62;
  heap_.deallocate(*me_, rest[1]);
  EXPECT_EQ(memory_.reservations(), 2u) << "63 ms have passed";
  ClockedOs::now += 1;
  heap_.deallocate(*me_, rest[2]);
  EXPECT_EQ(memory_.reservations(), 1u);
  heap_.deallocate(*me_, keeps_the_first);
}

}  // namespace
}  // namespace hakmem::test
