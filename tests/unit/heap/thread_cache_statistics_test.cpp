/// What a heap counts: of one program each number is known.

#include <gtest/gtest.h>

#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr auto kSmall = static_cast<unsigned>(PoolKind::kSmall);
constexpr auto kMid = static_cast<unsigned>(PoolKind::kMid);
constexpr auto kLarge = static_cast<unsigned>(PoolKind::kLarge);

class HeapStatistics : public testing::Test {
 protected:
  using Classes = SizeClass<FullGeometry>;

  FullHeap full_;
  FullHeap::HeapT& heap_ = full_.heap;
  FullHeap::Context& me_ = *heap_.attach();
};

/// 64 blocks of 64 bytes are a page, which is cut at a time.
TEST_F(HeapStatistics, RefillsOfSmallBlocksAreCountedWithWhereTheyCameFrom) {
  FullHeap::Context& other = *heap_.attach();
  const auto blocks = full_.allocate(me_, 64, 64);
  EXPECT_EQ(me_.refills[kSmall].get(), 1u);
  EXPECT_EQ(me_.refilled_blocks[kSmall].get(), 64u);
  EXPECT_EQ(me_.taken_fresh.get(), 64u);
  for (std::size_t i = 0; i < 3; ++i) heap_.deallocate(me_, blocks[i]);
  (void)full_.allocate(me_, 64, 3);
  EXPECT_EQ(me_.refills[kSmall].get(), 2u) << "its own frees";
  EXPECT_EQ(me_.refilled_blocks[kSmall].get(), 64u + 3u);
  EXPECT_EQ(me_.taken_fresh.get(), 64u);
  EXPECT_EQ(me_.taken_remote.get(), 0u);
  for (std::size_t i = 10; i < 15; ++i) heap_.deallocate(other, blocks[i]);
  other.outbox.flush_all();
  (void)full_.allocate(me_, 64, 5);
  EXPECT_EQ(me_.refills[kSmall].get(), 3u) << "others' frees";
  EXPECT_EQ(me_.refilled_blocks[kSmall].get(), 64u + 3u + 5u);
  EXPECT_EQ(me_.taken_remote.get(), 5u);
  EXPECT_EQ(me_.taken_fresh.get(), 64u);
}

TEST_F(HeapStatistics, RefillsOfLargerBlocksAreCountedByPoolAndClass) {
  const unsigned mid_class = Classes::of(8192);
  const auto& tally = me_.tallies[mid_class - Classes::kSmallCount];
  const auto& allowance = me_.allowances[mid_class];
  const auto blocks = full_.allocate(me_, 8192, 3);  // two are cut at a time
  EXPECT_EQ(me_.refills[kMid].get(), 2u);
  EXPECT_EQ(me_.refilled_blocks[kMid].get(), 4u);
  EXPECT_EQ(tally.misses.get(), 2u);
  EXPECT_EQ(allowance.hits(), 1u);
  EXPECT_EQ(allowance.length(), 1);
  full_.deallocate(me_, blocks);
  EXPECT_EQ(allowance.length(), 4);
  (void)full_.allocate(me_, 100'000, 1);
  EXPECT_EQ(me_.refills[kLarge].get(), 1u);
  EXPECT_EQ(me_.refilled_blocks[kLarge].get(), 1u);
  EXPECT_EQ(me_.refills[kSmall].get(), 0u);
}

/// Only large blocks and empty slabs count against what a thread may keep.
TEST_F(HeapStatistics, LargeBlocksInListsAreRetained) {
  const std::size_t bytes = Classes::block_bytes(Classes::of(100'000));
  const auto blocks = full_.allocate(me_, 100'000, 3);
  EXPECT_EQ(me_.retained_bytes.get(), 0u);
  full_.deallocate(me_, blocks);
  EXPECT_EQ(me_.retained_bytes.get(), 3 * bytes);
  (void)full_.allocate(me_, 100'000, 1);
  EXPECT_EQ(me_.retained_bytes.get(), 2 * bytes);
  (void)heap_.allocate_zeroed(me_, 100'000);
  EXPECT_EQ(me_.retained_bytes.get(), bytes);
  (void)heap_.trim(me_);
  EXPECT_EQ(me_.retained_bytes.get(), 0u);
  full_.deallocate(me_, full_.allocate(me_, 8192, 3));
  EXPECT_EQ(me_.retained_bytes.get(), 0u) << "mid blocks do not";
}

TEST_F(HeapStatistics, ListsThatOutgrowTheirCapAreCounted) {
  const unsigned mid_class = Classes::of(8192);
  heap_.settings().set_cap(mid_class, 4);
  const auto blocks = full_.allocate(me_, 8192, 8);
  for (std::size_t i = 0; i < 4; ++i) heap_.deallocate(me_, blocks[i]);
  EXPECT_EQ(me_.spills.get(), 0u);
  EXPECT_EQ(me_.allowances[mid_class].length(), 4);
  heap_.deallocate(me_, blocks[4]);
  EXPECT_EQ(me_.spills.get(), 1u);
  EXPECT_EQ(me_.allowances[mid_class].length(), 2) << "the colder half has gone back";
  unsigned listed = 0;
  for (void* b = me_.heads[mid_class].peek(); b != nullptr; b = TestSync::load_link(b)) ++listed;
  EXPECT_EQ(listed, 2u);
}

TEST_F(HeapStatistics, FreesOfThreadsWithoutAContextAreCounted) {
  FullHeap::Context stand_in{};
  const auto blocks = full_.allocate(me_, 64, 2);
  heap_.deallocate(stand_in, blocks[0]);
  heap_.deallocate(stand_in, full_.allocate(me_, 5'000'000, 1)[0]);
  heap_.deallocate(me_, blocks[1]);
  EXPECT_EQ(heap_.late_frees(), 1u) << "a mapping of its own has no owner to tell";
  EXPECT_EQ(heap_.late_retries(), 0u);
}

/// Also of a class whose blocks go out one by one.
TEST_F(HeapStatistics, FreesOfThreadsWithAContextAreNotLate) {
  FullHeap::Context& other = *heap_.attach();
  for (const std::size_t bytes : {std::size_t{64}, std::size_t{8192}, std::size_t{500'000}}) {
    heap_.deallocate(other, full_.allocate(me_, bytes, 1)[0]);
  }
  other.outbox.flush_all();
  EXPECT_EQ(heap_.late_frees(), 0u);
}

}  // namespace
}  // namespace hakmem::test
