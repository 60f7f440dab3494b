/// Where large pages are the rule, who has a few blocks must not pay for a whole SuperSlab.

#include <gtest/gtest.h>

#include <vector>

#include "heap/heap.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

using Pages = AdvisedOs::Pages;
constexpr std::size_t kBytes = kSuperSlabBytes<ToyGeometry>;

class HeapPagesTest : public testing::Test {
 protected:
  HeapPagesTest() {
    AdvisedOs::pages = Pages::kUnknown;
    AdvisedOs::advices = 0;
    heap_.init();
    context_ = heap_.attach();
    heap_.settings().set_caches(PoolKind::kLarge, false);
  }

  std::vector<void*> allocate(std::size_t bytes, std::size_t count) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(heap_.allocate(*context_, bytes));
    return blocks;
  }

  TestMemory memory_{kToyBits};
  Heap<AdvisedConfig> heap_{AdvisedOs(memory_)};
  ThreadContext<AdvisedConfig>* context_ = nullptr;
};

TEST_F(HeapPagesTest, SuperSlabsHaveSmallPagesAtFirst) {
  void* block = heap_.allocate(*context_, 64);
  EXPECT_EQ(AdvisedOs::pages, Pages::kSmall);
  EXPECT_EQ(AdvisedOs::range_bytes, kBytes);
  EXPECT_TRUE(memory_.is_reserved(AdvisedOs::where, kBytes));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) & ~(kBytes - 1),
            reinterpret_cast<std::uintptr_t>(AdvisedOs::where));
}

/// Four slots: three whose blocks are all out, and the last one is about to be used.
TEST_F(HeapPagesTest, AFullSuperSlabMayHaveLargePages) {
  const auto blocks = allocate(64, 3 * 16);
  EXPECT_EQ(AdvisedOs::pages, Pages::kSmall) << "a slot is free";
  (void)heap_.allocate(*context_, 64);
  EXPECT_EQ(AdvisedOs::pages, Pages::kLarge);
  EXPECT_EQ(AdvisedOs::range_bytes, kBytes);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks[0]) & ~(kBytes - 1),
            reinterpret_cast<std::uintptr_t>(AdvisedOs::where));
}

TEST_F(HeapPagesTest, ABlockThatGrowsIntoTheLastSlotMayHaveLargePages) {
  (void)allocate(64, 16);
  void* block = heap_.allocate(*context_, 2048);
  ASSERT_EQ(AdvisedOs::pages, Pages::kSmall);
  ASSERT_EQ(heap_.reallocate(*context_, block, 3072), block);
  EXPECT_EQ(AdvisedOs::pages, Pages::kLarge);
}

TEST_F(HeapPagesTest, SlotsOfWhichLittleIsUsedKeepSmallPages) {
  for (const unsigned bytes : {64u, 128u, 192u, 256u}) (void)heap_.allocate(*context_, bytes);
  EXPECT_EQ(AdvisedOs::pages, Pages::kSmall);
  EXPECT_EQ(AdvisedOs::advices, 1) << "one SuperSlab, and nothing else was asked";
}

TEST_F(HeapPagesTest, PagesAreSmallAgainWhenSlotsHaveBeenGivenBack) {
  const auto blocks = allocate(64, 4 * 16);
  ASSERT_EQ(AdvisedOs::pages, Pages::kLarge);
  for (std::size_t i = 16; i < blocks.size(); ++i) heap_.deallocate(*context_, blocks[i]);
  EXPECT_TRUE(heap_.trim(*context_));
  EXPECT_EQ(AdvisedOs::pages, Pages::kSmall);
  const auto again = allocate(64, 3 * 16);
  EXPECT_EQ(AdvisedOs::pages, Pages::kLarge) << "and large again when it is full once more";
}

TEST_F(HeapPagesTest, ASuperSlabThatHasLargePagesIsNotAskedForThemAgain) {
  const auto blocks = allocate(64, 4 * 16);
  ASSERT_EQ(AdvisedOs::pages, Pages::kLarge);
  const int advices = AdvisedOs::advices;
  for (std::size_t i = 32; i < blocks.size(); ++i) heap_.deallocate(*context_, blocks[i]);
  (void)heap_.allocate(*context_, 128);  // in one of the slots: the thread keeps the other, so it is full again
  EXPECT_EQ(AdvisedOs::advices, advices);
}

TEST_F(HeapPagesTest, SmallPagesAreNotAskedForWhereTheyAre) {
  (void)allocate(64, 1);
  heap_.deallocate(*context_, heap_.allocate(*context_, 128));
  EXPECT_TRUE(heap_.trim(*context_)) << "the second slot";
  EXPECT_EQ(AdvisedOs::advices, 1);
}

/// Two slots that are full, one whose blocks are half cut, and the last one, which is about to be: an eighth is left.
TEST_F(HeapPagesTest, AnEighthMayBeLeftOfWhatIsCut) {
  (void)allocate(64, 2 * 16);
  (void)allocate(256, 2);
  EXPECT_EQ(AdvisedOs::pages, Pages::kSmall);
  (void)heap_.allocate(*context_, 128);
  EXPECT_EQ(AdvisedOs::pages, Pages::kLarge);
}

/// The second slot of a run has been a slab of its own before.
TEST_F(HeapPagesTest, OnlySlabsThatAreOneNowCount) {
  const auto blocks = allocate(64, 4 * 16);
  for (std::size_t i = 16; i < blocks.size(); ++i) heap_.deallocate(*context_, blocks[i]);
  EXPECT_TRUE(heap_.trim(*context_));
  ASSERT_EQ(AdvisedOs::pages, Pages::kSmall);
  (void)heap_.allocate(*context_, 1280);
  (void)heap_.allocate(*context_, 256);
  EXPECT_EQ(AdvisedOs::pages, Pages::kSmall);
}

}  // namespace
}  // namespace hakmem::test
