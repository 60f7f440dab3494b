/// The heap between threads: remote frees, waking, exit and adoption. Where the order matters, several contexts on one
/// thread stand for several threads.

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/together.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

/// Slabs of 16 blocks of 64 bytes; remote frees of these go out in chains of three.
class HeapThreadsTest : public testing::Test {
 protected:
  using Context = ToyHeap::Context;

  [[nodiscard]] SlabState state_of(void* block) { return toy_.slab_of(block).state.get(); }

  /// I8.
  void expect_nothing_left() {
    (void)heap_.trim(stand_in_);
    heap_.pool().superslabs().visit_all(
        [](SuperSlab<ToyConfig>& superslab) { EXPECT_EQ(superslab.word.snapshot().active(), 0u); });
    EXPECT_EQ(toy_.memory.reservations(), 0u);
  }

  ToyHeap toy_;
  ToyHeap::HeapT& heap_ = toy_.heap;
  Context stand_in_{};
};

TEST_F(HeapThreadsTest, FreesByAnotherThreadComeBackToTheOwner) {
  Context& owner = *heap_.attach();
  Context& other = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 4);
  for (std::size_t i = 0; i < 3; ++i) heap_.deallocate(other, blocks[i]);
  std::set<void*> again;
  for (int i = 0; i < 3; ++i) again.insert(heap_.allocate(owner, 64));
  EXPECT_EQ(again, (std::set<void*>{blocks[0], blocks[1], blocks[2]}));
}

TEST_F(HeapThreadsTest, FreeByAnotherThreadWakesASleepingSlab) {
  Context& owner = *heap_.attach();
  Context& other = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 17);
  ASSERT_EQ(state_of(blocks[0]), SlabState::kAsleep);
  for (std::size_t i = 0; i < 3; ++i) heap_.deallocate(other, blocks[i]);
  EXPECT_FALSE(owner.inbox.looks_empty());
  EXPECT_EQ(state_of(blocks[0]), SlabState::kAsleep) << "until its owner looks";
  (void)toy_.allocate(owner, 64, 2);
  EXPECT_EQ(state_of(blocks[0]), SlabState::kAwake);
}

/// Its short way to blocks that it has freed itself does not pass by what others have posted.
TEST_F(HeapThreadsTest, WhoPostsSlabsIsNotKeptWaiting) {
  Context& owner = *heap_.attach();
  Context& other = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 17);
  (void)heap_.allocate(owner, 64);  // what was cut with the last one
  heap_.deallocate(owner, blocks[16]);
  for (std::size_t i = 0; i < 3; ++i) heap_.deallocate(other, blocks[i]);
  ASSERT_FALSE(owner.inbox.looks_empty());
  EXPECT_EQ(heap_.try_allocate_cached(owner, 64), nullptr);
  (void)heap_.allocate(owner, 64);
  EXPECT_TRUE(owner.inbox.looks_empty());
  EXPECT_EQ(state_of(blocks[0]), SlabState::kAwake);
}

TEST_F(HeapThreadsTest, OwnerAwaitsTheSlabThatAnotherThreadHasWoken) {
  Context& owner = *heap_.attach();
  Context& other = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 17);
  for (std::size_t i = 0; i < 3; ++i) heap_.deallocate(other, blocks[i]);
  for (std::size_t i = 3; i < 6; ++i) heap_.deallocate(owner, blocks[i]);
  EXPECT_EQ(state_of(blocks[0]), SlabState::kAwaited);
  (void)toy_.allocate(owner, 64, 2);
  EXPECT_EQ(state_of(blocks[0]), SlabState::kAwake);
}

/// B11: a free after the thread-local data is gone needs no context.
TEST_F(HeapThreadsTest, StandInFreesStraightToTheRemoteWords) {
  Context& owner = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 4);
  heap_.deallocate(stand_in_, blocks[0]);
  EXPECT_TRUE(toy_.slab_of(blocks[0]).remote.has_chain());
  void* direct = heap_.allocate(owner, 100000);
  heap_.deallocate(stand_in_, direct);
  EXPECT_EQ(heap_.direct().unmapped(), 1u);
}

TEST_F(HeapThreadsTest, ThreadThatExitsGivesEverythingBack_B11) {
  Context& owner = *heap_.attach();
  Context& other = *heap_.attach();
  const auto small = toy_.allocate(owner, 64, 20);
  const auto mid = toy_.allocate(owner, 512, 3);
  toy_.deallocate(other, small);
  toy_.deallocate(owner, mid);
  heap_.detach(other);  // flushes its outbox
  heap_.detach(owner);
  expect_nothing_left();
}

TEST_F(HeapThreadsTest, NextThreadAdoptsTheContextWithItsSlabs) {
  Context& first = *heap_.attach();
  const auto blocks = toy_.allocate(first, 64, 3);
  heap_.detach(first);
  EXPECT_FALSE(first.attached.get());
  Context& second = *heap_.attach();
  EXPECT_TRUE(second.attached.get());
  EXPECT_EQ(&second, &first);
  EXPECT_EQ(heap_.contexts().size(), 1u);
  const auto superslabs = toy_.memory.reservations();
  const auto more = toy_.allocate(second, 64, 13);
  for (void* block : more) EXPECT_EQ(&toy_.slab_of(block), &toy_.slab_of(blocks[0]));
  EXPECT_EQ(toy_.memory.reservations(), superslabs);
  toy_.deallocate(second, blocks);
  toy_.deallocate(second, more);
  heap_.detach(second);
  expect_nothing_left();
}

/// Nothing waits for an idle owner: what parked contexts have got back is used before memory is mapped.
TEST_F(HeapThreadsTest, ParkedContextsSlabsAreReclaimedBeforeAMapping) {
  Context& gone = *heap_.attach();
  Context& here = *heap_.attach();
  const auto blocks = toy_.allocate(gone, 256, 16);  // one SuperSlab
  heap_.detach(gone);
  toy_.deallocate(here, blocks);
  here.outbox.flush_all();
  const auto mapped = toy_.acquired(AcquireStage::kMapped);
  const auto mine = toy_.allocate(here, 128, 32);
  EXPECT_EQ(toy_.acquired(AcquireStage::kMapped), mapped);
  toy_.deallocate(here, mine);
  heap_.detach(here);
  expect_nothing_left();
}

/// Also where a block that is still out keeps the SuperSlab.
TEST_F(HeapThreadsTest, ParkedContextsSlabsBesideALiveOneAreReclaimedBeforeAMapping) {
  Context& gone = *heap_.attach();
  Context& here = *heap_.attach();
  auto blocks = toy_.allocate(gone, 256, 16);  // one SuperSlab
  heap_.detach(gone);
  const std::vector kept = {blocks.back()};
  blocks.pop_back();
  toy_.deallocate(here, blocks);
  here.outbox.flush_all();
  const auto mapped = toy_.acquired(AcquireStage::kMapped);
  const auto mine = toy_.allocate(here, 128, 1);
  EXPECT_EQ(toy_.acquired(AcquireStage::kMapped), mapped);
  toy_.deallocate(here, mine);
  toy_.deallocate(here, kept);
  heap_.detach(here);
  expect_nothing_left();
}

TEST_F(HeapThreadsTest, TrimReclaimsParkedContexts) {
  Context& gone = *heap_.attach();
  const auto blocks = toy_.allocate(gone, 256, 16);
  heap_.detach(gone);
  toy_.deallocate(stand_in_, blocks);
  expect_nothing_left();
}

/// Nor for an owner that lives and does nothing: what others have freed to the last block is anybody's.
TEST_F(HeapThreadsTest, IdleOwnersSlabsAreTakenOverBeforeAMapping) {
  Context& idle = *heap_.attach();
  Context& here = *heap_.attach();
  const auto blocks = toy_.allocate(idle, 256, 16);  // one SuperSlab, of which the last slab is awake
  toy_.deallocate(here, blocks);
  here.outbox.flush_all();
  const auto mapped = toy_.acquired(AcquireStage::kMapped);
  const auto mine = toy_.allocate(here, 128, 16);
  EXPECT_EQ(toy_.acquired(AcquireStage::kMapped), mapped);
  EXPECT_TRUE(idle.inbox.looks_empty());
  const auto more = toy_.allocate(idle, 256, 4);  // the owner misses nothing
  toy_.deallocate(here, mine);
  toy_.deallocate(idle, more);
  heap_.detach(here);
  heap_.detach(idle);
  expect_nothing_left();
}

TEST_F(HeapThreadsTest, TrimTakesIdleOwnersSlabsOver) {
  Context& idle = *heap_.attach();
  const auto blocks = toy_.allocate(idle, 64, 33);  // two slabs sleep
  for (std::size_t i = 0; i < 16; ++i) heap_.deallocate(stand_in_, blocks[i]);
  for (std::size_t i = 16; i < 31; ++i) heap_.deallocate(stand_in_, blocks[i]);
  EXPECT_TRUE(heap_.trim(stand_in_));
  EXPECT_EQ(heap_.pool().released(), 1u) << "of the second slab a block is out";
  heap_.deallocate(stand_in_, blocks[31]);
  EXPECT_TRUE(heap_.trim(stand_in_));
  EXPECT_EQ(heap_.pool().released(), 2u) << "it had been posted again";
}

/// A block that the owner has freed waits in the slab, not among others' frees.
TEST_F(HeapThreadsTest, SlabsThatTheirOwnerHasFreedIntoAreNotTakenOver) {
  Context& owner = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 17);
  heap_.deallocate(owner, blocks[0]);
  for (std::size_t i = 1; i < 16; ++i) heap_.deallocate(stand_in_, blocks[i]);
  (void)heap_.trim(stand_in_);
  EXPECT_EQ(heap_.pool().released(), 0u);
  EXPECT_TRUE(heap_.trim(owner)) << "its owner can";
}

/// Who looks at a context's slabs keeps others from taking them over meanwhile, and nobody waits for that.
TEST_F(HeapThreadsTest, PostsThatAnotherThreadIsAtAreLeftAlone) {
  Context& idle = *heap_.attach();
  const auto blocks = toy_.allocate(idle, 64, 17);
  for (std::size_t i = 0; i < 16; ++i) heap_.deallocate(stand_in_, blocks[i]);
  ASSERT_TRUE(heap_.contexts().take_posts(idle.index.get()));
  EXPECT_FALSE(heap_.contexts().take_posts(idle.index.get()));
  EXPECT_FALSE(heap_.trim(stand_in_));
  heap_.contexts().give_back_posts(idle.index.get());
  EXPECT_TRUE(heap_.trim(stand_in_));
}

/// An outbox keeps a slab of its owner's from being given back: the block in it counts as out.
TEST_F(HeapThreadsTest, BlocksInAnOutboxAreStillOut) {
  Context& owner = *heap_.attach();
  Context& other = *heap_.attach();
  const auto blocks = toy_.allocate(owner, 64, 16);
  heap_.deallocate(other, blocks[0]);
  for (std::size_t i = 1; i < blocks.size(); ++i) heap_.deallocate(owner, blocks[i]);
  EXPECT_FALSE(heap_.trim(owner));
  EXPECT_EQ(heap_.pool().released(), 0u);
  other.outbox.flush_all();
  EXPECT_TRUE(heap_.trim(owner));
}

/// I1, I2, I8 with real threads: blocks wander, every one keeps its mark, and all memory comes back.
TEST_F(HeapThreadsTest, BlocksExchangedByThreadsKeepTheirContents) {
  constexpr int kRounds = 2000;
  std::atomic<std::uint64_t*> exchange[8]{};
  std::atomic<bool> intact{true};
  run_together(3, [&](unsigned thread) {
    Context* context = heap_.attach();
    for (unsigned i = 0; i < kRounds; ++i) {
      const std::size_t bytes = 64 * (1 + (i * (thread + 3)) % 24);
      auto* mine = static_cast<std::uint64_t*>(heap_.allocate(*context, bytes));
      const std::uint64_t mark = std::uint64_t{thread} << 32 | i;
      mine[0] = bytes;
      for (std::size_t word = 1; word < bytes / 8; ++word) mine[word] = mark;
      auto* theirs = exchange[i % 8].exchange(mine, std::memory_order_acq_rel);
      if (theirs != nullptr) {
        for (std::size_t word = 2; word < theirs[0] / 8; ++word) {
          if (theirs[word] != theirs[1]) intact = false;
        }
        heap_.deallocate(*context, theirs);
      }
      if (i % 500 == 499) {
        heap_.detach(*context);
        context = heap_.attach();
      }
    }
    heap_.detach(*context);
  });
  EXPECT_TRUE(intact);
  for (auto& place : exchange) heap_.deallocate(stand_in_, place.load(std::memory_order_relaxed));
  expect_nothing_left();
}

}  // namespace
}  // namespace hakmem::test
