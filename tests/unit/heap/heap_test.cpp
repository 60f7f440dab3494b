/// The heap on one thread, on toy and shipping geometry, with both kinds of page map.

#include "heap/heap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "layout/free_mark.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = TestMemory::kPageBytes;

bool is_aligned(const void* p, std::size_t alignment) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

/// Promises that hold for every geometry.
template <class SimulatedT>
class AnyHeapTest : public testing::Test {
 protected:
  using HeapT = typename SimulatedT::HeapT;
  using Geometry = typename HeapT::Geometry;
  using Classes = typename HeapT::Classes;

  void TearDown() override {
    simulated_.heap.detach(context_);
    auto& last = *simulated_.heap.attach();
    (void)simulated_.heap.trim(last);
    EXPECT_EQ(simulated_.memory.reservations(), 0u) << "I8";
  }

  SimulatedT simulated_;
  HeapT& heap_ = simulated_.heap;
  typename SimulatedT::Context& context_ = *simulated_.heap.attach();
};

using Heaps = testing::Types<ToyHeap, SimulatedHeap<LeastPagedGeometry>, SimulatedHeap<SmallBlocks>, FullHeap>;
TYPED_TEST_SUITE(AnyHeapTest, Heaps);

TYPED_TEST(AnyHeapTest, BlocksAroundEveryClassBoundaryAreUsableAndApart) {
  using C = typename TestFixture::Classes;
  for (unsigned c = 0; c < C::kCount; ++c) {
    std::vector<std::pair<char*, std::size_t>> blocks;
    for (std::size_t bytes = C::block_bytes(c) - 1; bytes <= C::block_bytes(c) + 1; ++bytes) {
      char* block = static_cast<char*>(this->heap_.allocate(this->context_, bytes));
      ASSERT_NE(block, nullptr) << bytes;
      EXPECT_TRUE(is_aligned(block, 16));
      EXPECT_GE(this->heap_.usable_size(block), bytes);
      std::memset(block, static_cast<int>(bytes), bytes);
      blocks.emplace_back(block, bytes);
    }
    for (const auto& [block, bytes] : blocks) {
      EXPECT_EQ(block[0], static_cast<char>(bytes));
      EXPECT_EQ(block[bytes - 1], static_cast<char>(bytes));
      this->heap_.deallocate(this->context_, block);
    }
  }
}

TYPED_TEST(AnyHeapTest, RequestOfNothingGetsABlockOfItsOwn) {
  void* one = this->heap_.allocate(this->context_, 0);
  void* two = this->heap_.allocate_zeroed(this->context_, 0);
  void* three = this->heap_.allocate_aligned(this->context_, 0, 1);
  EXPECT_EQ((std::set<void*>{one, two, three, nullptr}).size(), 4u);
  for (void* block : {one, two, three}) this->heap_.deallocate(this->context_, block);
}

TYPED_TEST(AnyHeapTest, BlocksAreAlignedAsAsked) {
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 20; alignment *= 2) {
    for (const std::size_t bytes : {std::size_t{1}, alignment, 3 * alignment + 1}) {
      void* block = this->heap_.allocate_aligned(this->context_, bytes, alignment);
      ASSERT_NE(block, nullptr) << bytes << " aligned to " << alignment;
      EXPECT_TRUE(is_aligned(block, alignment)) << bytes << " aligned to " << alignment;
      EXPECT_GE(this->heap_.usable_size(block), bytes);
      this->heap_.deallocate(this->context_, block);
    }
  }
}

TYPED_TEST(AnyHeapTest, GoodSizeIsWhatABlockHas) {
  using Tested = typename TestFixture::HeapT;
  this->heap_.direct().whales().set_max_bytes(0);  // a mapping that was kept may have more
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 20; alignment *= 2) {
    for (std::size_t bytes = 0; bytes < 3 * Tested::Geometry::kLargeMax; bytes += bytes / 3 + 1) {
      void* block = this->heap_.allocate_aligned(this->context_, bytes, alignment);
      EXPECT_EQ(this->heap_.usable_size(block), Tested::good_size(bytes, alignment)) << bytes << " at " << alignment;
      this->heap_.deallocate(this->context_, block);
    }
  }
  EXPECT_GE(Tested::good_size(Tested::kMaxBytes, 1), Tested::kMaxBytes);
  EXPECT_EQ(Tested::good_size(Tested::kMaxBytes + 1, 1), 0u);
  EXPECT_EQ(Tested::good_size(1, Tested::kMaxBytes + 1), 0u);
}

TYPED_TEST(AnyHeapTest, AlignedBlocksOfSlabsNeedNoMappingOfTheirOwn) {
  using G = typename TestFixture::Geometry;
  for (std::size_t alignment = 1; alignment <= std::min(kSlotBytes<G>, G::kLargeMax); alignment *= 2) {
    for (const std::size_t bytes : {std::size_t{1}, G::kLargeMax}) {
      this->heap_.deallocate(this->context_, this->heap_.allocate_aligned(this->context_, bytes, alignment));
    }
  }
  EXPECT_EQ(this->heap_.direct().mapped(), 0u);
}

TYPED_TEST(AnyHeapTest, ImpossibleRequestsGetNothing) {
  auto& heap = this->heap_;
  auto& context = this->context_;
  for (const std::size_t bytes :
       {TestFixture::HeapT::kMaxBytes, TestFixture::HeapT::kMaxBytes + 1, SIZE_MAX - 4096, SIZE_MAX}) {
    EXPECT_EQ(heap.try_allocate(context, bytes), nullptr);
    EXPECT_EQ(heap.try_allocate_cached(context, bytes), nullptr);
    EXPECT_EQ(heap.allocate(context, bytes), nullptr);
    EXPECT_EQ(heap.allocate_zeroed(context, bytes), nullptr);
    EXPECT_EQ(heap.allocate_aligned(context, bytes, 64), nullptr);
    const auto asked = this->simulated_.memory.calls(OsCall::kReserve);
    EXPECT_EQ(heap.allocate_aligned(context, 1, std::size_t{1} << 63), nullptr);
    EXPECT_EQ(this->simulated_.memory.calls(OsCall::kReserve), asked) << "the system need not be asked";
    void* block = heap.allocate(context, 40);
    std::memset(block, 7, 40);
    EXPECT_EQ(heap.reallocate(context, block, bytes), nullptr);
    EXPECT_EQ(static_cast<char*>(block)[39], 7) << "the old block is as it was";
    heap.deallocate(context, block);
    void* direct = heap.allocate(context, TestFixture::Geometry::kLargeMax + 1);
    EXPECT_EQ(heap.reallocate(context, direct, bytes), nullptr);
    heap.deallocate(context, direct);
  }
}

TYPED_TEST(AnyHeapTest, ZeroedBlocksAreZeroHoweverDirtyTheirMemoryWas) {
  using G = typename TestFixture::Geometry;
  for (const std::size_t bytes : {std::size_t{48}, G::kSmallMax, G::kMidMax, G::kLargeMax, G::kLargeMax + 1}) {
    std::vector<char*> dirty;
    for (int i = 0; i < 3; ++i) {
      dirty.push_back(static_cast<char*>(this->heap_.allocate(this->context_, bytes)));
      std::memset(dirty.back(), 0xee, bytes);
    }
    for (char* block : dirty) this->heap_.deallocate(this->context_, block);
    for (char*& block : dirty) {
      block = static_cast<char*>(this->heap_.allocate_zeroed(this->context_, bytes));
      EXPECT_TRUE(std::all_of(block, block + bytes, [](char c) { return c == 0; })) << bytes;
    }
    for (char* block : dirty) this->heap_.deallocate(this->context_, block);
  }
}

/// Every step from and to every kind of block: small, mid, large, direct; up, down, and to the same.
TYPED_TEST(AnyHeapTest, ReallocationKeepsContentsInAllDirections) {
  using G = typename TestFixture::Geometry;
  const std::size_t sizes[] = {
      1, G::kSmallMax, G::kSmallMax + 1, G::kMidMax, G::kLargeMax, G::kLargeMax + 1, 3 * G::kLargeMax};
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      SCOPED_TRACE(testing::Message() << from << " to " << to);
      char* block = static_cast<char*>(this->heap_.allocate(this->context_, from));
      for (std::size_t i = 0; i < from; ++i) block[i] = static_cast<char>(i * 7);
      block = static_cast<char*>(this->heap_.reallocate(this->context_, block, to));
      ASSERT_NE(block, nullptr);
      EXPECT_GE(this->heap_.usable_size(block), to);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < std::min(from, to); ++i) wrong += block[i] != static_cast<char>(i * 7) ? 1u : 0u;
      EXPECT_EQ(wrong, 0u);
      this->heap_.deallocate(this->context_, block);
    }
  }
}

TYPED_TEST(AnyHeapTest, WhatFitsASlabAgainLeavesItsMapping) {
  using G = typename TestFixture::Geometry;
  void* block = this->heap_.allocate(this->context_, 3 * G::kLargeMax);
  block = this->heap_.reallocate(this->context_, block, G::kLargeMax);
  EXPECT_EQ(this->heap_.direct().bytes(), 0u);
  EXPECT_EQ(this->heap_.usable_size(block), G::kLargeMax);
  EXPECT_EQ(this->heap_.reallocate(this->context_, block, G::kLargeMax), block) << "as large as it is";
  EXPECT_EQ(this->heap_.reallocate(this->context_, block, G::kLargeMax / 2), block) << "half of it is used";
  this->heap_.deallocate(this->context_, block);
}

/// Whatever waits in the lists: a request at the edge of a path's range gets a block of its own class or none.
TYPED_TEST(AnyHeapTest, FastPathsServeNoRequestWithASmallerBlock) {
  using C = typename TestFixture::Classes;
  using G = typename TestFixture::Geometry;
  std::vector<void*> blocks;
  for (unsigned c = 0; c < C::kCount; ++c) {
    for (int i = 0; i < 3; ++i) blocks.push_back(this->heap_.allocate(this->context_, C::block_bytes(c)));
  }
  this->simulated_.deallocate(this->context_, blocks);
  for (const std::size_t edge : {std::size_t{0}, std::size_t{1}, G::kSmallMax, G::kMidMax, G::kLargeMax}) {
    for (std::size_t bytes = edge == 0 ? 0 : edge - 1; bytes <= edge + 1; ++bytes) {
      void* block = this->heap_.try_allocate(this->context_, bytes);
      EXPECT_TRUE(block == nullptr || bytes <= G::kSmallMax) << bytes;
      if (block == nullptr) block = this->heap_.try_allocate_cached(this->context_, bytes);
      if (block == nullptr) continue;
      EXPECT_GE(this->heap_.usable_size(block), bytes);
      this->heap_.deallocate(this->context_, block);
    }
  }
}

TYPED_TEST(AnyHeapTest, NullIsNoBlock) {
  this->heap_.deallocate(this->context_, nullptr);
  EXPECT_EQ(this->heap_.usable_size(nullptr), 0u);
}

TYPED_TEST(AnyHeapTest, KnowsItsOwnAddresses) {
  int foreign = 0;
  void* block = this->heap_.allocate(this->context_, 100);
  void* direct = this->heap_.allocate(this->context_, TestFixture::Geometry::kLargeMax + 1);
  EXPECT_TRUE(this->heap_.owns(block));
  EXPECT_TRUE(this->heap_.owns(direct));
  EXPECT_FALSE(this->heap_.owns(nullptr));
  (void)foreign;
  this->heap_.deallocate(this->context_, block);
  this->heap_.deallocate(this->context_, direct);
  EXPECT_FALSE(this->heap_.owns(direct));
}

/// The heap is lost without memory, but not broken.
TYPED_TEST(AnyHeapTest, RefusedMemoryGivesNullAndEverythingGoesOnAfterwards) {
  using G = typename TestFixture::Geometry;
  void* kept = this->heap_.allocate(this->context_, 100);
  this->simulated_.memory.refuse(OsCall::kReserve, 1, TestMemory::kForEver);
  this->simulated_.memory.refuse(OsCall::kMetadata, 1, TestMemory::kForEver);
  EXPECT_EQ(this->heap_.allocate(this->context_, G::kLargeMax + 1), nullptr);
  std::vector<void*> blocks;
  while (void* block = this->heap_.allocate(this->context_, G::kLargeMax)) blocks.push_back(block);
  EXPECT_LT(blocks.size() * G::kLargeMax, kSuperSlabBytes<G>);
  this->simulated_.memory.grant_everything();
  void* after = this->heap_.allocate(this->context_, G::kLargeMax);
  EXPECT_NE(after, nullptr);
  blocks.push_back(after);
  blocks.push_back(kept);
  this->simulated_.deallocate(this->context_, blocks);
}

TEST(HeapInitialisation, RefusedContextIsNull) {
  ToyHeap toy;
  toy.memory.refuse(OsCall::kMetadata);
  EXPECT_EQ(toy.heap.attach(), nullptr);
  EXPECT_NE(toy.heap.attach(), nullptr);
}

// What toy geometry makes visible -------------------------------------------------------------------------------------

/// Slabs of 16 blocks of 64 bytes, 4 of 256, 2 of 512; one KiB (one slot) of empty slabs is retained.
class ToyHeapTest : public testing::Test {
 protected:
  ToyHeap toy_;
  ToyHeap::HeapT& heap_ = toy_.heap;
  ToyHeap::Context& context_ = *toy_.heap.attach();
};

/// B3: own frees of mid blocks are handed out again last in first out, without touching a slab.
TEST_F(ToyHeapTest, MidBlocksAreCachedByThread) {
  const auto blocks = toy_.allocate(context_, 512, 2);
  toy_.deallocate(context_, blocks);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 512), blocks[1]);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 512), blocks[0]);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 512), nullptr);
}

TEST_F(ToyHeapTest, CacheThatGrowsTooLongSpillsIntoTheSlabs) {
  const auto blocks = toy_.allocate(context_, 512, 8);  // at most two are cached
  toy_.deallocate(context_, blocks);
  std::set<void*> again;
  for (void* block : toy_.allocate(context_, 512, 8)) again.insert(block);
  EXPECT_EQ(again.size(), 8u);
  EXPECT_EQ(toy_.acquired(AcquireStage::kMapped), 1u) << "spilled blocks are found again";
}

TEST_F(ToyHeapTest, FastPathServesSmallBlocksFromTheDetachedListAlone) {
  EXPECT_EQ(heap_.try_allocate(context_, 64), nullptr) << "nothing carved yet";
  (void)heap_.allocate(context_, 64);  // carves two
  EXPECT_NE(heap_.try_allocate(context_, 64), nullptr);
  EXPECT_EQ(heap_.try_allocate(context_, 64), nullptr);
  EXPECT_EQ(heap_.try_allocate(context_, 0), nullptr) << "goes the long way";
  EXPECT_EQ(heap_.try_allocate(context_, 257), nullptr) << "not small";
}

TEST_F(ToyHeapTest, SecondFastPathTakesUpSmallBlocksThatTheThreadHasFreed) {
  const auto blocks = toy_.allocate(context_, 64, 4);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 64), nullptr) << "nothing freed yet";
  for (const std::size_t i : {0u, 1u}) heap_.deallocate(context_, blocks[i]);
  EXPECT_EQ(heap_.try_allocate(context_, 64), nullptr);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 64), blocks[1]);
  EXPECT_EQ(heap_.try_allocate(context_, 64), blocks[0]);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 64), nullptr);
}

/// However its blocks were freed.
TEST_F(ToyHeapTest, EmptySlabServesManySmallBlocksInOrderOfTheirAddresses) {
  const auto blocks = toy_.allocate(context_, 64, 10);
  for (const std::size_t i : {7u, 1u, 9u, 3u, 0u, 2u, 6u, 4u, 8u, 5u}) heap_.deallocate(context_, blocks[i]);
  ASSERT_EQ(context_.retained_bytes.get(), 1024u);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 64), nullptr) << "has to be cut";
  EXPECT_EQ(toy_.allocate(context_, 64, 10), blocks);
  EXPECT_EQ(context_.retained_bytes.get(), 0u) << "in use again";
}

/// They are in a cache, and the last is the hottest.
TEST_F(ToyHeapTest, EmptySlabServesAFewSmallBlocksLastInFirstOut) {
  const auto blocks = toy_.allocate(context_, 64, 8);
  toy_.deallocate(context_, blocks);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 64), blocks[7]);
  EXPECT_EQ(heap_.try_allocate(context_, 64), blocks[6]);
}

TEST_F(ToyHeapTest, SecondFastPathIsOffWithTheSmallCache) {
  toy_.deallocate(context_, toy_.allocate(context_, 64, 2));
  heap_.settings().set_caches(PoolKind::kSmall, false);
  EXPECT_EQ(heap_.try_allocate_cached(context_, 64), nullptr);
  EXPECT_NE(heap_.allocate(context_, 64), nullptr);
}

TEST_F(ToyHeapTest, FullSlabSleepsAndWakesWhenItsOwnerHasFreedEnough) {
  const auto blocks = toy_.allocate(context_, 64, 17);
  auto& slab = toy_.slab_of(blocks[0]);
  EXPECT_EQ(slab.state.get(), SlabState::kAsleep);
  heap_.deallocate(context_, blocks[0]);
  heap_.deallocate(context_, blocks[1]);
  EXPECT_EQ(slab.state.get(), SlabState::kAsleep);
  heap_.deallocate(context_, blocks[2]);
  EXPECT_EQ(slab.state.get(), SlabState::kAwake);
}

TEST_F(ToyHeapTest, EmptySlabsAreRetainedUpToABudgetAndReleasedAboveIt) {
  const auto first = toy_.allocate(context_, 64, 16);
  const auto second = toy_.allocate(context_, 256, 4);
  const auto kept = toy_.allocate(context_, 128, 1);
  toy_.deallocate(context_, first);
  EXPECT_EQ(toy_.slab_of(first[0]).state.get(), SlabState::kRetained);
  EXPECT_EQ(heap_.pool().released(), 0u);
  toy_.deallocate(context_, second);
  EXPECT_EQ(heap_.pool().released(), 1u) << "the budget is spent";
  const auto again = toy_.allocate(context_, 64, 16);
  EXPECT_EQ(std::set<void*>(again.begin(), again.end()), std::set<void*>(first.begin(), first.end()));
  EXPECT_EQ(toy_.acquired(AcquireStage::kSameClass), 0u) << "retained blocks come back without a slot";
  toy_.deallocate(context_, first);
  toy_.deallocate(context_, kept);
}

TEST_F(ToyHeapTest, TrimGivesBackWhatIsOnlyKept) {
  toy_.deallocate(context_, toy_.allocate(context_, 64, 16));
  EXPECT_EQ(toy_.memory.reservations(), 1u);
  EXPECT_TRUE(heap_.trim(context_));
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_FALSE(heap_.trim(context_)) << "nothing is left to give";
}

TEST_F(ToyHeapTest, TrimLeavesLiveBlocksAlone) {
  const auto blocks = toy_.allocate(context_, 64, 3);
  std::memset(blocks[1], 7, 64);
  EXPECT_FALSE(heap_.trim(context_));
  EXPECT_EQ(static_cast<char*>(blocks[1])[63], 7);
  toy_.deallocate(context_, blocks);
}

/// What a thread only keeps is memory: a request fails when even that does not serve it.
TEST_F(ToyHeapTest, WhatWasRetainedFirstGivesWayToWhatComesAndGoesNow) {
  const auto first = toy_.allocate(context_, 64, 16);
  auto& kept = toy_.slab_of(first[0]);
  toy_.deallocate(context_, first);
  ASSERT_EQ(kept.state.get(), SlabState::kRetained);
  unsigned refused = 0;
  for (;; ++refused) {
    ASSERT_LE(refused, 100u);
    void* block = heap_.allocate(context_, 256);
    auto& slab = toy_.slab_of(block);
    heap_.deallocate(context_, block);
    if (slab.state.get() == SlabState::kRetained) break;
  }
  EXPECT_GT(refused, 10u) << "not at the first try: that would be no cache";
  EXPECT_EQ(kept.state.get(), SlabState::kNone);
  EXPECT_LE(context_.retained_bytes.get(), 1024u);
}

TEST_F(ToyHeapTest, RetainedSlabsServeOtherRequestsWhenTheSystemRefuses) {
  toy_.deallocate(context_, toy_.allocate(context_, 64, 16));
  toy_.memory.refuse(OsCall::kReserve, 1, TestMemory::kForEver);
  EXPECT_NE(heap_.allocate(context_, ToyGeometry::kLargeMax), nullptr);
}

TEST_F(ToyHeapTest, CachedBlocksServeOtherRequestsWhenTheSystemRefuses) {
  toy_.deallocate(context_, toy_.allocate(context_, 512, 2));
  (void)heap_.allocate(context_, 2048);
  void* block = heap_.allocate(context_, 1024);
  ASSERT_EQ(toy_.acquired(AcquireStage::kMapped), 1u);
  toy_.memory.refuse(OsCall::kReserve, 1, TestMemory::kForEver);
  EXPECT_NE(heap_.allocate(context_, 1024), nullptr) << "the slot of the cached blocks";
  EXPECT_EQ(heap_.allocate(context_, 1024), nullptr);
  heap_.deallocate(context_, block);
  EXPECT_NE(heap_.allocate(context_, 1024), nullptr);
}

TEST_F(ToyHeapTest, DirectBlocksGetWhatTheCacheHolds) {
  TestMemory& memory = toy_.memory;
  toy_.deallocate(context_, toy_.allocate(context_, 64, 16));
  memory.refuse(OsCall::kReserve);  // the first try; after the trim the second one is granted
  EXPECT_NE(heap_.allocate(context_, 2 * ToyGeometry::kLargeMax), nullptr);
  EXPECT_EQ(memory.refused(), 1u);
  EXPECT_EQ(memory.reservations(), 1u) << "the retained slab went back";
}

TEST_F(ToyHeapTest, DirectBlocksOfAFlatMapAreResizedByTheSystem) {
  void* block = heap_.allocate(context_, 2 * kPage);
  block = heap_.reallocate(context_, block, 8 * kPage);
  EXPECT_EQ(toy_.memory.calls(OsCall::kResize), 1u);
  heap_.deallocate(context_, block);
}

TEST_F(ToyHeapTest, ShrinkingIsInPlaceUntilHalfIsWasted) {
  void* block = heap_.allocate(context_, 256);
  EXPECT_EQ(heap_.reallocate(context_, block, 128), block);
  void* moved = heap_.reallocate(context_, block, 127);
  EXPECT_NE(moved, block);
  EXPECT_EQ(heap_.usable_size(moved), 128u);
  heap_.deallocate(context_, moved);
}

TEST_F(ToyHeapTest, BlockThatCannotShrinkElsewhereStays) {
  void* block = heap_.allocate(context_, 4096);
  toy_.memory.refuse(OsCall::kReserve, 1, TestMemory::kForEver);
  EXPECT_EQ(heap_.reallocate(context_, block, 64), block);
  toy_.memory.grant_everything();
  heap_.deallocate(context_, block);
}

/// D6 through the whole heap: thousands of slabs, and all of them come back.
TEST_F(ToyHeapTest, ThousandsOfSlabsLoseNothing) {
  auto blocks = toy_.allocate(context_, 256, 10000);  // 2500 slabs
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  const auto mapped = toy_.acquired(AcquireStage::kMapped);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < blocks.size(); i += 2) heap_.deallocate(context_, blocks[i]);
    for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i] = heap_.allocate(context_, 256);
  }
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  EXPECT_LE(toy_.acquired(AcquireStage::kMapped), mapped + 1);
  toy_.deallocate(context_, blocks);
  heap_.detach(context_);
  (void)heap_.trim(*heap_.attach());
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

TEST(FullHeapPaths, FirstOneServesTheLargestSmallBlocksAndSecondOneLargeBlocks) {
  FullHeap full;
  auto& me = *full.heap.attach();
  (void)full.heap.allocate(me, FullGeometry::kSmallMax);  // cuts four
  EXPECT_NE(full.heap.try_allocate(me, FullGeometry::kSmallMax), nullptr);
  for (const std::size_t bytes : {FullGeometry::kMidMax, std::size_t{65536}, std::size_t{100'000}}) {
    void* block = full.heap.allocate(me, bytes);
    full.heap.deallocate(me, block);
    EXPECT_EQ(full.heap.try_allocate_cached(me, bytes), block) << bytes;
    EXPECT_EQ(me.retained_bytes.get(), 0u) << bytes;
  }
}

/// The mark is a free block's: of a block that is out the program's own data may be read, and no list is walked.
TEST(FullHeapPaths, BlocksThatAreOutBearNoMark) {
  FullHeap full;
  auto& me = *full.heap.attach();
  for (const bool caches : {true, false}) {
    for (const PoolKind pool : {PoolKind::kSmall, PoolKind::kMid, PoolKind::kLarge}) {
      full.heap.settings().set_caches(pool, caches);
    }
    for (const std::size_t bytes : {std::size_t{48}, std::size_t{1024}, std::size_t{5000}, std::size_t{100'000}}) {
      for (int round = 0; round < 3; ++round) {
        const auto blocks = full.allocate(me, bytes, 70);
        for (void* block : blocks) ASSERT_FALSE(FreeMark<TestSync>::is_set(block)) << bytes;
        full.deallocate(me, blocks);
        for (void* block : blocks) ASSERT_TRUE(FreeMark<TestSync>::is_set(block)) << bytes;
      }
    }
  }
}

/// A slot of the toy geometry is a quarter of a page: what the system takes of it leaves the rest as it was.
TEST(HeapOfSlotsSmallerThanAPage, ZeroedBlocksAreZeroAfterATrim) {
  ToyHeap toy;
  auto& me = *toy.heap.attach();
  const auto blocks = toy.allocate(me, 512, 4);
  for (void* block : blocks) std::memset(block, 7, 512);
  void* keeps_the_superslab = toy.heap.allocate(me, 64);
  toy.deallocate(me, blocks);
  (void)toy.heap.trim(me);
  for (int i = 0; i < 4; ++i) {
    const auto* zeroed = static_cast<unsigned char*>(toy.heap.allocate_zeroed(me, 512));
    EXPECT_TRUE(std::all_of(zeroed, zeroed + 512, [](unsigned char c) { return c == 0; })) << i;
  }
  toy.heap.deallocate(me, keeps_the_superslab);
}

}  // namespace
}  // namespace hakmem::test
