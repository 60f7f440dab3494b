/// realloc of blocks that have a slab to themselves: they grow where they are, into the slots behind. Toy SuperSlabs have four
/// slots of 1 KiB; such blocks are those above 1 KiB.

#include <gtest/gtest.h>

#include <cstring>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kTwoSlots = 2048;
constexpr std::size_t kThreeSlots = 3072;
constexpr std::size_t kFourSlots = 4096;

class BlockThatGrows : public testing::Test {
 protected:
  void* allocate(std::size_t bytes) {
    void* block = heap_.allocate(context_, bytes);
    EXPECT_NE(block, nullptr);
    std::memset(block, 0x5a, bytes);
    return block;
  }
  void* grow(void* block, std::size_t bytes) { return heap_.reallocate(context_, block, bytes); }
  static bool is_whole(const void* block, std::size_t bytes) {
    const auto* contents = static_cast<const unsigned char*>(block);
    return contents[0] == 0x5a && std::memcmp(contents, contents + 1, bytes - 1) == 0;
  }
  /// Whether all memory goes back to the system once nothing is out.
  bool everything_goes_back() {
    (void)heap_.trim(context_);
    return toy_.memory.reservations() == 0;
  }

  ToyHeap toy_;
  ToyHeap::HeapT& heap_ = toy_.heap;
  ToyHeap::Context& context_ = *toy_.heap.attach();
};

TEST_F(BlockThatGrows, TakesTheUnusedSlotsBehindIt) {
  void* block = allocate(kTwoSlots);
  auto& slab = toy_.slab_of(block);
  EXPECT_EQ(grow(block, kFourSlots - 1), block);
  EXPECT_EQ(heap_.usable_size(block), kFourSlots);
  EXPECT_TRUE(is_whole(block, kTwoSlots));
  EXPECT_EQ(&toy_.slab_of(static_cast<char*>(block) + kFourSlots - 1), &slab) << "its last slot leads to it, too";
  EXPECT_EQ(slab.slots.get(), 4u);
  void* other = allocate(kTwoSlots);
  EXPECT_NE(toy_.slab_of(other).superslab.get(), slab.superslab.get()) << "the slots are taken";
  heap_.deallocate(context_, block);
  heap_.deallocate(context_, other);
  EXPECT_TRUE(everything_goes_back());
}

TEST_F(BlockThatGrows, TakesSlotsThatHaveBecomeEmpty) {
  void* block = allocate(kTwoSlots);
  void* behind = allocate(kTwoSlots);
  ASSERT_EQ(behind, static_cast<char*>(block) + kTwoSlots);
  heap_.deallocate(context_, behind);
  (void)heap_.trim(context_);
  EXPECT_EQ(grow(block, kThreeSlots), block);
  EXPECT_EQ(grow(block, kFourSlots), block);
  EXPECT_TRUE(is_whole(block, kTwoSlots));
}

TEST_F(BlockThatGrows, StaysWithinItsSlotsWhereTheyAreEnough) {
  void* block = allocate(1280);
  void* behind = allocate(kTwoSlots);
  EXPECT_EQ(grow(block, kTwoSlots), block);
  EXPECT_EQ(heap_.usable_size(block), kTwoSlots);
  EXPECT_TRUE(is_whole(behind, kTwoSlots));
}

TEST_F(BlockThatGrows, MovesWhereTheSlotsBehindItAreTaken) {
  void* block = allocate(kTwoSlots);
  void* behind = allocate(kTwoSlots);
  void* moved = grow(block, kThreeSlots);
  EXPECT_NE(moved, block);
  EXPECT_TRUE(is_whole(moved, kTwoSlots));
  EXPECT_TRUE(is_whole(behind, kTwoSlots));
}

TEST_F(BlockThatGrows, MovesAtTheEndOfItsSuperSlab) {
  void* before = allocate(kTwoSlots);
  void* block = allocate(kTwoSlots);
  heap_.deallocate(context_, before);
  (void)heap_.trim(context_);
  EXPECT_NE(grow(block, kThreeSlots), block);
}

TEST_F(BlockThatGrows, MovesWhenItIsAnotherThreads) {
  void* block = allocate(kTwoSlots);
  auto& other = *heap_.attach();
  void* moved = heap_.reallocate(other, block, kFourSlots);
  EXPECT_NE(moved, block);
  EXPECT_TRUE(is_whole(moved, kTwoSlots));
}

TEST_F(BlockThatGrows, MovesOutOfASlabThatItShares) {
  void* block = allocate(512);
  EXPECT_NE(grow(block, kTwoSlots), block);
}

TEST_F(BlockThatGrows, MovesOutOfTheSlotsWhenItBecomesTooLargeForThem) {
  void* block = allocate(kTwoSlots);
  void* moved = grow(block, kFourSlots + 1);
  EXPECT_NE(moved, block);
  EXPECT_TRUE(is_whole(moved, kTwoSlots));
}

TEST_F(BlockThatGrows, ServesItsNewClassFromThenOn) {
  void* block = allocate(kTwoSlots);
  EXPECT_EQ(grow(block, kFourSlots), block);
  heap_.deallocate(context_, block);
  EXPECT_EQ(allocate(kFourSlots), block);
}

TEST_F(BlockThatGrows, IsOfNoUseToItsOldClass) {
  void* block = allocate(kTwoSlots);
  EXPECT_EQ(grow(block, kFourSlots), block);
  heap_.deallocate(context_, allocate(kTwoSlots));
  EXPECT_EQ(heap_.usable_size(allocate(kTwoSlots)), kTwoSlots);
  EXPECT_TRUE(is_whole(block, kTwoSlots));
}

TEST_F(BlockThatGrows, GoesBackWholeThoughItsSlabSleeps) {
  void* block = allocate(kTwoSlots);
  void* behind = allocate(kTwoSlots);  // finds the first slab full, and puts it to sleep
  ASSERT_EQ(toy_.slab_of(block).state.get(), SlabState::kAsleep);
  heap_.deallocate(context_, behind);
  (void)heap_.trim(context_);
  EXPECT_EQ(grow(block, kFourSlots), block);
  heap_.deallocate(context_, block);
  EXPECT_TRUE(everything_goes_back());
}

TEST_F(BlockThatGrows, GoesBackWholeWhenAnotherThreadFreesIt) {
  void* block = allocate(kTwoSlots);
  EXPECT_EQ(grow(block, kFourSlots), block);
  auto& other = *heap_.attach();
  heap_.deallocate(other, block);
  heap_.detach(other);
  EXPECT_TRUE(everything_goes_back());
}

/// The shipping geometry, where such blocks are cached by threads.
TEST(LargeBlockThatGrows, KeepsItsPlaceUpToAMebibyte) {
  FullHeap full;
  auto& context = *full.heap.attach();
  constexpr std::size_t kBegin = 100 << 10;
  void* const block = full.heap.allocate(context, kBegin);
  std::memset(block, 0x5a, kBegin);
  for (std::size_t bytes = kBegin; bytes <= FullGeometry::kLargeMax; bytes += bytes / 8) {
    ASSERT_EQ(full.heap.reallocate(context, block, bytes), block) << bytes;
    ASSERT_GE(full.heap.usable_size(block), bytes);
  }
  EXPECT_EQ(std::memcmp(block, static_cast<char*>(block) + 1, kBegin - 1), 0);
  EXPECT_EQ(full.acquired(AcquireStage::kMapped), 1u);
  full.heap.deallocate(context, block);
  EXPECT_EQ(full.heap.allocate(context, FullGeometry::kLargeMax), block) << "cached as one of its new class";
}

}  // namespace
}  // namespace hakmem::test
