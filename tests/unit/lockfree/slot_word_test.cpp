#include "lockfree/slot_word.hpp"

#include <gtest/gtest.h>

#include "support/losing_sync.hpp"
#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

using Word = SlotWord<TestSync, 4>;
using Snapshot = Word::Snapshot;

TEST(SlotSnapshot, EachStateHasItsPlaceInThePlanes) {
  const auto snapshot = Snapshot::of(0b1100, 0b0110);
  EXPECT_EQ(snapshot.state(0), SlotState::kRetired);
  EXPECT_EQ(snapshot.state(1), SlotState::kUnused);
  EXPECT_EQ(snapshot.state(2), SlotState::kEmpty);
  EXPECT_EQ(snapshot.state(3), SlotState::kActive);
  EXPECT_EQ(snapshot.unused(), 0b0010u);
  EXPECT_EQ(snapshot.empty(), 0b0100u);
  EXPECT_EQ(snapshot.active(), 0b1000u);
  EXPECT_EQ(snapshot.claimable(SlotChoice::kAny), 0b0110u);
  EXPECT_EQ(snapshot.claimable(SlotChoice::kEmpty), 0b0100u);
  EXPECT_EQ(snapshot.claimable(SlotChoice::kUnused), 0b0010u);
}

/// All masks of 12 slots and all lengths against the obvious search.
TEST(SlotSnapshot, FindsTheLowestRun) {
  for (std::uint32_t mask = 0; mask < 1u << 12; ++mask) {
    for (unsigned count = 1; count <= 12; ++count) {
      int expected = -1;
      for (unsigned first = 0; expected < 0 && first + count <= 12; ++first) {
        const std::uint32_t run = SlotSnapshot<32>::run_mask(first, count);
        if ((mask & run) == run) expected = static_cast<int>(first);
      }
      ASSERT_EQ(SlotSnapshot<32>::find_run(mask, count), expected) << mask << " " << count;
    }
  }
  EXPECT_EQ(SlotSnapshot<32>::find_run(0xffffffff, 32), 0);
  EXPECT_EQ(SlotSnapshot<32>::find_run(0xfffffffe, 32), -1);
  EXPECT_EQ(SlotSnapshot<32>::run_mask(0, 32), 0xffffffffu);
}

TEST(SlotWord, ZeroIsARetiredSuperSlabThatNobodyCanClaim) {
  Word word;
  EXPECT_TRUE(word.snapshot().retired());
  EXPECT_EQ(word.claim_run(1, SlotChoice::kAny), -1);
  EXPECT_FALSE(word.claim_at(0, 1));
}

TEST(SlotWord, ActivationGivesTheFirstSlotsToTheCaller) {
  Word word;
  word.activate(2);
  EXPECT_EQ(word.snapshot().active(), 0b0011u);
  EXPECT_EQ(word.snapshot().unused(), 0b1100u);
}

TEST(SlotWord, ReleasedSlotIsEmptyAndCanBeClaimedByHint) {
  Word word;
  word.activate(2);
  const auto released = word.release(0, 1);
  EXPECT_FALSE(released.retired);
  EXPECT_FALSE(released.was_full);
  EXPECT_EQ(word.snapshot().state(0), SlotState::kEmpty);
  EXPECT_FALSE(word.claim_at(2, 1)) << "UNUSED is not EMPTY";
  EXPECT_FALSE(word.claim_at(0, 2)) << "the second slot is ACTIVE";
  EXPECT_TRUE(word.claim_at(0, 1));
  EXPECT_EQ(word.snapshot().state(0), SlotState::kActive);
}

TEST(SlotWord, RunAtAPlaceIsClaimedWhateverItsFreeSlotsAreWhereThatIsAsked) {
  Word word;
  word.activate(3);
  (void)word.release(2, 1);
  EXPECT_FALSE(word.claim_at(2, 2)) << "EMPTY and UNUSED";
  EXPECT_FALSE(word.claim_at(1, 2, SlotChoice::kAny)) << "the first one is ACTIVE";
  EXPECT_TRUE(word.claim_at(2, 2, SlotChoice::kAny));
  EXPECT_EQ(word.snapshot().active(), 0b1111u);
}

TEST(SlotWord, RunsAreClaimedWholeOrNotAtAll) {
  Word word;
  word.activate(4);
  (void)word.release(0, 1);
  (void)word.release(2, 1);
  EXPECT_EQ(word.claim_run(2, SlotChoice::kAny), -1) << "two free slots, not adjacent";
  (void)word.release(1, 1);
  EXPECT_EQ(word.claim_run(3, SlotChoice::kEmpty), 0);
  EXPECT_EQ(word.snapshot().active(), 0b1111u);
}

TEST(SlotWord, ReleaseFromAFullWordSaysSo) {
  Word word;
  word.activate(4);
  EXPECT_TRUE(word.release(3, 1).was_full);
  EXPECT_FALSE(word.release(2, 1).was_full);
}

/// D4: ACTIVE -> EMPTY until nothing is ACTIVE; that release retires the whole.
TEST(SlotWord, LastReleaseRetires) {
  Word word;
  word.activate(1);
  EXPECT_EQ(word.claim_run(1, SlotChoice::kUnused), 1);
  EXPECT_FALSE(word.release(0, 1).retired);
  EXPECT_TRUE(word.release(1, 1).retired);
  EXPECT_TRUE(word.snapshot().retired());
  word.activate(1);
  EXPECT_EQ(word.snapshot().unused(), 0b1110u) << "a new life starts with UNUSED slots";
}

TEST(SlotWord, EmptySlotsAreClaimedTogetherAndDiscardedToUnused) {
  Word word;
  word.activate(3);
  EXPECT_EQ(word.claim_empty(), 0u) << "none is EMPTY";
  (void)word.release(0, 2);
  EXPECT_EQ(word.claim_empty(), 0b0011u);
  EXPECT_EQ(word.snapshot().active(), 0b0111u);
  const auto discarded = word.discard(0b0011);
  EXPECT_FALSE(discarded.retired);
  EXPECT_FALSE(discarded.was_full) << "the fourth slot could be claimed all the time";
  EXPECT_EQ(word.snapshot().unused(), 0b1011u);
  EXPECT_EQ(word.snapshot().active(), 0b0100u);
}

TEST(SlotWord, DiscardOfTheLastActiveSlotRetires) {
  Word word;
  word.activate(2);
  (void)word.release(0, 1);
  ASSERT_EQ(word.claim_empty(), 0b0001u);
  (void)word.release(1, 1);
  EXPECT_TRUE(word.discard(0b0001).retired);
  EXPECT_TRUE(word.snapshot().retired());
}

/// I3, D4: of several releasers exactly one retires.
TEST(SlotWord, OneOfSeveralReleasersRetires) {
  for (int i = 0; i < 200; ++i) {
    Word word;
    word.activate(4);
    std::atomic<unsigned> retired{0};
    run_together(4, [&](unsigned slot) { retired.fetch_add(word.release(slot, 1).retired ? 1u : 0u); });
    ASSERT_EQ(retired.load(), 1u);
    ASSERT_TRUE(word.snapshot().retired());
  }
}

/// I1: no slot is claimed by two threads; a release by one hands it to one other.
TEST(SlotWord, ThreadsNeverHoldTheSameSlot) {
  Word word;
  word.activate(1);  // slot 0 stays ACTIVE: nothing retires
  std::atomic<int> holders[4]{};
  std::atomic<bool> exclusive{true};
  run_together(3, [&](unsigned) {
    for (int i = 0; i < 2000; ++i) {
      const int slot = word.claim_run(1, SlotChoice::kAny);
      if (slot < 0) continue;
      if (holders[slot].fetch_add(1) != 0) exclusive = false;
      holders[slot].fetch_sub(1);
      if (word.release(static_cast<unsigned>(slot), 1).retired) exclusive = false;
    }
  });
  EXPECT_TRUE(exclusive);
  EXPECT_EQ(word.snapshot().active(), 0b0001u);
}

TEST(SlotWord, WhoLosesARaceForAllEmptySlotsPausesAndTriesAgain) {
  SlotWord<LosingSync, 4> word;
  word.activate(2);
  ASSERT_FALSE(word.release(1, 1).retired);
  races_to_lose = 2;
  pauses = 0;
  EXPECT_EQ(word.claim_empty(), 0b0010u);
  EXPECT_EQ(races_to_lose, 0u);
  EXPECT_EQ(pauses, 2u);
}

}  // namespace
}  // namespace hakmem::test
