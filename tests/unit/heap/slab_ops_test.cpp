/// What an owner does with a slab; toy slabs of class 0 hold 16 blocks of 64 bytes, are carved by 2 and wake for 3.

#include "heap/slab_ops.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "heap/thread_context.hpp"
#include "superslab/shared_pool.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

using Ops = SlabOps<ToyConfig>;
using SlabT = Slab<ToyConfig>;
constexpr std::size_t kCapacity = 16;
constexpr std::int32_t kThreshold = 3;

class SlabTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(SizeClass<ToyGeometry>::layout(0).capacity, kCapacity);
    ASSERT_EQ(SizeClass<ToyGeometry>::layout(0).wake_blocks, kThreshold);
    slab_ = pool_.acquire_fresh(toy_.backend, 0);
    Ops::make(*slab_, owner_, 0);
    list_.push_back(*slab_);
  }

  static std::vector<void*> blocks(Ops::Chain chain) {
    std::vector<void*> all;
    for (void* p = chain.head; p != nullptr; p = TestSync::load_link(p)) all.push_back(p);
    EXPECT_EQ(all.size(), chain.count);
    return all;
  }
  std::vector<void*> refill() { return blocks(Ops::refill(*slab_, SizeClass<ToyGeometry>::layout(0).carve).chain); }

  /// All blocks of the slab, handed out.
  std::vector<void*> fill() {
    std::vector<void*> all;
    // Bounded: a slab that never becomes full must fail a test, not hang it.
    for (std::size_t i = 0; i < kCapacity && !Ops::is_full(*slab_); ++i) {
      for (void* block : refill()) all.push_back(block);
    }
    EXPECT_EQ(all.size() + kept_, kCapacity);
    return all;
  }
  void free_by_owner(void* block) {
    slab_->free.push(block);
    slab_->frees_to_event.set(slab_->frees_to_event.get() - 1);
  }
  /// \return whether it was the waker
  bool free_by_other(void* block) { return slab_->remote.push_chain(slab_->base.get(), block, block, 1); }

  Surroundings<ToyConfig> toy_;
  SharedPool<ToyConfig> pool_;
  ThreadContext<ToyConfig> owner_{};
  ClassList<ToyConfig> list_;
  SlabT* slab_ = nullptr;
  std::size_t kept_ = 0;  // blocks that the test has taken before it calls fill
};

TEST_F(SlabTest, FreshSlabIsAwakeEmptyAndItsOwners) {
  EXPECT_EQ(slab_->state.get(), SlabState::kAwake);
  EXPECT_EQ(slab_->owner.load(std::memory_order_relaxed), &owner_);
  EXPECT_TRUE(Ops::is_empty(*slab_));
  EXPECT_FALSE(Ops::is_full(*slab_));
  EXPECT_EQ(slab_->block_bytes(), 64u);
}

/// Lazy touch: two blocks at a time, in order of address.
TEST_F(SlabTest, BlocksAreCarvedAFewAtATimeUntilTheSlabIsFull) {
  char* base = reinterpret_cast<char*>(slab_->base.get());
  EXPECT_EQ(refill(), (std::vector<void*>{base, base + 64}));
  EXPECT_EQ(slab_->frees_to_event.get(), 2) << "both are out";
  EXPECT_EQ(refill(), (std::vector<void*>{base + 128, base + 192}));
  kept_ = 4;
  (void)fill();
  EXPECT_TRUE(refill().empty());
  EXPECT_EQ(slab_->frees_to_event.get(), static_cast<std::int32_t>(kCapacity));
}

/// What is judged by it: the free of an address that was never handed out.
TEST_F(SlabTest, OnlyWhatHasBeenCutIsABlock) {
  char* base = reinterpret_cast<char*>(slab_->base.get());
  EXPECT_FALSE(slab_->is_block(base));
  (void)refill();
  EXPECT_TRUE(slab_->is_block(base));
  EXPECT_TRUE(slab_->is_block(base + 64));
  EXPECT_FALSE(slab_->is_block(base + 128));
  (void)refill();
  EXPECT_TRUE(slab_->is_block(base + 192));
  EXPECT_FALSE(slab_->is_block(base + 256));
}

TEST_F(SlabTest, RefillTakesOwnFreesThenOthersThenFreshBlocks) {
  const auto out = refill();
  free_by_owner(out[0]);
  EXPECT_FALSE(free_by_other(out[1]));
  EXPECT_EQ(refill(), (std::vector<void*>{out[0]}));
  EXPECT_EQ(refill(), (std::vector<void*>{out[1]}));
  EXPECT_EQ(refill().size(), 2u) << "carved";
  EXPECT_EQ(slab_->frees_to_event.get(), 4);
}

/// However they were freed, they go out in a row again, what has been cut before at once.
TEST_F(SlabTest, EmptySlabIsCutAnewInOrderOfAddresses) {
  const auto out = [this] {
    std::vector<void*> all = refill();
    for (void* block : refill()) all.push_back(block);
    return all;
  }();
  ASSERT_EQ(out.size(), 4u);
  for (const std::size_t i : {2u, 0u, 3u, 1u}) free_by_owner(out[i]);
  Ops::uncut(*slab_);
  EXPECT_TRUE(Ops::is_empty(*slab_));
  EXPECT_TRUE(slab_->is_block(out[3])) << "who frees it again hears that it is free";
  EXPECT_EQ(slab_->shown.get() & 0xffff, 0u);
  const auto again = Ops::refill(*slab_, 2);
  EXPECT_EQ(blocks(again.chain), out) << "more at a time than are cut for the first time";
  EXPECT_EQ(again.source, Ops::Source::kOwner) << "who has freed them";
  EXPECT_EQ(slab_->frees_to_event.get(), 4);
  const auto next = Ops::refill(*slab_, 2);
  EXPECT_EQ(next.chain.count, 2u);
  EXPECT_EQ(next.source, Ops::Source::kFresh);
  EXPECT_TRUE(slab_->is_block(static_cast<char*>(next.chain.head) + 64));
}

TEST_F(SlabTest, RefillTellsWhereBlocksCameFrom) {
  const auto first = Ops::refill(*slab_, 2);
  EXPECT_EQ(first.source, Ops::Source::kFresh);
  const auto out = blocks(first.chain);
  free_by_owner(out[0]);
  EXPECT_EQ(Ops::refill(*slab_, 2).source, Ops::Source::kOwner);
  EXPECT_FALSE(free_by_other(out[1]));
  EXPECT_EQ(Ops::refill(*slab_, 2).source, Ops::Source::kOthers);
}

/// A page that nobody asked for is not touched for a link and a mark.
TEST_F(SlabTest, ABlockCutAloneFromMemoryThatHoldsZeroesIsUntouched) {
  std::memset(reinterpret_cast<void*>(slab_->base.get()), 7, 128);
  const auto first_word = [](const void* block) { return *static_cast<const std::uint64_t*>(block); };
  ASSERT_TRUE(slab_->fresh.get()) << "for all that the slab knows";
  const auto untouched = Ops::refill(*slab_, 1);
  EXPECT_EQ(untouched.source, Ops::Source::kUntouched);
  EXPECT_EQ(untouched.chain.count, 1u);
  EXPECT_EQ(first_word(untouched.chain.head), 0x0707070707070707u);
  EXPECT_TRUE(Ops::is_out(*slab_, 1));
  slab_->fresh.set(false);
  const auto used = Ops::refill(*slab_, 1);
  EXPECT_EQ(used.source, Ops::Source::kFresh);
  EXPECT_EQ(first_word(used.chain.head), 0u) << "the end of its chain";
}

/// For diagnostics, which other threads read.
TEST_F(SlabTest, ShowsItsClassAndTheBlocksCutSoFar) {
  Ops::make(*slab_, owner_, 1);
  EXPECT_EQ(slab_->shown.get(), 1u << 16);
  (void)Ops::refill(*slab_, 2);
  EXPECT_EQ(slab_->shown.get(), 1u << 16 | 2u);
}

TEST_F(SlabTest, BlocksThatAreOutAreKnownInEveryState) {
  const auto out = fill();
  constexpr auto kAll = static_cast<std::int32_t>(kCapacity);
  EXPECT_EQ(Ops::out(*slab_), kAll);
  ASSERT_TRUE(Ops::sleep(list_, *slab_));
  EXPECT_EQ(Ops::out(*slab_), kAll);
  free_by_owner(out[0]);
  EXPECT_EQ(Ops::out(*slab_), kAll - 1) << "asleep";
  EXPECT_TRUE(free_by_other(out[1]));
  for (std::size_t i = 2; i < 4; ++i) free_by_owner(out[i]);
  Ops::wake_by_owner(list_, *slab_);
  ASSERT_EQ(slab_->state.get(), SlabState::kAwaited);
  EXPECT_EQ(Ops::out(*slab_), kAll - 3) << "awaited, and what another freed is not yet known";
  free_by_owner(out[4]);
  EXPECT_EQ(Ops::out(*slab_), kAll - 4);
  Ops::wake_by_post(list_, *slab_);
  EXPECT_EQ(Ops::out(*slab_), kAll - 5);
}

TEST_F(SlabTest, OwnFreesAreCountedDownToEmpty) {
  const auto out = refill();
  free_by_owner(out[0]);
  EXPECT_FALSE(Ops::is_empty(*slab_));
  free_by_owner(out[1]);
  EXPECT_TRUE(Ops::is_empty(*slab_));
}

TEST_F(SlabTest, CollectedFreesOfOthersCountAndStandBehindOwnOnes) {
  const auto out = fill();
  free_by_owner(out[0]);
  EXPECT_FALSE(free_by_other(out[1]));
  EXPECT_FALSE(free_by_other(out[2]));
  Ops::collect(*slab_);
  EXPECT_EQ(slab_->frees_to_event.get(), static_cast<std::int32_t>(kCapacity) - 3);
  EXPECT_EQ(refill(), (std::vector<void*>{out[0], out[2], out[1]}));
  Ops::collect(*slab_);
  EXPECT_TRUE(slab_->free.empty());
}

TEST_F(SlabTest, CollectedFreesOfOthersMayBeAllThereIs) {
  const auto out = fill();
  EXPECT_FALSE(free_by_other(out[5]));
  Ops::collect(*slab_);
  EXPECT_EQ(slab_->free.peek(), out[5]);
  EXPECT_EQ(refill(), (std::vector<void*>{out[5]}));
}

TEST_F(SlabTest, FullSlabSleepsOffItsListUnlessBlocksHaveArrived) {
  const auto out = fill();
  EXPECT_FALSE(free_by_other(out[0]));
  EXPECT_FALSE(Ops::sleep(list_, *slab_));
  EXPECT_EQ(list_.first(), slab_) << "as it was before";
  EXPECT_EQ(slab_->state.get(), SlabState::kAwake);
  EXPECT_EQ(slab_->frees_to_event.get(), static_cast<std::int32_t>(kCapacity));
  EXPECT_EQ(refill().size(), 1u);
  EXPECT_TRUE(Ops::sleep(list_, *slab_));
  EXPECT_EQ(list_.first(), nullptr);
  EXPECT_EQ(slab_->state.get(), SlabState::kAsleep);
  EXPECT_EQ(slab_->frees_to_event.get(), kThreshold);
}

/// A sleeping slab is not woken for a single block of its owner's.
TEST_F(SlabTest, OwnerWakesItsSlabWithEnoughFrees) {
  const auto out = fill();
  ASSERT_TRUE(Ops::sleep(list_, *slab_));
  for (int i = 0; i < kThreshold; ++i) {
    EXPECT_GT(slab_->frees_to_event.get(), 0);
    free_by_owner(out[static_cast<std::size_t>(i)]);
  }
  EXPECT_EQ(slab_->frees_to_event.get(), 0);
  Ops::wake_by_owner(list_, *slab_);
  EXPECT_EQ(slab_->state.get(), SlabState::kAwake);
  EXPECT_EQ(list_.first(), slab_);
  EXPECT_EQ(slab_->frees_to_event.get(), static_cast<std::int32_t>(kCapacity) - kThreshold);
}

TEST_F(SlabTest, PostedSlabCountsWhatOwnerAndOthersHaveFreed) {
  const auto out = fill();
  ASSERT_TRUE(Ops::sleep(list_, *slab_));
  free_by_owner(out[0]);
  EXPECT_TRUE(free_by_other(out[1]));
  EXPECT_FALSE(free_by_other(out[2]));
  Ops::wake_by_post(list_, *slab_);
  EXPECT_EQ(slab_->state.get(), SlabState::kAwake);
  EXPECT_EQ(list_.first(), slab_);
  EXPECT_EQ(slab_->frees_to_event.get(), static_cast<std::int32_t>(kCapacity) - 3);
  EXPECT_EQ(refill(), (std::vector<void*>{out[0], out[2], out[1]}));
}

/// The owner and a waker meet: the owner waits for the post and goes on counting.
TEST_F(SlabTest, OwnerWhoComesSecondAwaitsThePost) {
  const auto out = fill();
  ASSERT_TRUE(Ops::sleep(list_, *slab_));
  EXPECT_TRUE(free_by_other(out[0]));
  for (std::size_t i = 1; i <= 3; ++i) free_by_owner(out[i]);
  Ops::wake_by_owner(list_, *slab_);
  EXPECT_EQ(slab_->state.get(), SlabState::kAwaited);
  EXPECT_EQ(list_.first(), nullptr);
  for (std::size_t i = 4; i < kCapacity; ++i) free_by_owner(out[i]);
  EXPECT_GT(slab_->frees_to_event.get(), 0) << "no event until the post";
  Ops::wake_by_post(list_, *slab_);
  EXPECT_EQ(slab_->state.get(), SlabState::kAwake);
  EXPECT_TRUE(Ops::is_empty(*slab_));
  EXPECT_EQ(refill().size(), kCapacity);
}

TEST_F(SlabTest, UnmadeSlabHasNoOwner) {
  Ops::unmake(*slab_);
  EXPECT_EQ(slab_->state.get(), SlabState::kNone);
  EXPECT_EQ(slab_->owner.load(std::memory_order_relaxed), nullptr);
}

/// The same slots serve one class after another: everything is as in slots that never held a slab.
TEST_F(SlabTest, NewSlabKeepsNothingOfTheSlotsFormerLife) {
  const auto out = fill();
  free_by_owner(out[0]);
  (void)free_by_other(out[1]);
  Ops::unmake(*slab_);
  constexpr unsigned kLater = 1;
  const auto& layout = SizeClass<ToyGeometry>::layout(kLater);
  Ops::make(*slab_, owner_, kLater);
  EXPECT_TRUE(slab_->free.empty());
  EXPECT_FALSE(slab_->remote.has_chain());
  EXPECT_TRUE(Ops::is_empty(*slab_));
  EXPECT_EQ(slab_->carved.get(), 0u);
  EXPECT_EQ(slab_->size_class.get(), kLater);
  EXPECT_EQ(slab_->block_bytes(), layout.block_bytes);
  EXPECT_EQ(slab_->divisor.get(), layout.divisor);
  EXPECT_EQ(slab_->limit.load(std::memory_order_relaxed), 0u) << "no block is cut";
  EXPECT_EQ(slab_->extent.load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(slab_->capacity.get(), layout.capacity);
}

TEST_F(SlabTest, SlabOfOneBlockBecomesOneOfALargerClass) {
  using Classes = SizeClass<ToyGeometry>;
  constexpr unsigned kBefore = Classes::of(1280);
  constexpr unsigned kLater = Classes::of(2048);
  Ops::make(*slab_, owner_, kBefore);
  const auto block = refill();
  ASSERT_EQ(block.size(), 1u);
  Ops::change_class(*slab_, kLater);
  EXPECT_EQ(slab_->block_bytes(), 2048u);
  EXPECT_EQ(slab_->extent.load(std::memory_order_relaxed), 2048u);
  EXPECT_EQ(slab_->divisor.get(), Classes::layout(kLater).divisor);
  EXPECT_EQ(slab_->shown.get(), kLater << 16 | 1u);
  EXPECT_TRUE(slab_->is_block(block[0]));
  EXPECT_FALSE(slab_->is_block(static_cast<char*>(block[0]) + 1280));
  EXPECT_TRUE(Ops::is_out(*slab_, 1));
}

TEST_F(SlabTest, NewSlabForgetsWhatWasCutBefore) {
  for (void* block : refill()) free_by_owner(block);
  Ops::uncut(*slab_);
  Ops::unmake(*slab_);
  Ops::make(*slab_, owner_, 0);
  EXPECT_EQ(Ops::refill(*slab_, 2).source, Ops::Source::kFresh);
}

/// Toy slabs are wide from more than 512 bytes on that have been cut.
TEST_F(SlabTest, SlabIsWideOnceManySmallBlocksAreCut) {
  EXPECT_FALSE(Ops::is_wide(*slab_));
  (void)Ops::refill(*slab_, 8);
  EXPECT_FALSE(Ops::is_wide(*slab_));
  (void)Ops::refill(*slab_, 1);
  EXPECT_TRUE(Ops::is_wide(*slab_));
}

TEST_F(SlabTest, SlabOfMidBlocksIsNeverWide) {
  Ops::make(*slab_, owner_, SizeClass<ToyGeometry>::of(512));
  while (!Ops::is_full(*slab_)) (void)Ops::refill(*slab_, 1);
  EXPECT_GT(slab_->carved.get() * slab_->block_bytes(), 512u);
  EXPECT_FALSE(Ops::is_wide(*slab_));
}

TEST_F(SlabTest, AllButTheFirstBlockOfARefillCanBeGivenBack) {
  const auto chain = Ops::refill(*slab_, 4).chain;
  void* second = TestSync::load_link(chain.head);
  EXPECT_EQ(Ops::keep_first(*slab_, chain), chain.head);
  EXPECT_TRUE(Ops::is_out(*slab_, 1));
  EXPECT_EQ(slab_->free.peek(), second);
  EXPECT_EQ(refill().size(), 3u);
}

TEST_F(SlabTest, SlabOfACachedClassHasAMarkedOwner) {
  constexpr unsigned kMid = SizeClass<ToyGeometry>::of(512);
  Ops::make(*slab_, owner_, kMid);
  EXPECT_EQ(slab_->owner.load(std::memory_order_relaxed), cached_owner(&owner_));
}

/// I3: the state is left as after `unmake`; the slots are the caller's to give back.
TEST_F(SlabTest, IsTakenOverWhenOthersHaveFreedEveryBlock) {
  const auto all = fill();
  ASSERT_TRUE(Ops::sleep(list_, *slab_));
  for (std::size_t i = 0; i + 1 < all.size(); ++i) (void)free_by_other(all[i]);
  EXPECT_FALSE(Ops::take_over(*slab_)) << "a block is out";
  EXPECT_EQ(slab_->remote.count(), kCapacity - 1) << "and nothing has changed";
  (void)free_by_other(all.back());
  EXPECT_TRUE(Ops::take_over(*slab_));
  EXPECT_EQ(slab_->state.get(), SlabState::kNone);
  EXPECT_EQ(slab_->owner.load(std::memory_order_relaxed), nullptr);
  EXPECT_FALSE(slab_->remote.has_chain());
}

}  // namespace
}  // namespace hakmem::test
