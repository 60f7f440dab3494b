/// SP-SLOT layer 4 (D2): acquire in stages, release, retire.

#include "superslab/shared_pool.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/surroundings.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

using SlabT = Slab<ToyConfig>;
using Classes = SizeClass<ToyGeometry>;

constexpr unsigned kSmall = 0;
constexpr unsigned kOther = 1;
constexpr unsigned kTwoSlots = Classes::of(2048);
constexpr unsigned kFourSlots = Classes::of(4096);

/// SuperSlabs of four slots, one of them cached.
class SharedPoolTest : public testing::Test {
 protected:
  SlabT* acquire(unsigned size_class) {
    SlabT* slab = pool_.acquire_live(toy_.map, size_class);
    if (slab == nullptr) slab = pool_.acquire_fresh(toy_.backend, size_class);
    if (slab != nullptr) slab->size_class.set(static_cast<std::uint16_t>(size_class));
    return slab;
  }
  std::vector<SlabT*> acquire(unsigned size_class, std::size_t count) {
    std::vector<SlabT*> slabs;
    for (std::size_t i = 0; i < count; ++i) slabs.push_back(acquire(size_class));
    return slabs;
  }
  void release(SlabT* slab) { pool_.release(toy_.backend, *slab); }

  std::uint64_t same_class() { return pool_.acquired(AcquireStage::kSameClass); }
  std::uint64_t any_class() { return pool_.acquired(AcquireStage::kAnyClass); }
  std::uint64_t unused() { return pool_.acquired(AcquireStage::kUnused); }
  std::uint64_t cached() { return pool_.acquired(AcquireStage::kCached); }
  std::uint64_t mapped() { return pool_.acquired(AcquireStage::kMapped); }

  Surroundings<ToyConfig> toy_;
  SharedPool<ToyConfig> pool_;
};

TEST_F(SharedPoolTest, SlabIsExtendedByTheFreeSlotsBehindIt) {
  SlabT* slab = acquire(kTwoSlots);
  EXPECT_TRUE(pool_.extend(toy_.backend, *slab, kTwoSlots)) << "it has them";
  EXPECT_TRUE(pool_.extend(toy_.backend, *slab, kFourSlots));
  EXPECT_EQ(slab->slots.get(), 4u);
  const auto slots = slab->superslab.get()->word.snapshot();
  EXPECT_EQ(slots.active(), 0b1111u);
  release(slab);
  EXPECT_EQ(pool_.retired(), 1u) << "they go back together";
}

TEST_F(SharedPoolTest, SlabIsAsItWasWhereTheSlotsBehindItAreNotFree) {
  SlabT* slab = acquire(kTwoSlots);
  (void)acquire(kSmall);
  EXPECT_FALSE(pool_.extend(toy_.backend, *slab, kFourSlots));
  EXPECT_EQ(slab->slots.get(), 2u);
}

TEST_F(SharedPoolTest, StagesOfD3ComeInOrder) {
  SlabT* first = acquire(kSmall);
  EXPECT_EQ(mapped(), 1u) << "3: nothing is live, nothing cached";
  SlabT* second = acquire(kSmall);
  EXPECT_EQ(unused(), 1u) << "2: an UNUSED slot of the live SuperSlab";
  release(second);
  EXPECT_EQ(acquire(kSmall), second);
  EXPECT_EQ(same_class(), 1u) << "1: an EMPTY slot of the same class";
  release(second);
  EXPECT_EQ(acquire(kOther), second);
  EXPECT_EQ(any_class(), 1u) << "1b: an EMPTY slot of any class, before an UNUSED one";
  release(second);
  release(first);
  EXPECT_EQ(pool_.retired(), 1u);
  EXPECT_EQ(acquire(kOther), first);
  EXPECT_EQ(cached(), 1u) << "3: from the SuperSlab cache, before a new mapping";
  EXPECT_EQ(mapped(), 1u);
  EXPECT_EQ(pool_.released(), 4u);
}

/// Museum 15: lists may hold slots of a SuperSlab that has been unmapped; nothing of it is handed out.
TEST_F(SharedPoolTest, StaleHintsAreHarmless) {
  const auto slabs = acquire(kSmall, 8);  // two SuperSlabs
  for (SlabT* slab : slabs) release(slab);
  EXPECT_EQ(pool_.retired(), 2u);
  EXPECT_EQ(pool_.trim(toy_.backend), 4096u);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(pool_.acquire_live(toy_.map, kSmall), nullptr) << "every hint leads to a retired SuperSlab";
  SlabT* fresh = acquire(kSmall);
  ASSERT_NE(fresh, nullptr);
  EXPECT_TRUE(toy_.memory.is_reserved(reinterpret_cast<void*>(fresh->base.get()), 1024));
}

/// D4, I3: the last release of a SuperSlab retires it, not an earlier one.
TEST_F(SharedPoolTest, RetiresWithTheLastReleaseExactlyOnce) {
  const auto slabs = acquire(kSmall, 4);
  for (std::size_t i = 0; i < 3; ++i) {
    release(slabs[i]);
    EXPECT_EQ(pool_.retired(), 0u);
  }
  release(slabs[3]);
  EXPECT_EQ(pool_.retired(), 1u);
  EXPECT_EQ(toy_.memory.reservations(), 1u) << "cached";
}

TEST_F(SharedPoolTest, WhatTheCacheCannotHoldIsUnmapped) {
  const auto slabs = acquire(kFourSlots, 3);
  for (SlabT* slab : slabs) release(slab);
  EXPECT_EQ(pool_.retired(), 3u);
  EXPECT_EQ(toy_.memory.reservations(), 1u);
  EXPECT_EQ(pool_.superslabs().unmapped(), 2u);
}

TEST_F(SharedPoolTest, RunsShareSuperSlabsWithSingleSlots) {
  SlabT* pair = acquire(kTwoSlots);
  SlabT* single = acquire(kSmall);
  SlabT* other = acquire(kOther);
  EXPECT_EQ(mapped(), 1u) << "D1: several classes live in one SuperSlab";
  EXPECT_EQ(single->base.get(), pair->base.get() + 2048);
  EXPECT_EQ(other->base.get(), pair->base.get() + 3072);
  SlabT* second_pair = acquire(kTwoSlots);
  EXPECT_EQ(mapped(), 2u);
  EXPECT_EQ(second_pair->superslab.get() == pair->superslab.get(), false);
}

/// A run may be made of EMPTY and UNUSED slots.
TEST_F(SharedPoolTest, RunOfMixedSlotsIsFoundBeforeMemoryIsMapped) {
  const auto singles = acquire(kSmall, 3);
  release(singles[2]);
  EXPECT_EQ(acquire(kTwoSlots), singles[2]) << "slot 2 was EMPTY, slot 3 UNUSED";
  EXPECT_EQ(mapped(), 1u);
}

/// D5, museum 14: sizes that drift from class to class reuse EMPTY slots and map nothing.
TEST_F(SharedPoolTest, EmptySlotsServeAnyClassBeforeANewMapping) {
  auto held = acquire(kSmall, 40);
  const auto superslabs = mapped();
  for (unsigned c = 0; c < Classes::kSmallCount; ++c) {
    for (std::size_t i = 0; i < held.size(); ++i) {
      if (i % 4 == 0) continue;  // each SuperSlab stays in use
      release(held[i]);
      held[i] = acquire(c);
      ASSERT_NE(held[i], nullptr);
    }
  }
  EXPECT_EQ(mapped(), superslabs);
  EXPECT_EQ(pool_.retired(), 0u);
}

TEST_F(SharedPoolTest, TrimGivesBackTheMemoryOfEmptySlotsOfALiveSuperSlab) {
  const auto slabs = acquire(kSmall, 4);
  auto* first = reinterpret_cast<char*>(slabs[0]->base.get());
  auto* last = reinterpret_cast<char*>(slabs[3]->base.get());
  *first = *last = 1;
  EXPECT_EQ(pool_.active_bytes(), 4 * kSlotBytes<ToyGeometry>);
  for (unsigned i : {0u, 1u, 3u}) release(slabs[i]);
  EXPECT_EQ(pool_.active_bytes(), kSlotBytes<ToyGeometry>);
  EXPECT_EQ(pool_.trim(toy_.backend), 3 * kSlotBytes<ToyGeometry>);
  EXPECT_TRUE(*first != 1 && *last != 1) << "what was there is lost";
  EXPECT_EQ(pool_.trim(toy_.backend), 0u) << "once is enough";
  const auto again = acquire(kSmall, 3);
  EXPECT_EQ(std::set<SlabT*>(again.begin(), again.end()), (std::set<SlabT*>{slabs[0], slabs[1], slabs[3]}));
  EXPECT_EQ(mapped(), 1u) << "they serve on";
}

/// Of pages of four slots the system takes back none whose other slots are in use.
TEST_F(SharedPoolTest, SlotsThatAreLessThanAPageAreNotZeroThoughTheyWereGivenBack) {
  (void)acquire(kSmall);  // so that the SuperSlab stays
  SlabT* slab = acquire(kSmall);
  EXPECT_TRUE(slab->fresh.get());
  release(slab);
  EXPECT_NE(pool_.trim(toy_.backend), 0u);
  EXPECT_EQ(acquire(kSmall), slab);
  EXPECT_FALSE(slab->fresh.get());
}

TEST_F(SharedPoolTest, MemoryOfSlotsThatStayEmptyGoesBackAtTheSecondLook) {
  const auto slabs = acquire(kSmall, 3);
  auto* early = reinterpret_cast<char*>(slabs[0]->base.get());
  auto* late = reinterpret_cast<char*>(slabs[1]->base.get());
  *early = *late = 1;
  release(slabs[0]);
  pool_.decommit_aged(toy_.backend);
  EXPECT_EQ(*early, 1) << "it has only just become EMPTY, for all that is known";
  release(slabs[1]);
  pool_.decommit_aged(toy_.backend);
  EXPECT_NE(*early, 1) << "what was there is lost";
  EXPECT_EQ(*late, 1);
  pool_.decommit_aged(toy_.backend);
  EXPECT_NE(*late, 1);
  EXPECT_EQ(pool_.trim(toy_.backend), 0u) << "nothing is left to give back";
}

/// D6, I7, museum 3 and 4: more than 256 EMPTY slots of a class and more than 512 slabs, and nothing is lost.
TEST_F(SharedPoolTest, ThousandsOfSlotsLoseNothing) {
  constexpr std::size_t kSlabs = 2400;
  auto slabs = acquire(kSmall, kSlabs);
  EXPECT_EQ(std::set<SlabT*>(slabs.begin(), slabs.end()).size(), kSlabs);
  EXPECT_EQ(mapped(), kSlabs / 4);
  std::size_t empty = 0;
  for (std::size_t i = 0; i < kSlabs; ++i) {
    if (i % 4 == 0) continue;
    release(slabs[i]);
    ++empty;
  }
  std::set<SlabT*> again;
  for (std::size_t i = 0; i < empty; ++i) again.insert(acquire(kSmall));
  EXPECT_EQ(again.size(), empty);
  EXPECT_EQ(same_class(), empty) << "every EMPTY slot was found by its class";
  EXPECT_EQ(mapped(), kSlabs / 4) << "nothing more was mapped";
  for (SlabT* slab : again) release(slab);
  for (std::size_t i = 0; i < kSlabs; i += 4) release(slabs[i]);
  EXPECT_EQ(pool_.retired(), kSlabs / 4);
  (void)pool_.trim(toy_.backend);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

/// Bounds and ages of retired SuperSlabs, by a clock that the test sets.
class SharedPoolAgingTest : public testing::Test {
 protected:
  using SlabC = Slab<ClockedConfig>;

  /// A whole SuperSlab comes and goes at a moment of the clock.
  void use_and_retire(std::uint64_t now) {
    ClockedOs::now = now;
    SlabC* slab = pool_.acquire_fresh(toy_.backend, kFourSlots);
    ASSERT_NE(slab, nullptr);
    slab->size_class.set(static_cast<std::uint16_t>(kFourSlots));
    pool_.release(toy_.backend, *slab);
  }
  std::uint64_t cached_at(std::uint64_t now) {
    ClockedOs::now = now;
    pool_.purge(toy_.backend);
    EXPECT_EQ(toy_.memory.reservations() * kSuperSlabBytes<ToyGeometry>, pool_.cached_bytes());
    return pool_.cached_bytes();
  }

  Surroundings<ClockedConfig> toy_;
  SharedPool<ClockedConfig> pool_;
};

TEST_F(SharedPoolAgingTest, PurgeUnmapsWhatHasWaitedLongerThanItsDelay) {
  pool_.set_purge_delay(100);
  use_and_retire(1000);
  EXPECT_EQ(cached_at(1000), 4096u);
  EXPECT_EQ(cached_at(1100), 4096u) << "not yet";
  EXPECT_EQ(cached_at(1101), 0u);
}

TEST_F(SharedPoolAgingTest, DelayOfZeroKeepsUntilTheClockHasMoved) {
  pool_.set_purge_delay(0);
  use_and_retire(1000);
  EXPECT_EQ(cached_at(1000), 4096u);
  EXPECT_EQ(cached_at(1001), 0u);
}

TEST_F(SharedPoolAgingTest, NegativeDelayKeepsForEver) {
  pool_.set_purge_delay(-1);
  use_and_retire(1000);
  EXPECT_EQ(cached_at(1'000'000), 4096u);
}

TEST_F(SharedPoolAgingTest, NothingIsTooOldWhileTheClockIsYoungerThanTheDelay) {
  pool_.set_purge_delay(5000);
  use_and_retire(1000);
  EXPECT_EQ(cached_at(2000), 4096u);
}

/// The bound counts whole SuperSlabs.
TEST_F(SharedPoolAgingTest, CacheBoundBelowASuperSlabKeepsNone) {
  pool_.set_cached_bytes(4095);
  use_and_retire(1000);
  EXPECT_EQ(pool_.cached_bytes(), 0u);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  pool_.set_cached_bytes(4096);
  use_and_retire(1000);
  EXPECT_EQ(pool_.cached_bytes(), 4096u);
}

/// Hears everything.
class ListeningOs : public TestOs<kToyBits> {
 public:
  using TestOs::TestOs;
  static bool wants(EventKind) noexcept { return true; }
  static void note(const Event& event) noexcept { heard.push_back(event); }
  static inline std::vector<Event> heard;
};

/// D8: what happens to slots can be followed by the events, each with its place.
class SharedPoolEventsTest : public testing::Test {
 protected:
  using ConfigL = Config<TestSync, ListeningOs, ToyGeometry>;
  using Kinds = std::vector<EventKind>;

  SharedPoolEventsTest() { ListeningOs::heard.clear(); }

  Slab<ConfigL>* acquire(unsigned size_class) {
    Slab<ConfigL>* slab = pool_.acquire_live(toy_.map, size_class);
    if (slab == nullptr) slab = pool_.acquire_fresh(toy_.backend, size_class);
    slab->size_class.set(static_cast<std::uint16_t>(size_class));
    return slab;
  }
  void release(Slab<ConfigL>* slab) { pool_.release(toy_.backend, *slab); }

  /// What was told since the last call, by kind.
  Kinds kinds() {
    Kinds all;
    for (const Event& event : ListeningOs::heard) all.push_back(event.kind);
    if (!ListeningOs::heard.empty()) last_ = ListeningOs::heard.back();
    ListeningOs::heard.clear();
    return all;
  }

  Surroundings<ConfigL> toy_;
  SharedPool<ConfigL> pool_;
  Event last_{};
};

TEST_F(SharedPoolEventsTest, AcquireTellsStageClassAndPlace) {
  auto* pair = acquire(kTwoSlots);
  const std::uintptr_t base = pair->superslab.get()->base.get();
  EXPECT_EQ(kinds(), Kinds{EventKind::kAcquire});
  EXPECT_STREQ(last_.detail, "mapped");
  EXPECT_EQ(last_.address, base);
  (void)acquire(kOther);
  EXPECT_EQ(kinds(), Kinds{EventKind::kAcquire});
  EXPECT_STREQ(last_.detail, "unused");
  EXPECT_EQ(last_.address, base);
  EXPECT_EQ(last_.size_class, kOther);
  EXPECT_EQ(last_.slot, 2u);
  EXPECT_EQ(last_.count, 1u);
}

TEST_F(SharedPoolEventsTest, ReleaseIsFollowedByAnOfferOrByRetirement) {
  auto* first = acquire(kSmall);
  auto* second = acquire(kOther);
  const std::uintptr_t base = first->superslab.get()->base.get();
  (void)kinds();
  release(second);
  EXPECT_EQ(kinds(), (Kinds{EventKind::kRelease, EventKind::kOffer}));
  EXPECT_EQ(last_.size_class, kOther);
  EXPECT_EQ(last_.address, base);
  EXPECT_EQ(last_.slot, 1u);
  EXPECT_EQ(last_.count, 1u);
  release(first);
  EXPECT_EQ(kinds(), (Kinds{EventKind::kRelease, EventKind::kRetire, EventKind::kSuperSlabPut}));
  EXPECT_EQ(last_.address, base);
  (void)acquire(kSmall);
  EXPECT_EQ(kinds(), (Kinds{EventKind::kSuperSlabTake, EventKind::kAcquire}));
  EXPECT_STREQ(last_.detail, "cached");
}

TEST_F(SharedPoolEventsTest, UnmapTellsItsReason) {
  auto* one = acquire(kFourSlots);
  auto* other = acquire(kFourSlots);
  const std::uintptr_t base = other->superslab.get()->base.get();
  release(one);
  (void)kinds();
  release(other);
  EXPECT_EQ(kinds(), (Kinds{EventKind::kRelease, EventKind::kRetire, EventKind::kSuperSlabUnmap}));
  EXPECT_STREQ(last_.detail, "full");
  EXPECT_EQ(last_.address, base);
  (void)pool_.trim(toy_.backend);
  EXPECT_EQ(kinds(), Kinds{EventKind::kSuperSlabUnmap});
  EXPECT_STREQ(last_.detail, "trim");
}

/// Who makes a full SuperSlab claimable must offer it: nobody else will find it.
TEST_F(SharedPoolTest, SlotOfAFullSuperSlabIsFoundByAnotherClass) {
  const auto slabs = acquire(kSmall, 4);
  EXPECT_EQ(pool_.acquire_live(toy_.map, kOther), nullptr) << "full, and forgotten";
  release(slabs[2]);
  EXPECT_EQ(acquire(kOther), slabs[2]);
  EXPECT_EQ(any_class(), 1u);
}

/// A run that fills its SuperSlab leaves nothing to be found.
TEST_F(SharedPoolTest, RunOfAllSlotsLeavesNothingForOthers) {
  ASSERT_NE(acquire(kFourSlots), nullptr);
  EXPECT_EQ(pool_.acquire_live(toy_.map, kSmall), nullptr);
}

TEST_F(SharedPoolTest, RefusedMappingGivesNothingAndChangesNothing) {
  toy_.memory.refuse(OsCall::kReserve);
  EXPECT_EQ(acquire(kSmall), nullptr);
  EXPECT_EQ(mapped() + cached() + unused(), 0u);
  EXPECT_NE(acquire(kSmall), nullptr);
}

/// I1, I3 with real threads: slots are exclusive, and SuperSlabs retire as often as they were brought to life.
TEST_F(SharedPoolTest, ThreadsNeverHoldTheSameSlots) {
  std::atomic<bool> exclusive{true};
  run_together(3, [&](unsigned thread) {
    std::vector<SlabT*> mine;
    for (unsigned i = 0; i < 1500; ++i) {
      const unsigned size_class = (i + thread) % 3 == 0 ? kTwoSlots : kSmall;
      SlabT* slab = acquire(size_class);
      auto* bytes = reinterpret_cast<volatile unsigned*>(slab->base.get());
      for (unsigned slot = 0; slot < slab->slots.get(); ++slot) bytes[slot * 256] = thread;
      mine.push_back(slab);
      if (i % 5 < 2) continue;
      std::swap(mine[i % mine.size()], mine.back());
      bytes = reinterpret_cast<volatile unsigned*>(mine.back()->base.get());
      for (unsigned slot = 0; slot < mine.back()->slots.get(); ++slot) {
        if (bytes[slot * 256] != thread) exclusive = false;
      }
      release(mine.back());
      mine.pop_back();
    }
    for (SlabT* slab : mine) release(slab);
  });
  EXPECT_TRUE(exclusive);
  EXPECT_EQ(pool_.retired(), mapped() + cached());
  (void)pool_.trim(toy_.backend);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

}  // namespace
}  // namespace hakmem::test
