#pragma once
/// Floor 6. The laws by which the learner sets its values, as pure functions: state and counters of one window in,
/// state out. No clock, no shared state, no memory: everything here can be evaluated by the compiler.

#include <algorithm>
#include <array>
#include <cstdint>

namespace hakmem {

/// What a cache did: in one window, or since its start. The laws accept any values.
struct CacheCounters {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t asked_bytes = 0;   ///< of the blocks served
  std::uint64_t served_bytes = 0;  ///< the same blocks' true sizes, at least what was asked

  /// Samples as a real number: the sum of two counters may be no std::uint64_t.
  [[nodiscard]] constexpr double samples() const noexcept {
    return static_cast<double>(hits) + static_cast<double>(misses);
  }

  constexpr CacheCounters& operator+=(const CacheCounters& other) noexcept {
    hits += other.hits;
    misses += other.misses;
    asked_bytes += other.asked_bytes;
    served_bytes += other.served_bytes;
    return *this;
  }
};

/// Shares of hits and of waste, gathered over windows as real numbers, so that no counters overflow them.
struct Evidence {
  double samples = 0;
  double hits = 0;
  double asked = 0;
  double served = 0;

  constexpr void add(const CacheCounters& window) noexcept {
    samples += window.samples();
    hits += static_cast<double>(window.hits);
    asked += static_cast<double>(window.asked_bytes);
    served += static_cast<double>(window.served_bytes);
  }

  /// 0 … 1; 0 without samples.
  [[nodiscard]] constexpr double hit_rate() const noexcept { return samples > 0 ? hits / samples : 0; }

  /// Share of the served bytes that nobody asked for: 0 … 1.
  [[nodiscard]] constexpr double waste() const noexcept { return asked < served ? 1 - asked / served : 0; }

  /// What W_MAX is judged by, 0 … 1: a hit counts for the share of its block that was asked for.
  [[nodiscard]] constexpr double score() const noexcept { return hit_rate() * (1 - waste()); }

  constexpr bool operator==(const Evidence&) const noexcept = default;
};

/// Whether a share measured on `samples` lies beyond a bound by more than chance explains. The square stands for a
/// root, which the compiler cannot evaluate.
/// \param excess measured share less the bound; negative or 0 is never significant
/// \param variance of a single sample
[[nodiscard]] constexpr bool significant(double excess, double samples, double variance) noexcept {
  constexpr double kDeviations = 3;
  return excess > 0 && excess * excess * samples > kDeviations * kDeviations * variance;
}

// Caps: how many blocks a class may keep ------------------------------------------------------------------------------

struct CapSettings {
  double target = 0.65;             ///< hit rate aimed at, 0 … 1 exclusive
  double tolerance = 0.03;          ///< either side of the target
  std::uint32_t step = 4;           ///< blocks; also how near to the best cap the search ends
  std::uint32_t min = 8;            ///< blocks
  std::uint32_t max = 2048;         ///< blocks
  std::uint32_t dwell = 3;          ///< windows that a cap stays at the least
  std::uint64_t min_samples = 256;  ///< hits and misses; a window with fewer is not counted

  [[nodiscard]] constexpr bool valid() const noexcept {
    return target > 0 && target < 1 && tolerance > 0 && tolerance < 1 && step > 0 && min <= max && dwell > 0 &&
           max <= 1u << 24;
  }
};

/// Where the search for a class's cap stands.
struct CapState {
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  std::uint32_t cap = 0;
  std::uint32_t low = kNone;   ///< largest cap that was found too small
  std::uint32_t high = kNone;  ///< smallest cap that was found too large
  std::uint32_t step = 0;      ///< next step of a search that has no bracket; 0: the settings' step
  std::uint32_t windows = 0;   ///< counted since the last decision
  bool filling = false;        ///< the cap has just changed: the next window shows the cache on its way
  bool came_from_low = false;  ///< the last change was from `low` to `cap`
  bool settled = false;        ///< the search has ended on `high`, a neighbour of `low`
  double high_rate = 0;        ///< hit rate that was found at `high`
  Evidence evidence;           ///< of the windows counted since the last decision

  constexpr bool operator==(const CapState&) const noexcept = default;
};

namespace learner_detail {

inline constexpr std::uint32_t kStepGrowth = 4;

/// Forgets where the target was looked for: the load has changed.
constexpr void forget(CapState& state) noexcept {
  state.low = state.high = CapState::kNone;
  state.step = 0;
  state.settled = false;
}

/// The step to take now; the one after it is larger.
constexpr std::uint32_t take_step(CapState& state, const CapSettings& settings) noexcept {
  const std::uint32_t step = state.step == 0 ? settings.step : state.step;
  state.step = std::min(step, settings.max / kStepGrowth + 1) * kStepGrowth;
  return step;
}

/// The next cap after `state.cap` was found too small.
constexpr std::uint32_t cap_above(CapState& state, const CapSettings& settings) noexcept {
  if (state.high != CapState::kNone && state.high <= state.cap) forget(state);
  state.low = state.cap;
  if (state.high == CapState::kNone) return state.cap + take_step(state, settings);
  const std::uint32_t width = state.high - state.cap;
  return width <= settings.step ? state.high : state.cap + width / 2;
}

/// The next cap after `state.cap` was found too large.
///
/// Where the target lies between two neighbours, the larger one is right. But evidence may be of a load that is no
/// more, or half of one load and half of the next. So the search ends only when the larger one was seen before and
/// after the smaller one, with the same hit rate.
constexpr std::uint32_t cap_below(CapState& state, const CapSettings& settings) noexcept {
  const double rate = state.evidence.hit_rate();
  const double change = rate < state.high_rate ? state.high_rate - rate : rate - state.high_rate;
  const double variance = 2 * settings.target * (1 - settings.target);
  const bool seen = state.high == state.cap;
  const bool changed = seen && significant(change - settings.tolerance, state.evidence.samples, variance);
  if (state.settled && !changed) return state.cap;
  if (changed || (state.low != CapState::kNone && state.low >= state.cap)) forget(state);
  if (!seen || changed) state.high_rate = rate;  // else what was seen first stays: the new evidence may be mixed
  state.high = state.cap;
  if (state.low == CapState::kNone) return state.cap - std::min(state.cap, take_step(state, settings));
  const std::uint32_t width = state.cap - state.low;
  if (width > settings.step) return state.cap - width / 2;
  if (!seen || !state.came_from_low) return state.low;
  state.settled = true;
  return state.cap;
}

/// The cap that the evidence asks for, within the settings' bounds or not.
constexpr std::uint32_t decide_cap(CapState& state, const CapSettings& settings) noexcept {
  const double rate = state.evidence.hit_rate();
  const double variance = settings.target * (1 - settings.target);
  if (significant(settings.target - settings.tolerance - rate, state.evidence.samples, variance)) {
    return cap_above(state, settings);
  }
  if (significant(rate - settings.target - settings.tolerance, state.evidence.samples, variance)) {
    return cap_below(state, settings);
  }
  if (!state.settled) forget(state);
  return state.cap;
}

}  // namespace learner_detail

/// The state a class starts with.
[[nodiscard]] constexpr CapState start_cap(std::uint32_t cap, const CapSettings& settings) noexcept {
  CapState state;
  state.cap = std::clamp(cap, settings.min, settings.max);
  return state;
}

/// One window of one class. A window with too few samples changes nothing. Otherwise, every `dwell` windows, the cap
/// moves towards the target: by steps that grow until the target is between two caps, then by halves. The search ends
/// inside the tolerance, or on the smallest cap above it, and starts again when the hit rate changes.
/// \param settings valid()
[[nodiscard]] constexpr CapState next_cap(CapState state, const CacheCounters& window,
                                          const CapSettings& settings) noexcept {
  state.cap = std::clamp(state.cap, settings.min, settings.max);
  if (window.samples() == 0 || window.samples() < static_cast<double>(settings.min_samples)) return state;
  ++state.windows;
  const bool counts = !state.filling || settings.dwell == 1;
  state.filling = false;
  if (counts) state.evidence.add(window);
  if (state.windows < settings.dwell) return state;

  const std::uint32_t before = state.cap;
  const std::uint32_t wanted = learner_detail::decide_cap(state, settings);
  state.cap = std::clamp(wanted, settings.min, settings.max);
  state.filling = state.cap != before;
  if (state.filling) state.came_from_low = state.low == before;
  state.windows = 0;
  state.evidence = {};
  return state;
}

// W_MAX: how much larger than asked for a cached block may be that serves a request -----------------------------------

struct WasteSettings {
  static constexpr unsigned kMaxCandidates = 8;
  static constexpr std::uint32_t kMaxTrial = 1000;

  std::array<double, kMaxCandidates> candidates{1.4, 1.5, 1.6, 1.7};  ///< each at least 1
  unsigned count = 4;                                                 ///< candidates in use, 1 … kMaxCandidates
  std::uint32_t trial = 5;          ///< windows of a trial, and of the readings before and after it; 2 … kMaxTrial
  double adopt = 0.01;              ///< share by which a candidate's score must exceed the present one's
  bool confirm = true;              ///< read the present value again after the trial: it must lose to both readings
  std::uint64_t min_samples = 256;  ///< hits and misses; a window with fewer is not counted

  [[nodiscard]] constexpr bool valid() const noexcept {
    if (count == 0 || count > kMaxCandidates || trial < 2 || trial > kMaxTrial || !(adopt > 0)) return false;
    return std::all_of(candidates.begin(), candidates.begin() + count, [](double value) { return value >= 1; });
  }
};

enum class TrialStage : std::uint8_t { kRest, kBefore, kCanary, kAfter };

/// Which value is adopted and how far its rival's trial is.
struct WasteState {
  unsigned adopted = 0;  ///< index of the value that is in force outside trials
  unsigned rival = 0;    ///< index of the value on trial, or to be tried next
  TrialStage stage = TrialStage::kRest;
  std::uint32_t windows = 0;     ///< counted in this stage
  std::uint32_t rest = 0;        ///< rests are this many trials long; 0: the shortest
  std::uint32_t rejections = 0;  ///< in a row
  Evidence before, canary, after;

  constexpr bool operator==(const WasteState&) const noexcept = default;

  /// Index of the value that is to be in force now.
  [[nodiscard]] constexpr unsigned in_force() const noexcept { return stage == TrialStage::kCanary ? rival : adopted; }

  /// Whether something is being measured, so that other values should stay as they are.
  [[nodiscard]] constexpr bool measuring() const noexcept { return stage != TrialStage::kRest; }
};

namespace learner_detail {

inline constexpr std::uint32_t kShortestRest = 4;
inline constexpr std::uint32_t kLongestRest = 64;

[[nodiscard]] constexpr bool beats(const Evidence& rival, const Evidence& present, double adopt) noexcept {
  constexpr double kLargestVarianceOfADifference = 0.5;
  return significant(rival.score() - present.score() * (1 + adopt), std::min(rival.samples, present.samples),
                     kLargestVarianceOfADifference);
}

[[nodiscard]] constexpr bool rival_wins(const WasteState& state, const WasteSettings& settings) noexcept {
  return beats(state.canary, state.before, settings.adopt) &&
         (!settings.confirm || beats(state.canary, state.after, settings.adopt));
}

[[nodiscard]] constexpr unsigned next_rival(const WasteState& state, const WasteSettings& settings) noexcept {
  const unsigned next = (state.rival + 1) % settings.count;
  return next == state.adopted ? (next + 1) % settings.count : next;
}

/// The end of a trial: the rival takes over or goes, and there is a rest, the longer the more often nothing was found.
constexpr void conclude(WasteState& state, const WasteSettings& settings) noexcept {
  const bool won = rival_wins(state, settings);
  if (won) state.adopted = state.rival;
  state.rejections = won ? 0 : state.rejections + 1;
  const std::uint32_t rest = std::max(state.rest, kShortestRest);
  if (won) {
    state.rest = kShortestRest;
  } else if (state.rejections % (settings.count - 1) == 0) {
    state.rest = std::min(rest * 2, kLongestRest);
  } else {
    state.rest = rest;
  }
  state.rival = next_rival(state, settings);
  state.before = state.canary = state.after = {};
  state.stage = TrialStage::kRest;
}

}  // namespace learner_detail

/// One window of W_MAX. A window with too few samples changes nothing. After a rest the present value is read, then a
/// rival is in force for as long, then the present value again; the rival is adopted if its score exceeds both
/// readings by more than the threshold and more than chance. The first window of a trial is not counted: blocks that
/// the other value has let in are still there.
/// \param settings valid()
[[nodiscard]] constexpr WasteState next_waste(WasteState state, const CacheCounters& window,
                                              const WasteSettings& settings) noexcept {
  using namespace learner_detail;
  if (settings.count < 2) return state;
  if (window.samples() == 0 || window.samples() < static_cast<double>(settings.min_samples)) return state;
  if (state.rival == state.adopted) state.rival = next_rival(state, settings);
  ++state.windows;
  const bool first = state.windows == 1;
  const bool last = state.windows >= settings.trial;
  switch (state.stage) {
    case TrialStage::kRest:
      if (state.windows < std::max(state.rest, kShortestRest) * settings.trial) return state;
      state.stage = TrialStage::kBefore;
      break;
    case TrialStage::kBefore:
      state.before.add(window);
      if (!last) return state;
      state.stage = TrialStage::kCanary;
      break;
    case TrialStage::kCanary:
      if (!first) state.canary.add(window);
      if (!last) return state;
      if (settings.confirm) {
        state.stage = TrialStage::kAfter;
      } else {
        conclude(state, settings);
      }
      break;
    case TrialStage::kAfter:
      if (!first) state.after.add(window);
      if (!last) return state;
      conclude(state, settings);
      break;
  }
  state.windows = 0;
  return state;
}

}  // namespace hakmem
