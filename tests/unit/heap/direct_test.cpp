#include "heap/direct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = TestMemory::kPageBytes;

class DirectMappingsTest : public testing::Test {
 protected:
  char* allocate(std::size_t bytes, std::size_t alignment = 1) {
    return static_cast<char*>(direct_.allocate(toy_.backend, bytes, alignment, Contents::kZero));
  }
  Slab<ToyConfig>& slab_of(const void* block) { return *toy_.map.find(block); }
  bool deallocate(void* block) { return direct_.deallocate(toy_.backend, slab_of(block), block); }
  char* reallocate(void* block, std::size_t bytes) {
    return static_cast<char*>(direct_.reallocate(toy_.backend, slab_of(block), bytes));
  }

  /// What is shown of the one descriptor there is.
  std::pair<std::uintptr_t, std::size_t> shown() {
    std::pair<std::uintptr_t, std::size_t> seen{};
    int descriptors = 0;
    direct_.visit_all([&](DirectMapping<ToyConfig>& mapping) {
      seen = {mapping.shown.get(), mapping.shown_bytes.get()};
      ++descriptors;
    });
    EXPECT_EQ(descriptors, 1);
    return seen;
  }
  static std::pair<std::uintptr_t, std::size_t> as(MappingUse use, const void* block, std::size_t bytes) {
    return {reinterpret_cast<std::uintptr_t>(block) | static_cast<std::uintptr_t>(use), bytes};
  }

  Surroundings<ToyConfig> toy_;
  DirectMappings<ToyConfig> direct_;
};

TEST_F(DirectMappingsTest, BlockIsZeroedRoundedToPagesAndKnownToThePageMap) {
  char* block = allocate(kPage + 1);
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(std::all_of(block, block + 2 * kPage, [](char c) { return c == 0; }));
  EXPECT_EQ(direct_.usable_size(slab_of(block)), 2 * kPage);
  EXPECT_EQ(slab_of(block).state.get(), SlabState::kDirect);
  EXPECT_EQ(slab_of(block).owner.load(std::memory_order_relaxed), nullptr);
  EXPECT_TRUE(direct_.is_block(slab_of(block), block));
  EXPECT_FALSE(direct_.is_block(slab_of(block), block + 16));
}

TEST_F(DirectMappingsTest, FreedBlockLeavesNothingBehind) {
  char* block = allocate(100);
  EXPECT_TRUE(deallocate(block));
  EXPECT_EQ(toy_.map.find(block), nullptr);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(direct_.mapped(), 1u);
  EXPECT_EQ(direct_.unmapped(), 1u);
}

TEST_F(DirectMappingsTest, OnlyTheStartOfALiveBlockCanBeFreedAndOnce) {
  char* block = allocate(100);
  auto& slab = slab_of(block);
  EXPECT_FALSE(direct_.deallocate(toy_.backend, slab, block + 16));
  EXPECT_TRUE(direct_.deallocate(toy_.backend, slab, block));
  EXPECT_FALSE(direct_.deallocate(toy_.backend, slab, block));
}

TEST_F(DirectMappingsTest, BlocksAreAlignedAsAsked) {
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 20; alignment *= 4) {
    char* block = allocate(3 * kPage, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
    EXPECT_TRUE(deallocate(block));
  }
}

TEST_F(DirectMappingsTest, BytesOfLiveBlocksAreCounted) {
  char* block = allocate(3 * kPage);
  char* other = allocate(kPage);
  EXPECT_EQ(direct_.bytes(), 4 * kPage);
  char* grown = reallocate(block, 8 * kPage);
  EXPECT_EQ(direct_.bytes(), 9 * kPage);
  EXPECT_EQ(reallocate(grown, 2 * kPage), grown);
  EXPECT_EQ(direct_.bytes(), 3 * kPage);
  EXPECT_TRUE(deallocate(grown));
  EXPECT_EQ(direct_.bytes(), kPage);
  EXPECT_TRUE(deallocate(other));
  EXPECT_EQ(direct_.bytes(), 0u);
}

/// Of a mapping from the whale cache all counts that the block has.
TEST_F(DirectMappingsTest, BlocksFromTheWhaleCacheAreCountedAgain) {
  direct_.whales().set_max_bytes(64 * kPage);
  EXPECT_TRUE(deallocate(allocate(20 * kPage)));
  EXPECT_EQ(direct_.bytes(), 0u);
  char* again = allocate(18 * kPage);
  EXPECT_EQ(direct_.mapped(), 2u);
  EXPECT_EQ(direct_.bytes(), 20 * kPage);
  EXPECT_TRUE(deallocate(again));
  EXPECT_EQ(direct_.unmapped(), 2u);
  EXPECT_EQ(direct_.trim(toy_.os), 20 * kPage);
}

TEST_F(DirectMappingsTest, ShowsWhatAMappingIsUsedFor) {
  direct_.whales().set_max_bytes(64 * kPage);
  char* block = allocate(3 * kPage);
  EXPECT_EQ(shown(), as(MappingUse::kLive, block, 3 * kPage));
  EXPECT_EQ(reallocate(block, 2 * kPage), block);
  EXPECT_EQ(shown(), as(MappingUse::kLive, block, 2 * kPage));
  EXPECT_TRUE(deallocate(block));
  EXPECT_EQ(shown(), as(MappingUse::kKept, block, 2 * kPage));
  EXPECT_EQ(allocate(2 * kPage), block);
  EXPECT_EQ(shown(), as(MappingUse::kLive, block, 2 * kPage));
  EXPECT_TRUE(deallocate(block));
  (void)direct_.trim(toy_.os);
  EXPECT_EQ(shown().first, 0u) << "no mapping";
}

TEST_F(DirectMappingsTest, ShowsAMappingThatHasMoved) {
  char* block = allocate(kPage);
  char* neighbour = allocate(kPage);
  char* moved = reallocate(block, 5 * kPage);
  ASSERT_NE(moved, block);
  bool found = false;
  direct_.visit_all([&](DirectMapping<ToyConfig>& mapping) {
    const std::pair seen{mapping.shown.get(), mapping.shown_bytes.get()};
    found |= seen == as(MappingUse::kLive, moved, 5 * kPage);
  });
  EXPECT_TRUE(found);
  EXPECT_TRUE(deallocate(neighbour));
}

/// Pages that stay in the system's hand are filled.
TEST_F(DirectMappingsTest, ZeroedBlockIsZeroWhereNothingCanBeGivenBack) {
  direct_.whales().set_max_bytes(64 * kPage);
  char* block = allocate(3 * kPage);
  std::memset(block, 7, 3 * kPage);
  EXPECT_TRUE(deallocate(block));
  toy_.memory.refuse(OsCall::kDecommit);
  EXPECT_EQ(allocate(3 * kPage), block);
  EXPECT_TRUE(std::all_of(block, block + 3 * kPage, [](char c) { return c == 0; }));
}

/// Few pages are filled: the system would take longer to bring others.
TEST_F(DirectMappingsTest, SmallZeroedBlockKeepsItsPages) {
  direct_.whales().set_max_bytes(64 * kPage);
  constexpr std::size_t kMost = ToyGeometry::kFillMax;
  char* block = allocate(kMost);
  std::memset(block, 7, kMost);
  EXPECT_TRUE(deallocate(block));
  EXPECT_EQ(allocate(kMost), block);
  EXPECT_EQ(toy_.memory.calls(OsCall::kDecommit), 0u);
  EXPECT_TRUE(std::all_of(block, block + kMost, [](char c) { return c == 0; }));
}

/// Neither given back nor filled: both cost time.
TEST_F(DirectMappingsTest, BlocksOfAnyContentsAreGivenOutAsTheyAre) {
  direct_.whales().set_max_bytes(64 * kPage);
  char* block = allocate(3 * kPage);
  std::memset(block, 7, 3 * kPage);
  EXPECT_TRUE(deallocate(block));
  EXPECT_EQ(direct_.allocate(toy_.backend, 3 * kPage, 1, Contents::kAny), block);
  EXPECT_EQ(block[0], 7);
  EXPECT_EQ(toy_.memory.calls(OsCall::kDecommit), 0u);
}

/// I7: descriptors are reused, their number is that of blocks at one time.
TEST_F(DirectMappingsTest, DescriptorsAreReused) {
  char* kept = allocate(1);
  auto* descriptor = &slab_of(kept);
  EXPECT_TRUE(deallocate(kept));
  for (int i = 0; i < 100; ++i) {
    char* block = allocate(1);
    ASSERT_EQ(&slab_of(block), descriptor);
    EXPECT_TRUE(deallocate(block));
  }
}

TEST_F(DirectMappingsTest, RefusalLeavesNothingBehind) {
  toy_.memory.refuse(OsCall::kReserve);
  EXPECT_EQ(allocate(1), nullptr);
  toy_.memory.refuse(OsCall::kMetadata);
  EXPECT_EQ(allocate(1), nullptr);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(direct_.mapped(), 0u);
  EXPECT_NE(allocate(1), nullptr);
}

using DirectReallocation = DirectMappingsTest;

TEST_F(DirectReallocation, KeepsContentsInPlaceAndElsewhere) {
  char* block = allocate(2 * kPage);
  std::memset(block, 7, 2 * kPage);
  EXPECT_EQ(reallocate(block, 2 * kPage - 5), block) << "the same pages";
  char* neighbour = allocate(1);
  char* moved = reallocate(block, 10 * kPage);
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, block);
  EXPECT_TRUE(std::all_of(moved, moved + 2 * kPage, [](char c) { return c == 7; }));
  EXPECT_EQ(toy_.map.find(block), nullptr);
  EXPECT_EQ(direct_.usable_size(slab_of(moved)), 10 * kPage);
  EXPECT_EQ(reallocate(moved, kPage), moved);
  EXPECT_EQ(moved[kPage - 1], 7);
  EXPECT_TRUE(deallocate(moved));
  EXPECT_TRUE(deallocate(neighbour));
  EXPECT_EQ(toy_.memory.reserved_bytes(), 0u);
}

/// Neither in its place nor elsewhere.
TEST_F(DirectReallocation, RefusalLeavesTheBlockAsItWas) {
  for (const OsCall refused : {OsCall::kReserve, OsCall::kMove}) {
    char* block = allocate(kPage);
    char* neighbour = allocate(1);
    block[0] = 7;
    toy_.memory.refuse(refused);
    EXPECT_EQ(reallocate(block, 5 * kPage), nullptr);
    EXPECT_EQ(block[0], 7);
    EXPECT_EQ(direct_.usable_size(slab_of(block)), kPage);
    EXPECT_TRUE(deallocate(block));
    EXPECT_TRUE(deallocate(neighbour));
    EXPECT_EQ(toy_.memory.reservations(), 0u);
  }
}

TEST_F(DirectReallocation, GrowsInItsPlaceWhereTheSystemCan) {
  char* block = allocate(2 * kPage);
  const auto reservations = toy_.memory.calls(OsCall::kReserve);
  char* grown = reallocate(block, 4 * kPage);
  if (grown == block) {
    EXPECT_EQ(toy_.memory.calls(OsCall::kReserve), reservations) << "no other place was asked for";
    EXPECT_EQ(toy_.memory.calls(OsCall::kMove), 0u);
  }
  EXPECT_EQ(direct_.usable_size(slab_of(grown)), 4 * kPage);
}

TEST_F(DirectReallocation, BlockOfTheSameSizeStaysThoughTheSystemRefuses) {
  char* block = allocate(2 * kPage);
  toy_.memory.refuse(OsCall::kResize);
  toy_.memory.refuse(OsCall::kReserve);
  EXPECT_EQ(reallocate(block, 2 * kPage - 1), block);
}

TEST_F(DirectReallocation, WhatCannotShrinkStaysAsLargeAsItIs) {
  char* block = allocate(5 * kPage);
  toy_.memory.refuse(OsCall::kResize);
  EXPECT_EQ(reallocate(block, kPage), block);
  EXPECT_EQ(direct_.usable_size(slab_of(block)), 5 * kPage);
  EXPECT_TRUE(deallocate(block));
}

/// The place of the block that is moved would need a leaf of the page map.
TEST_F(DirectReallocation, WithoutALeafForItsNewPlaceTheBlockStays) {
  using WholeSpace = Config<TestSync, TestOs<47>, ToyGeometry>;
  TestMemory memory(34);
  Backend<WholeSpace> backend{TestOs<47>(memory)};
  backend.init();
  PageMap<WholeSpace>& map = backend.map;
  DirectMappings<WholeSpace> direct;
  auto* block = static_cast<char*>(direct.allocate(backend, kPage, 1, Contents::kAny));
  constexpr std::size_t kFar = std::size_t{1} << 33;
  void* wall = memory.reserve(kFar, kPage);
  ASSERT_TRUE(block != nullptr && wall != nullptr);
  block[0] = 7;
  memory.refuse(OsCall::kMetadata);
  EXPECT_EQ(direct.reallocate(backend, *map.find(block), 2 * kPage), nullptr);
  EXPECT_EQ(memory.reservations(), 2u);
  auto* moved = static_cast<char*>(direct.reallocate(backend, *map.find(block), 2 * kPage));
  ASSERT_NE(moved, nullptr);
  EXPECT_EQ(moved[0], 7);
  EXPECT_TRUE(direct.deallocate(backend, *map.find(moved), moved));
}

}  // namespace
}  // namespace hakmem::test
