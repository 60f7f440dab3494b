/// SP-SLOT layer 1 (D2): slots of one SuperSlab.

#include "superslab/slot_ops.hpp"

#include <gtest/gtest.h>

#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

using Ops = SlotOps<ToyConfig>;

/// A SuperSlab without its table: four slots of 1 KiB, the first one held.
class SlotOpsTest : public testing::Test {
 protected:
  SlotOpsTest() {
    void* memory = toy_.memory.reserve(4096, 4096);
    EXPECT_TRUE(toy_.map.prepare(toy_.os, memory, 4096));
    superslab_.base.set(reinterpret_cast<std::uintptr_t>(memory));
    superslab_.word.activate(1);
    Ops::bind(toy_.map, superslab_, superslab_.slabs[0], 1);
  }

  [[nodiscard]] const void* slot(unsigned i) const {
    return reinterpret_cast<const void*>(superslab_.base.get() + i * 1024);
  }
  Slab<ToyConfig>* claim(unsigned count, SlotChoice choice) {
    auto* slab = Ops::claim_run(superslab_, count, choice);
    if (slab != nullptr) Ops::bind(toy_.map, superslab_, *slab, count);
    return slab;
  }

  Surroundings<ToyConfig> toy_;
  SuperSlab<ToyConfig> superslab_;
};

TEST_F(SlotOpsTest, BoundRunIsFoundFromEachOfItsSlots) {
  auto* slab = claim(3, SlotChoice::kUnused);
  ASSERT_EQ(slab, &superslab_.slabs[1]);
  EXPECT_EQ(slab->base.get(), superslab_.base.get() + 1024);
  EXPECT_EQ(slab->slot.get(), 1u);
  EXPECT_EQ(slab->slots.get(), 3u);
  EXPECT_EQ(slab->superslab.get(), &superslab_);
  EXPECT_EQ(toy_.map.find(slot(0)), &superslab_.slabs[0]);
  for (unsigned i = 1; i < 4; ++i) EXPECT_EQ(toy_.map.find(slot(i)), slab) << i;
}

/// What calloc need not fill: slots that hold zeroes for sure.
TEST_F(SlotOpsTest, ARunIsFreshWhereNobodyHasWritten) {
  auto* slab = claim(2, SlotChoice::kUnused);
  EXPECT_TRUE(slab->fresh.get());
  (void)Ops::release(*slab);
  slab = claim(2, SlotChoice::kEmpty);
  EXPECT_FALSE(slab->fresh.get()) << "its last holder may have written";
  (void)Ops::release(*slab);
  slab = claim(3, SlotChoice::kAny);
  EXPECT_FALSE(slab->fresh.get()) << "only its last slot is fresh";
  Ops::forget_contents(superslab_, 0b1110);
  (void)superslab_.word.discard(0b1110);
  EXPECT_TRUE(claim(3, SlotChoice::kUnused)->fresh.get()) << "the system has had its memory";
}

TEST_F(SlotOpsTest, FullSuperSlabGivesNothing) {
  ASSERT_NE(claim(3, SlotChoice::kUnused), nullptr);
  EXPECT_EQ(claim(1, SlotChoice::kAny), nullptr);
}

TEST_F(SlotOpsTest, ReleasedRunIsClaimedAgainByItsHint) {
  auto* slab = claim(2, SlotChoice::kUnused);
  EXPECT_FALSE(Ops::claim_at(*slab, 2)) << "still held";
  EXPECT_FALSE(Ops::release(*slab).retired);
  EXPECT_FALSE(Ops::claim_at(*slab, 3)) << "the slot behind it is UNUSED";
  EXPECT_TRUE(Ops::claim_at(*slab, 2));
}

TEST_F(SlotOpsTest, SlotsBehindARunAreClaimedIfTheyAreFreeAndInItsSuperSlab) {
  auto* slab = claim(1, SlotChoice::kUnused);
  ASSERT_EQ(slab, &superslab_.slabs[1]);
  EXPECT_FALSE(Ops::claim_behind(*slab, 3)) << "there are two";
  EXPECT_TRUE(Ops::claim_behind(*slab, 2));
  EXPECT_FALSE(Ops::claim_behind(superslab_.slabs[0], 1)) << "held";
}

TEST_F(SlotOpsTest, HintOfARunThatWouldLeaveTheSuperSlabIsHarmless) {
  auto* run = claim(3, SlotChoice::kUnused);
  (void)Ops::release(*run);
  auto* last = claim(1, SlotChoice::kEmpty);  // slot 1
  auto* middle = claim(1, SlotChoice::kEmpty);
  auto* end = claim(1, SlotChoice::kEmpty);
  ASSERT_EQ(end, &superslab_.slabs[3]);
  (void)Ops::release(*end);
  EXPECT_FALSE(Ops::claim_at(*end, 2));
  EXPECT_NE(last, middle);
}

TEST_F(SlotOpsTest, HintOfARunAtTheVeryEndIsClaimed) {
  auto* end = claim(3, SlotChoice::kUnused);
  ASSERT_EQ(end->slot.get() + end->slots.get(), 4u);
  (void)Ops::release(*end);
  EXPECT_TRUE(Ops::claim_at(*end, 3));
}

TEST_F(SlotOpsTest, FirstSlotIsClaimedLikeAnyOther) {
  ASSERT_NE(claim(1, SlotChoice::kUnused), nullptr);
  (void)Ops::release(superslab_.slabs[0]);
  EXPECT_EQ(claim(1, SlotChoice::kEmpty), &superslab_.slabs[0]);
}

TEST_F(SlotOpsTest, BindingARunLeavesItsNeighboursAlone) {
  auto* run = claim(1, SlotChoice::kUnused);
  auto* neighbour = claim(1, SlotChoice::kUnused);
  (void)Ops::release(*run);
  ASSERT_EQ(claim(1, SlotChoice::kEmpty), run);
  EXPECT_EQ(toy_.map.find(slot(0)), &superslab_.slabs[0]);
  EXPECT_EQ(toy_.map.find(slot(2)), neighbour);
}

/// The run is split differently: pieces of it become slabs of their own.
TEST_F(SlotOpsTest, PiecesOfARunAreBoundAnew) {
  auto* run = claim(3, SlotChoice::kUnused);
  (void)Ops::release(*run);
  auto* first = claim(1, SlotChoice::kEmpty);
  auto* rest = claim(2, SlotChoice::kEmpty);
  EXPECT_EQ(first, run);
  EXPECT_EQ(toy_.map.find(slot(1)), first);
  EXPECT_EQ(toy_.map.find(slot(2)), rest);
  EXPECT_EQ(toy_.map.find(slot(3)), rest);
  EXPECT_EQ(rest->base.get(), superslab_.base.get() + 2048);
}

TEST_F(SlotOpsTest, ReleaseOfTheLastRunRetiresTheSuperSlab) {
  auto* slab = claim(1, SlotChoice::kUnused);
  EXPECT_FALSE(Ops::release(superslab_.slabs[0]).retired);
  EXPECT_TRUE(Ops::release(*slab).retired);
  EXPECT_FALSE(Ops::claim_at(*slab, 1)) << "a stale hint claims nothing of a retired SuperSlab";
}

}  // namespace
}  // namespace hakmem::test
