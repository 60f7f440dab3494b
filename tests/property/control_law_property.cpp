/// The learner's laws against simulated caches (E3, E4). Every property is a statement about a law, so that laws with
/// the faults that controllers are known for can be put in its place and must be refuted.

#include "learner/control_law.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ostream>
#include <random>
#include <vector>

#include "support/draw.hpp"
#include "support/property.hpp"

namespace hakmem::test {
namespace {

// Caps: a simulated cache ---------------------------------------------------------------------------------------------

/// A cache whose hit rate grows with its cap, gradually or at once, as working sets do.
struct Load {
  unsigned bottom = 0;  ///< hit rate of an empty cache, in percent
  unsigned top = 100;   ///< of a full one
  unsigned full = 100;  ///< smallest cap that serves all there is
  bool cliff = false;   ///< nothing is gained before that

  [[nodiscard]] double hit_rate(std::uint32_t cap) const {
    const double share = cap >= full ? 1.0 : cliff ? 0.0 : static_cast<double>(cap) / full;
    return (bottom + (top - bottom) * share) / 100;
  }
};

std::ostream& operator<<(std::ostream& out, const Load& load) {
  return out << load.bottom << " to " << load.top << " % at " << load.full << (load.cliff ? " at once" : "");
}

Load make_load() {
  Load load;
  load.bottom = draw::in_range(0u, 90u);
  load.top = draw::in_range(load.bottom, 101u);
  load.full = draw::in_range(1u, 4000u);
  load.cliff = draw::boolean();
  return load;
}

Load any_load() { return *rc::gen::exec(make_load); }

/// Within the ranges of the options.
CapSettings any_settings() {
  CapSettings settings;
  settings.target = draw::in_range(50, 91) / 100.0;
  settings.step = draw::in_range(1u, 17u);
  settings.min = draw::in_range(4u, 65u);
  settings.max = draw::in_range(128u, 4097u);
  settings.dwell = draw::in_range(1u, 11u);
  settings.min_samples = draw::in_range(64u, 1025u);
  return settings;
}

constexpr std::uint64_t kManySamples = 1'000'000'000;

CacheCounters exact_window(const Load& load, std::uint32_t cap) {
  CacheCounters window;
  window.hits = static_cast<std::uint64_t>(load.hit_rate(cap) * static_cast<double>(kManySamples));
  window.misses = kManySamples - window.hits;
  return window;
}

/// The cap in force in each window, and after the last.
template <class Law>
std::vector<std::uint32_t> caps_over(const Load& load, std::uint32_t start, const CapSettings& settings,
                                     unsigned windows) {
  CapState state = start_cap(start, settings);
  std::vector<std::uint32_t> caps{state.cap};
  for (unsigned i = 0; i < windows; ++i) {
    state = Law::next(state, exact_window(load, state.cap), settings);
    caps.push_back(state.cap);
  }
  return caps;
}

/// Whether no smaller cap, a step or more away, meets the target, and this one does if any can.
bool is_right(const Load& load, std::uint32_t cap, const CapSettings& settings) {
  constexpr double kChance = 1e-4;  // of kManySamples
  const double lowest = settings.target - settings.tolerance - kChance;
  const double highest = settings.target + settings.tolerance + kChance;
  const double rate = load.hit_rate(cap);
  if (rate < lowest) return cap == settings.max;
  const std::uint32_t neighbour = std::max(settings.min, cap - std::min(cap, settings.step));
  return rate <= highest || cap == settings.min || load.hit_rate(neighbour) < lowest + 2 * kChance;
}

/// Moves that a search needs at the most: growing steps to the target, halves back to it, a look at both neighbours.
unsigned most_moves(const CapSettings& settings) {
  unsigned moves = 4;
  std::uint64_t reach = settings.step;
  for (std::uint64_t step = settings.step; reach < settings.max - settings.min; ++moves) reach += step *= 4;
  for (std::uint64_t width = settings.max - settings.min; width > settings.step; ++moves) width = (width + 1) / 2;
  return moves;
}

struct ShippingCapLaw {
  static CapState next(const CapState& state, const CacheCounters& window, const CapSettings& settings) {
    return next_cap(state, window, settings);
  }
};

template <class Law>
auto stays_within_bounds() {
  return [] {
    const CapSettings settings = any_settings();
    CapState state = start_cap(static_cast<std::uint32_t>(draw::number()), settings);
    const std::vector<std::uint64_t> counts = draw::numbers();
    for (std::size_t window = 0; window + 1 < counts.size(); window += 2) {
      const std::uint64_t hits = counts[window];
      const std::uint64_t misses = counts[window + 1];
      for (unsigned i = 0; i < settings.dwell; ++i) {
        state = Law::next(state, {.hits = hits, .misses = misses}, settings);
        RC_ASSERT(state.cap >= settings.min && state.cap <= settings.max);
      }
    }
  };
}

template <class Law>
auto converges_and_stays() {
  return [] {
    const Load load = any_load();
    const CapSettings settings = any_settings();
    const unsigned start = draw::in_range(0u, 5000u);
    const unsigned search = settings.dwell * most_moves(settings);
    const auto caps = caps_over<Law>(load, start, settings, search + 200);
    const bool settled = std::all_of(caps.begin() + search, caps.end(), [&](auto cap) { return cap == caps[search]; });
    RC_ASSERT(settled);
    const bool cap_is_right = is_right(load, caps.back(), settings);
    RC_ASSERT(cap_is_right);
  };
}

template <class Law>
auto converges_within_60_windows() {
  return [] {
    const Load load = any_load();
    const CapSettings settings;
    const auto caps = caps_over<Law>(load, draw::in_range(settings.min, settings.max + 1), settings, 60);
    const bool converged_within_60_windows = is_right(load, caps.back(), settings);
    RC_ASSERT(converged_within_60_windows);
  };
}

/// A second load begins before or after the search for the first has ended.
template <class Law>
auto follows_a_change() {
  return [] {
    const CapSettings settings;
    const Load loads[] = {any_load(), any_load()};
    CapState state = start_cap(draw::in_range(settings.min, settings.max + 1), settings);
    const unsigned change = draw::in_range(0u, 120u);
    for (unsigned i = 0; i < change + 90; ++i) {
      const Load& load = loads[i < change ? 0 : 1];
      if (i == change && state.high != CapState::kNone) {
        // Nobody can see a change that leaves the hit rate as it was where the search has ended or is about to end.
        RC_PRE(std::abs(loads[1].hit_rate(state.high) - state.high_rate) > settings.tolerance + 0.001);
      }
      state = Law::next(state, exact_window(load, state.cap), settings);
    }
    const bool follows = is_right(loads[1], state.cap, settings);
    RC_ASSERT(follows);
  };
}

template <class Law>
auto dwells() {
  return [] {
    const CapSettings settings = any_settings();
    CapState state = start_cap(draw::in_range(0u, 5000u), settings);
    unsigned since_change = 0;
    for (const bool hit : draw::booleans(100)) {
      const CapState next = Law::next(state, {.hits = hit ? 10'000u : 0u, .misses = hit ? 0u : 10'000u}, settings);
      ++since_change;
      if (next.cap != state.cap) {
        RC_ASSERT(since_change >= settings.dwell);
        since_change = 0;
      }
      state = next;
    }
  };
}

template <class Law>
auto needs_samples() {
  return [] {
    const CapSettings settings = any_settings();
    CapState state = start_cap(draw::in_range(0u, 5000u), settings);
    for (unsigned i = 0; i < draw::in_range(0u, 20u); ++i) {
      state = Law::next(state, {.hits = draw::in_range(0u, 5000u), .misses = 5000}, settings);
    }
    const CapState before = state;
    for (unsigned i = 0; i < 3 * settings.dwell; ++i) {
      const std::uint64_t samples = draw::in_range<std::uint64_t>(0, settings.min_samples);
      const std::uint64_t hits = draw::in_range<std::uint64_t>(0, samples + 1);
      state = Law::next(state, {.hits = hits, .misses = samples - hits}, settings);
    }
    RC_ASSERT(state == before);
  };
}

/// Hits by chance, as few samples as are accepted, a load that meets the target at some cap.
template <class Law>
auto ignores_chance() {
  return [] {
    const CapSettings settings;
    const unsigned kind = draw::in_range(0u, 1u << 30);
    const auto per_window = draw::in_range<std::uint64_t>(settings.min_samples, 4096);
    std::mt19937_64 random(kind);
    CapState state = start_cap(100, settings);
    unsigned changes = 0;
    for (unsigned i = 0; i < 600; ++i) {
      const auto hits = std::binomial_distribution<std::uint64_t>(per_window, settings.target)(random);
      const CapState next = Law::next(state, {.hits = hits, .misses = per_window - hits}, settings);
      changes += next.cap != state.cap ? 1 : 0;
      state = next;
    }
    RC_ASSERT(changes <= 2u);
  };
}

TEST(CapLawProperty, StaysWithinBoundsWhateverTheCounters) {
  EXPECT_TRUE(holds(stays_within_bounds<ShippingCapLaw>(), 20));
}

TEST(CapLawProperty, ConvergesToTheRightCapAndStaysThere) {
  EXPECT_TRUE(holds(converges_and_stays<ShippingCapLaw>(), 100));
}

TEST(CapLawProperty, ConvergesWithin60WindowsByDefault) {
  EXPECT_TRUE(holds(converges_within_60_windows<ShippingCapLaw>(), 100));
}

TEST(CapLawProperty, FollowsALoadThatChanges) { EXPECT_TRUE(holds(follows_a_change<ShippingCapLaw>(), 100)); }

TEST(CapLawProperty, LeavesACapInForceForItsDwellTime) { EXPECT_TRUE(holds(dwells<ShippingCapLaw>(), 20)); }

TEST(CapLawProperty, TooFewSamplesChangeNothing) { EXPECT_TRUE(holds(needs_samples<ShippingCapLaw>(), 10)); }

TEST(CapLawProperty, ChanceMovesNoCap) { EXPECT_TRUE(holds(ignores_chance<ShippingCapLaw>())); }

// Caps: laws with faults ----------------------------------------------------------------------------------------------

struct KnowsNoBounds {
  static CapState next(const CapState& state, const CacheCounters& window, CapSettings settings) {
    settings.min = 1;
    settings.max *= 2;
    return next_cap(state, window, settings);
  }
};

/// A step up or down after each dwell time, and no memory: to and fro where no cap meets the target.
struct StepsForEver {
  static CapState next(const CapState& state, const CacheCounters& window, const CapSettings& settings) {
    CapState next = next_cap(state, window, settings);
    next.low = next.high = CapState::kNone;
    next.settled = false;
    next.step = 0;
    return next;
  }
};

struct TrustsOldEvidence {
  static CapState next(const CapState& state, const CacheCounters& window, const CapSettings& settings) {
    CapState next = next_cap(state, window, settings);
    const bool bracket = next.low != CapState::kNone && next.high != CapState::kNone;
    if (!bracket || next.high - next.low > settings.step) return next;
    next.cap = next.high;
    next.settled = true;
    return next;
  }
};

struct NeverLooksAgain {
  static CapState next(CapState state, const CacheCounters& window, const CapSettings& settings) {
    return state.settled ? state : next_cap(state, window, settings);
  }
};

struct Impatient {
  static CapState next(const CapState& state, const CacheCounters& window, CapSettings settings) {
    settings.dwell = settings.dwell - (settings.dwell > 1 ? 1 : 0);
    return next_cap(state, window, settings);
  }
};

struct TakesAnySample {
  static CapState next(const CapState& state, const CacheCounters& window, CapSettings settings) {
    settings.min_samples = 0;
    return next_cap(state, window, settings);
  }
};

struct TakesChanceForTruth {
  static CapState next(const CapState& state, CacheCounters window, const CapSettings& settings) {
    window.hits *= 1'000'000;
    window.misses *= 1'000'000;
    return next_cap(state, window, settings);
  }
};

TEST(CapLawProperty, RefutesPlantedFaults) {
  EXPECT_TRUE(is_refuted(stays_within_bounds<KnowsNoBounds>(), "settings.min", 8));
  EXPECT_TRUE(is_refuted(converges_and_stays<StepsForEver>(), "settled", 8));
  EXPECT_TRUE(is_refuted(converges_within_60_windows<StepsForEver>(), "converged_within_60_windows", 8));
  EXPECT_TRUE(is_refuted(follows_a_change<TrustsOldEvidence>(), "follows", 8));
  EXPECT_TRUE(is_refuted(follows_a_change<NeverLooksAgain>(), "follows", 8));
  EXPECT_TRUE(is_refuted(dwells<Impatient>(), "settings.dwell", 8));
  EXPECT_TRUE(is_refuted(needs_samples<TakesAnySample>(), "before", 8));
  EXPECT_TRUE(is_refuted(ignores_chance<TakesChanceForTruth>(), "changes", 8));
}

// W_MAX: a cache whose hits and waste depend on the value in force ----------------------------------------------------

/// In thousandths.
struct Outcome {
  unsigned hits = 500;
  unsigned waste = 0;

  [[nodiscard]] double score() const { return hits / 1000.0 * (1 - waste / 1000.0); }

  [[nodiscard]] CacheCounters window() const {
    return {.hits = kManySamples / 1000 * hits,
            .misses = kManySamples / 1000 * (1000 - hits),
            .asked_bytes = kManySamples / 1000 * (1000 - waste),
            .served_bytes = kManySamples};
  }
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.hits << "/1000 hits, " << outcome.waste << "/1000 waste";
}

Outcome make_outcome() {
  Outcome outcome;
  outcome.hits = draw::in_range(100u, 1001u);
  outcome.waste = draw::in_range(0u, 500u);
  return outcome;
}

Outcome any_outcome() { return *rc::gen::exec(make_outcome); }

constexpr double kChanceOfScores = 1e-3;  // more than chance explains among kManySamples

struct ShippingWasteLaw {
  static WasteState next(const WasteState& state, const CacheCounters& window, const WasteSettings& settings) {
    return next_waste(state, window, settings);
  }
};

/// Runs until a trial is over; the outcome of each window is that of the value in force.
template <class Law, class Outcomes>
WasteState after_one_trial(WasteState state, const Outcomes& outcomes, const WasteSettings& settings) {
  const auto over = [](const WasteState& was, const WasteState& is) { return was.measuring() && !is.measuring(); };
  for (unsigned i = 0; i < 100'000; ++i) {
    const WasteState next = Law::next(state, outcomes[state.in_force()].window(), settings);
    if (over(state, next)) return next;
    state = next;
  }
  return state;
}

template <class Law>
auto adopts_what_is_better_by_the_threshold() {
  return [] {
    WasteSettings settings;
    settings.count = 2;
    settings.adopt = draw::in_range(5, 51) / 1000.0;
    settings.confirm = draw::boolean();
    settings.trial = draw::in_range(3u, 16u);
    const std::array outcomes{any_outcome(), any_outcome()};
    const double bound = outcomes[0].score() * (1 + settings.adopt);
    RC_PRE(std::abs(outcomes[1].score() - bound) > kChanceOfScores);

    const WasteState state = after_one_trial<Law>({}, outcomes, settings);
    RC_ASSERT(!state.measuring());
    const bool better = outcomes[1].score() > bound;
    const bool adopted = state.adopted == 1;
    RC_ASSERT(adopted == better);
    RC_ASSERT(state.in_force() == state.adopted);
  };
}

/// On a steady load the trials end at a value that none beats by the threshold, and never leave it.
template <class Law>
auto ends_with_the_best() {
  return [] {
    const WasteSettings settings;
    const std::array outcomes{any_outcome(), any_outcome(), any_outcome(), any_outcome()};
    WasteState state;
    for (unsigned trial = 0; trial < 20; ++trial) state = after_one_trial<Law>(state, outcomes, settings);
    const unsigned adopted = state.adopted;
    const bool good = std::all_of(outcomes.begin(), outcomes.end(), [&](const Outcome& other) {
      return other.score() <= outcomes[adopted].score() * (1 + settings.adopt) + kChanceOfScores;
    });
    RC_ASSERT(good);
    for (unsigned trial = 0; trial < 20; ++trial) state = after_one_trial<Law>(state, outcomes, settings);
    RC_ASSERT(state.adopted == adopted);
  };
}

/// A load that gets better for every value while a rival is on trial says nothing of the rival.
template <class Law>
auto drift_adopts_nothing() {
  return [] {
    WasteSettings settings;
    settings.count = 2;
    Outcome outcome = any_outcome();
    RC_PRE(outcome.hits < 800u);
    const unsigned gain = draw::in_range(50u, 200u);
    WasteState state;
    for (unsigned i = 0; i < 200; ++i) {
      const bool on_trial = state.in_force() == 1;
      state = Law::next(state, outcome.window(), settings);
      if (!on_trial && state.in_force() == 1) outcome.hits = std::min(outcome.hits + gain, 1000u);
    }
    RC_ASSERT(state.adopted == 0u);
  };
}

/// All values are equally good; hits come by chance, and few of them. Three deviations are exceeded now and then: one
/// adoption in a case is chance, more are a fault.
template <class Law>
auto chance_adopts_hardly_anything() {
  return [] {
    const WasteSettings settings;
    const auto per_window = draw::in_range<std::uint64_t>(settings.min_samples, 4096);
    std::mt19937_64 random(draw::in_range(0u, 1u << 30));
    WasteState state;
    unsigned adoptions = 0;
    for (unsigned i = 0; i < 2000; ++i) {
      const auto hits = std::binomial_distribution<std::uint64_t>(per_window, 0.65)(random);
      const WasteState next = Law::next(state, {.hits = hits, .misses = per_window - hits}, settings);
      adoptions += next.adopted != state.adopted ? 1 : 0;
      state = next;
    }
    RC_ASSERT(adoptions <= 1u);
  };
}

template <class Law>
auto waste_needs_samples() {
  return [] {
    const WasteSettings settings;
    WasteState state;
    for (unsigned i = 0; i < draw::in_range(0u, 40u); ++i) state = Law::next(state, Outcome{}.window(), settings);
    const WasteState before = state;
    for (unsigned i = 0; i < 20; ++i) {
      const std::uint64_t hits = draw::in_range<std::uint64_t>(0, settings.min_samples);
      state = Law::next(state, {.hits = hits, .asked_bytes = hits, .served_bytes = 2 * hits}, settings);
    }
    RC_ASSERT(state == before);
  };
}

TEST(WasteLawProperty, AdoptsOnlyWhatIsBetterByTheThreshold) {
  EXPECT_TRUE(holds(adopts_what_is_better_by_the_threshold<ShippingWasteLaw>(), 20));
}

TEST(WasteLawProperty, EndsWithAValueThatNoneBeatsAndStays) {
  EXPECT_TRUE(holds(ends_with_the_best<ShippingWasteLaw>()));
}

TEST(WasteLawProperty, DriftOfTheLoadAdoptsNothing) {
  EXPECT_TRUE(holds(drift_adopts_nothing<ShippingWasteLaw>(), 10));
}

TEST(WasteLawProperty, ChanceAdoptsHardlyAnything) {
  EXPECT_TRUE(holds(chance_adopts_hardly_anything<ShippingWasteLaw>()));
}

TEST(WasteLawProperty, TooFewSamplesChangeNothing) { EXPECT_TRUE(holds(waste_needs_samples<ShippingWasteLaw>(), 10)); }

// W_MAX: laws with faults ---------------------------------------------------------------------------------------------

struct KeepsEveryRival {
  static WasteState next(const WasteState& state, const CacheCounters& window, const WasteSettings& settings) {
    WasteState next = next_waste(state, window, settings);
    if (state.measuring() && !next.measuring()) next.adopted = state.rival;
    return next;
  }
};

struct KeepsNoRival {
  static WasteState next(const WasteState& state, const CacheCounters& window, const WasteSettings& settings) {
    WasteState next = next_waste(state, window, settings);
    next.adopted = state.adopted;
    return next;
  }
};

struct HasNoThreshold {
  static WasteState next(const WasteState& state, const CacheCounters& window, WasteSettings settings) {
    settings.adopt = 1e-9;
    return next_waste(state, window, settings);
  }
};

struct CountsHitsAlone {
  static WasteState next(const WasteState& state, CacheCounters window, const WasteSettings& settings) {
    window.served_bytes = window.asked_bytes;
    return next_waste(state, window, settings);
  }
};

struct ReadsThePresentValueOnce {
  static WasteState next(const WasteState& state, const CacheCounters& window, WasteSettings settings) {
    settings.confirm = false;
    return next_waste(state, window, settings);
  }
};

struct TakesChanceForWorth {
  static WasteState next(const WasteState& state, CacheCounters window, const WasteSettings& settings) {
    window.hits *= 1'000'000;
    window.misses *= 1'000'000;
    return next_waste(state, window, settings);
  }
};

struct TakesAnySampleOfWaste {
  static WasteState next(const WasteState& state, const CacheCounters& window, WasteSettings settings) {
    settings.min_samples = 0;
    return next_waste(state, window, settings);
  }
};

TEST(WasteLawProperty, RefutesPlantedFaults) {
  EXPECT_TRUE(is_refuted(adopts_what_is_better_by_the_threshold<KeepsEveryRival>(), "adopted == better", 8));
  EXPECT_TRUE(is_refuted(adopts_what_is_better_by_the_threshold<KeepsNoRival>(), "adopted == better", 8));
  EXPECT_TRUE(is_refuted(adopts_what_is_better_by_the_threshold<HasNoThreshold>(), "adopted == better", 8));
  EXPECT_TRUE(is_refuted(adopts_what_is_better_by_the_threshold<CountsHitsAlone>(), "adopted == better", 8));
  EXPECT_TRUE(is_refuted(ends_with_the_best<KeepsEveryRival>(), "good", 8));
  EXPECT_TRUE(is_refuted(drift_adopts_nothing<ReadsThePresentValueOnce>(), "state.adopted", 8));
  EXPECT_TRUE(is_refuted(chance_adopts_hardly_anything<TakesChanceForWorth>(), "adoptions", 8));
  EXPECT_TRUE(is_refuted(waste_needs_samples<TakesAnySampleOfWaste>(), "before", 8));
}

}  // namespace
}  // namespace hakmem::test
