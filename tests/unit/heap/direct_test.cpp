#include "heap/direct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = TestMemory::kPageBytes;

class DirectMappingsTest : public testing::TestWithParam<PageMapKind> {
 protected:
  char* allocate(std::size_t bytes, std::size_t alignment = 1) {
    return static_cast<char*>(direct_.allocate(toy_.os, toy_.map, bytes, alignment, Contents::kZero));
  }
  Slab<ToyConfig>& slab_of(const void* block) { return *toy_.map.find(block); }
  bool deallocate(void* block) { return direct_.deallocate(toy_.os, toy_.map, slab_of(block), block); }
  char* reallocate(void* block, std::size_t bytes) {
    return static_cast<char*>(direct_.reallocate(toy_.os, toy_.map, slab_of(block), bytes));
  }

  Surroundings<ToyConfig> toy_{GetParam()};
  DirectMappings<ToyConfig> direct_;
};
INSTANTIATE_TEST_SUITE_P(BothKinds, DirectMappingsTest, testing::Values(PageMapKind::kFlat, PageMapKind::kTwoLevel),
                         [](const auto& kind) { return kind.param == PageMapKind::kFlat ? "Flat" : "TwoLevel"; });

TEST_P(DirectMappingsTest, BlockIsZeroedRoundedToPagesAndKnownToThePageMap) {
  char* block = allocate(kPage + 1);
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(std::all_of(block, block + 2 * kPage, [](char c) { return c == 0; }));
  EXPECT_EQ(direct_.usable_size(slab_of(block)), 2 * kPage);
  EXPECT_EQ(slab_of(block).state.get(), SlabState::kDirect);
  EXPECT_EQ(slab_of(block).owner.load(std::memory_order_relaxed), nullptr);
  EXPECT_TRUE(direct_.is_block(slab_of(block), block));
  EXPECT_FALSE(direct_.is_block(slab_of(block), block + 16));
}

TEST_P(DirectMappingsTest, FreedBlockLeavesNothingBehind) {
  char* block = allocate(100);
  EXPECT_TRUE(deallocate(block));
  EXPECT_EQ(toy_.map.find(block), nullptr);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(direct_.mapped(), 1u);
  EXPECT_EQ(direct_.unmapped(), 1u);
}

TEST_P(DirectMappingsTest, OnlyTheStartOfALiveBlockCanBeFreedAndOnce) {
  char* block = allocate(100);
  auto& slab = slab_of(block);
  EXPECT_FALSE(direct_.deallocate(toy_.os, toy_.map, slab, block + 16));
  EXPECT_TRUE(direct_.deallocate(toy_.os, toy_.map, slab, block));
  EXPECT_FALSE(direct_.deallocate(toy_.os, toy_.map, slab, block));
}

TEST_P(DirectMappingsTest, BlocksAreAlignedAsAsked) {
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 20; alignment *= 4) {
    char* block = allocate(3 * kPage, alignment);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignment, 0u);
    EXPECT_TRUE(deallocate(block));
  }
}

/// I7: descriptors are reused, their number is that of blocks at one time.
TEST_P(DirectMappingsTest, DescriptorsAreReused) {
  char* kept = allocate(1);
  auto* descriptor = &slab_of(kept);
  EXPECT_TRUE(deallocate(kept));
  for (int i = 0; i < 100; ++i) {
    char* block = allocate(1);
    ASSERT_EQ(&slab_of(block), descriptor);
    EXPECT_TRUE(deallocate(block));
  }
}

TEST_P(DirectMappingsTest, RefusalLeavesNothingBehind) {
  toy_.memory.refuse(OsCall::kReserve);
  EXPECT_EQ(allocate(1), nullptr);
  toy_.memory.refuse(OsCall::kMetadata);
  EXPECT_EQ(allocate(1), nullptr);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(direct_.mapped(), 0u);
  EXPECT_NE(allocate(1), nullptr);
}

class DirectReallocation : public DirectMappingsTest {};
INSTANTIATE_TEST_SUITE_P(FlatOnly, DirectReallocation, testing::Values(PageMapKind::kFlat));

TEST_P(DirectReallocation, KeepsContentsInPlaceAndElsewhere) {
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

TEST_P(DirectReallocation, RefusalLeavesTheBlockAsItWas) {
  char* block = allocate(kPage);
  block[0] = 7;
  toy_.memory.refuse(OsCall::kResize);
  EXPECT_EQ(reallocate(block, 5 * kPage), nullptr);
  EXPECT_EQ(block[0], 7);
  EXPECT_EQ(direct_.usable_size(slab_of(block)), kPage);
  EXPECT_TRUE(deallocate(block));
}

}  // namespace
}  // namespace hakmem::test
