/// SP-SLOT layer 3 (D2): per-class hints of EMPTY slots.

#include "superslab/free_slots.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/surroundings.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

using SlabT = Slab<ToyConfig>;

const auto kAccept = [](SlabT&) { return true; };
const auto kRefuse = [](SlabT&) { return false; };

class FreeSlotsTest : public testing::Test {
 protected:
  FreeSlots<ToyConfig> free_slots_;
  SlabT slabs_[3];
};

TEST_F(FreeSlotsTest, OfferedSlotIsFoundByItsClassAlone) {
  free_slots_.offer(2, slabs_[0]);
  EXPECT_EQ(free_slots_.take(1, kAccept), nullptr);
  EXPECT_EQ(free_slots_.take(2, kAccept), &slabs_[0]);
  EXPECT_EQ(free_slots_.take(2, kAccept), nullptr);
}

TEST_F(FreeSlotsTest, HintsThatAreNotClaimedAreUsedUp) {
  for (SlabT& slab : slabs_) free_slots_.offer(0, slab);
  unsigned asked = 0;
  EXPECT_EQ(free_slots_.take(0, [&](SlabT&) { return ++asked == 2; }), &slabs_[1]);
  EXPECT_EQ(free_slots_.take(0, kAccept), &slabs_[0]) << "what was not looked at is put back";
  EXPECT_EQ(free_slots_.take(0, kAccept), nullptr) << "the first one was stale";
}

/// A descriptor has one link: it is on one list at most, and once.
TEST_F(FreeSlotsTest, SecondOfferOfADescriptorChangesNothing) {
  free_slots_.offer(0, slabs_[0]);
  free_slots_.offer(0, slabs_[0]);
  free_slots_.offer(1, slabs_[0]);
  EXPECT_EQ(free_slots_.take(1, kAccept), nullptr);
  EXPECT_EQ(free_slots_.take(0, kAccept), &slabs_[0]);
  EXPECT_EQ(free_slots_.take(0, kAccept), nullptr);
  free_slots_.offer(1, slabs_[0]);
  EXPECT_EQ(free_slots_.take(1, kAccept), &slabs_[0]) << "once taken it may be offered to any class";
}

/// Museum 4: the original dropped entries beyond 256.
TEST_F(FreeSlotsTest, HasNoCapacity) {
  std::vector<SlabT> many(1000);
  for (SlabT& slab : many) free_slots_.offer(0, slab);
  std::set<SlabT*> taken;
  while (SlabT* slab = free_slots_.take(0, kAccept)) taken.insert(slab);
  EXPECT_EQ(taken.size(), many.size());
}

TEST_F(FreeSlotsTest, RefusedHintMayBeOfferedAgainAtOnce) {
  free_slots_.offer(0, slabs_[0]);
  EXPECT_EQ(free_slots_.take(0, kRefuse), nullptr);
  free_slots_.offer(0, slabs_[0]);
  EXPECT_EQ(free_slots_.take(0, kAccept), &slabs_[0]);
}

/// I1, I2: what several threads offer and take is taken once per offer.
TEST_F(FreeSlotsTest, ThreadsTakeEveryOfferOnce) {
  constexpr int kOffers = 2000;
  std::atomic<int> taken[3]{};
  std::atomic<bool> exclusive{true};
  std::atomic<int> held[3]{};
  run_together(3, [&](unsigned thread) {
    held[thread] = 1;
    int mine = static_cast<int>(thread);
    for (int i = 0; i < kOffers; ++i) {
      if (mine >= 0) {
        if (held[mine].exchange(0) != 1) exclusive = false;
        free_slots_.offer(0, slabs_[mine]);
      }
      SlabT* slab = free_slots_.take(0, kAccept);
      mine = slab == nullptr ? -1 : static_cast<int>(slab - slabs_);
      if (mine < 0) continue;
      if (held[mine].exchange(1) != 0) exclusive = false;
      taken[mine].fetch_add(1);
    }
    if (mine < 0) return;
    held[mine] = 0;
    free_slots_.offer(0, slabs_[mine]);
  });
  EXPECT_TRUE(exclusive);
  EXPECT_GT(taken[0] + taken[1] + taken[2], 0);
  unsigned left = 0;
  while (free_slots_.take(0, kAccept) != nullptr) ++left;
  EXPECT_EQ(left, 3u);
}

}  // namespace
}  // namespace hakmem::test
