/// The control laws by example, evaluated by the compiler where that says it best. What holds for every load is in
/// tests/property/control_law_property.cpp.

#include "learner/control_law.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hakmem::test {
namespace {

constexpr CapSettings kCaps;
constexpr WasteSettings kWaste;

constexpr CacheCounters with_hit_rate(double rate) {
  constexpr std::uint64_t kSamples = 1'000'000;
  const auto hits = static_cast<std::uint64_t>(rate * kSamples);
  return {.hits = hits, .misses = kSamples - hits, .asked_bytes = hits, .served_bytes = hits};
}

constexpr CapState after(CapState state, double rate, unsigned windows) {
  for (unsigned i = 0; i < windows; ++i) state = next_cap(state, with_hit_rate(rate), kCaps);
  return state;
}

TEST(CapLaw, MovesByAStepAfterTheDwellTime) {
  static_assert(after(start_cap(100, kCaps), 0.5, 2).cap == 100);
  static_assert(after(start_cap(100, kCaps), 0.5, 3).cap == 104);
  static_assert(after(start_cap(100, kCaps), 0.8, 3).cap == 96);
}

TEST(CapLaw, StaysInsideTheTolerance) {
  static_assert(after(start_cap(100, kCaps), 0.62, 30).cap == 100);
  static_assert(after(start_cap(100, kCaps), 0.65, 30).cap == 100);
  static_assert(after(start_cap(100, kCaps), 0.68, 30).cap == 100);
}

TEST(CapLaw, StepsGrowUntilTheTargetIsBehind) {
  CapState state = start_cap(100, kCaps);
  std::vector<std::uint32_t> caps;
  for (const double rate : {0.1, 0.2, 0.3, 0.9, 0.9}) {
    state = after(state, rate, kCaps.dwell);
    caps.push_back(state.cap);
  }
  EXPECT_EQ(caps, (std::vector<std::uint32_t>{104, 120, 184, 152, 136})) << "steps of 4, 16, 64, then halves back";
}

TEST(CacheCounters, AddUpMemberByMember) {
  CacheCounters sum{.hits = 1, .misses = 2, .asked_bytes = 3, .served_bytes = 4};
  sum += {.hits = 10, .misses = 20, .asked_bytes = 30, .served_bytes = 40};
  EXPECT_EQ(sum.hits, 11u);
  EXPECT_EQ(sum.misses, 22u);
  EXPECT_EQ(sum.asked_bytes, 33u);
  EXPECT_EQ(sum.served_bytes, 44u);
}

TEST(CapLaw, FirstWindowAfterAChangeIsNotEvidence) {
  CapState state = after(start_cap(100, kCaps), 0.5, 3);
  ASSERT_EQ(state.cap, 104u);
  state = after(state, 0.0, 1);
  state = after(state, 0.65, 2);
  EXPECT_EQ(state.cap, 104u);
}

TEST(CapLaw, BringsAnyStartWithinItsBounds) {
  static_assert(start_cap(0, kCaps).cap == kCaps.min);
  static_assert(start_cap(1u << 31, kCaps).cap == kCaps.max);
}

/// Three deviations, and not one sample less.
TEST(CapLaw, ChanceExplainsWhatLiesWithinThreeDeviations) {
  static_assert(!significant(3, 1, 1) && significant(3.001, 1, 1));
  static_assert(!significant(0.3, 99, 1) && significant(0.3, 101, 1));
  static_assert(!significant(-1, 1e9, 1) && !significant(0, 1e9, 0.25));
}

TEST(CapLaw, WindowsAreCountedFromTheLeastNumberOfSamples) {
  constexpr auto evidence_of = [](std::uint64_t samples) {
    return next_cap(start_cap(100, kCaps), {.hits = samples}, kCaps).evidence.samples;
  };
  static_assert(evidence_of(255) == 0 && evidence_of(256) == 256);
  constexpr CapSettings kAnyCount{.min_samples = 0};
  static_assert(next_cap(start_cap(100, kAnyCount), {}, kAnyCount).windows == 0);
}

/// The target lies between two caps: the search halves its way, ends on the larger one, and stays.
TEST(CapLaw, SearchEndsOnTheSmallestCapThatServesTheTarget) {
  CapState state = start_cap(100, kCaps);
  std::vector<std::uint32_t> caps;
  for (int i = 0; i < 14; ++i) {
    state = after(state, state.cap >= 150 ? 0.9 : 0.1, kCaps.dwell);
    caps.push_back(state.cap);
  }
  EXPECT_EQ(caps, (std::vector<std::uint32_t>{104, 120, 184, 152, 136, 144, 148, 152, 152, 152, 152, 152, 152, 152}));
  EXPECT_TRUE(state.settled);
  EXPECT_EQ(after(state, 0.9 - 0.02, kCaps.dwell).cap, 152u) << "chance, and what lies within the tolerance";
  EXPECT_NE(after(state, 0.75, kCaps.dwell).cap, 152u) << "another load: the search begins again";
  EXPECT_GT(after(state, 0.1, kCaps.dwell).cap, 152u);
}

TEST(CapLaw, SettingsThatMakeNoSenseAreInvalid) {
  static_assert(kCaps.valid());
  static_assert(!CapSettings{.target = 1}.valid() && !CapSettings{.target = 0}.valid());
  static_assert(!CapSettings{.tolerance = 0}.valid());
  static_assert(!CapSettings{.step = 0}.valid());
  static_assert(!CapSettings{.min = 9, .max = 8}.valid());
  static_assert(!CapSettings{.dwell = 0}.valid());
  static_assert(!CapSettings{.tolerance = 1}.valid());
  static_assert(CapSettings{.min = 8, .max = 8}.valid());
  static_assert(CapSettings{.max = 1u << 24}.valid() && !CapSettings{.max = (1u << 24) + 1}.valid());
}

TEST(WasteLaw, ScoreCountsHitsByTheShareThatWasAskedFor) {
  Evidence evidence;
  evidence.add({.hits = 60, .misses = 40, .asked_bytes = 75, .served_bytes = 100});
  EXPECT_DOUBLE_EQ(evidence.hit_rate(), 0.6);
  EXPECT_DOUBLE_EQ(evidence.waste(), 0.25);
  EXPECT_DOUBLE_EQ(evidence.score(), 0.45);
  EXPECT_EQ(Evidence{}.score(), 0);
}

TEST(WasteLaw, RivalIsInForceForItsTrialOnly) {
  WasteState state;
  std::vector<unsigned> in_force;
  for (unsigned i = 0; i < 40; ++i) {
    in_force.push_back(state.in_force());
    state = next_waste(state, with_hit_rate(0.5), kWaste);
  }
  std::vector<unsigned> expected(40, 0u);
  std::fill_n(expected.begin() + 25, 5, 1u);  // after a rest of 4 trials and the first reading
  EXPECT_EQ(in_force, expected);
}

TEST(WasteLaw, WithoutARivalThereIsNoTrial) {
  WasteSettings one = kWaste;
  one.count = 1;
  WasteState state;
  for (unsigned i = 0; i < 100; ++i) state = next_waste(state, with_hit_rate(0.5), one);
  EXPECT_EQ(state, WasteState{});
}

TEST(WasteLaw, TrialsBecomeRareWhenNothingIsFound) {
  WasteState state;
  unsigned on_trial = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    state = next_waste(state, with_hit_rate(0.5), kWaste);
    on_trial += state.in_force() != state.adopted ? 1u : 0u;
  }
  EXPECT_GT(on_trial, 0u);
  EXPECT_LT(on_trial, 20'000u / 50);
}

TEST(WasteLaw, WindowsAreCountedFromTheLeastNumberOfSamples) {
  constexpr auto windows_after = [](std::uint64_t samples) {
    return next_waste(WasteState{}, {.hits = samples}, kWaste).windows;
  };
  static_assert(windows_after(255) == 0 && windows_after(256) == 1);
}

/// Blocks that the other value has let in are still there.
TEST(WasteLaw, FirstWindowOfATrialIsNotEvidence) {
  WasteState state;
  for (unsigned i = 0; i < 100 && state.stage != TrialStage::kCanary; ++i) {
    state = next_waste(state, with_hit_rate(0.5), kWaste);
  }
  state = next_waste(state, with_hit_rate(0.1), kWaste);
  EXPECT_EQ(state.canary, Evidence{});
  state = next_waste(state, with_hit_rate(0.9), kWaste);
  EXPECT_DOUBLE_EQ(state.canary.hit_rate(), 0.9);
}

/// The state after the next trial, where each candidate has a hit rate of its own.
WasteState after_a_trial(WasteState state, const std::vector<double>& rates) {
  bool tried = false;
  for (unsigned i = 0; i < 1000 && !(tried && state.stage == TrialStage::kRest); ++i) {
    state = next_waste(state, with_hit_rate(rates[state.in_force()]), kWaste);
    tried = tried || state.measuring();
  }
  return state;
}

TEST(WasteLaw, RivalsTakeTurnsAndRestsGrowAfterARoundOfThem) {
  const std::vector<double> all_alike(4, 0.5);
  WasteState state;
  for (const unsigned rejections : {1u, 2u, 3u}) {
    EXPECT_EQ(std::max(state.rest, 4u), 4u);
    state = after_a_trial(state, all_alike);
    EXPECT_EQ(state.adopted, 0u);
    EXPECT_EQ(state.rejections, rejections);
    EXPECT_EQ(state.rival, rejections == 3 ? 1u : rejections + 1) << "never the one that is adopted";
  }
  EXPECT_EQ(state.rest, 8u);
}

TEST(WasteLaw, RivalThatWinsTakesOverAndRestsAreShortAgain) {
  WasteState state;
  for (int i = 0; i < 3; ++i) state = after_a_trial(state, {0.5, 0.5, 0.5, 0.5});
  state = after_a_trial(state, {0.5, 0.9, 0.5, 0.5});
  EXPECT_EQ(state.adopted, 1u);
  EXPECT_EQ(state.rejections, 0u);
  EXPECT_EQ(state.rest, 4u);
  EXPECT_EQ(state.rival, 2u);
}

TEST(WasteLaw, SettingsThatMakeNoSenseAreInvalid) {
  static_assert(kWaste.valid());
  static_assert(!WasteSettings{.candidates = {1.4, 0.9}, .count = 2}.valid());
  static_assert(!WasteSettings{.count = 0}.valid() && !WasteSettings{.count = 9}.valid());
  static_assert(!WasteSettings{.trial = 1}.valid());
  static_assert(!WasteSettings{.adopt = 0}.valid());
  static_assert(WasteSettings{.candidates = {1}, .count = 1}.valid());
  static_assert(WasteSettings{.candidates = {1, 1, 1, 1, 1, 1, 1, 1}, .count = 8}.valid());
  static_assert(WasteSettings{.trial = 2}.valid() && WasteSettings{.trial = 1000}.valid());
  static_assert(!WasteSettings{.trial = 1001}.valid());
}

}  // namespace
}  // namespace hakmem::test
