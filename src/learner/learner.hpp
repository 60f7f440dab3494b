#pragma once
/// Floor 6. Runs the control laws over a cache, window by window. It has no thread and no clock of its own and
/// allocates nothing: whoever owns it calls run_window.

#include <array>
#include <concepts>
#include <cstdint>

#include "learner/control_law.hpp"

namespace hakmem {

/// What a learner can learn for. All functions may be called while other threads use the cache.
/// - kClasses: number of size classes
/// - counters(c): what class c has done since the cache's start; each counter may be out of date and may wrap
/// - cap(c), set_cap(c, blocks): how many blocks class c may keep
/// - set_max_waste(factor): how much larger than the request a cached block may be that serves it, at least 1
template <class Cache>
concept LearnableCache = requires(Cache cache, const Cache& read, unsigned c, std::uint32_t blocks, double factor) {
  { Cache::kClasses } -> std::convertible_to<unsigned>;
  { read.counters(c) } -> std::same_as<CacheCounters>;
  { read.cap(c) } -> std::same_as<std::uint32_t>;
  cache.set_cap(c, blocks);
  cache.set_max_waste(factor);
};

struct LearnerSettings {
  bool learn_caps = true;
  bool learn_waste = false;
  std::uint64_t window_ns = 1'000'000'000;
  CapSettings caps{};
  WasteSettings waste{};

  [[nodiscard]] constexpr bool valid() const noexcept { return window_ns > 0 && caps.valid() && waste.valid(); }
};

/// The laws by which it learns. Others may be put in their place to show what they would do.
struct ControlLaws {
  static constexpr CapState cap(const CapState& state, const CacheCounters& window, const CapSettings& settings) {
    return next_cap(state, window, settings);
  }
  static constexpr WasteState waste(const WasteState& state, const CacheCounters& window,
                                    const WasteSettings& settings) {
    return next_waste(state, window, settings);
  }
};

/// One thread at a time. The cache must outlive it.
template <LearnableCache Cache, class Laws = ControlLaws>
class Learner {
 public:
  /// Brings the caps within their bounds, puts the first candidate of W_MAX in force if that is learned, and begins
  /// the first window.
  /// \param settings valid()
  /// \param now_ns a clock that never goes back
  Learner(Cache& cache, const LearnerSettings& settings, std::uint64_t now_ns)
      : cache_(cache), settings_(settings), window_start_(now_ns) {
    for (unsigned c = 0; c < Cache::kClasses; ++c) {
      seen_[c] = cache_.counters(c);
      caps_[c] = start_cap(cache_.cap(c), settings_.caps);
      if (settings_.learn_caps && caps_[c].cap != cache_.cap(c)) cache_.set_cap(c, caps_[c].cap);
    }
    if (settings_.learn_waste) cache_.set_max_waste(max_waste());
  }

  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// Ends the window if it has lasted long enough, and lets the laws see it.
  /// \returns whether it has ended
  bool run_window(std::uint64_t now_ns) {
    if (now_ns < window_start_ || now_ns - window_start_ < settings_.window_ns) return false;
    window_start_ = now_ns;
    std::array<CacheCounters, Cache::kClasses> windows;
    CacheCounters all;
    for (unsigned c = 0; c < Cache::kClasses; ++c) all += windows[c] = take_window(c);
    // a trial compares two values of W_MAX, so nothing else may change meanwhile
    if (settings_.learn_caps && !waste_.measuring()) learn_caps(windows);
    if (settings_.learn_waste) learn_waste(all);
    ++windows_;
    return true;
  }

  /// Windows that have ended.
  [[nodiscard]] std::uint64_t windows() const noexcept { return windows_; }

  /// Caps changed; trials of W_MAX that ended with the rival adopted, and with the present value kept.
  [[nodiscard]] std::uint64_t cap_moves() const noexcept { return cap_moves_; }
  [[nodiscard]] std::uint64_t adoptions() const noexcept { return adoptions_; }
  [[nodiscard]] std::uint64_t reverts() const noexcept { return reverts_; }

  [[nodiscard]] const CapState& cap_state(unsigned c) const noexcept { return caps_[c]; }
  [[nodiscard]] const WasteState& waste_state() const noexcept { return waste_; }

  /// The value of W_MAX in force, be it adopted or on trial.
  [[nodiscard]] double max_waste() const noexcept { return settings_.waste.candidates[waste_.in_force()]; }

 private:
  /// What the class has done since the last call. Unsigned differences are right even when a counter has wrapped.
  CacheCounters take_window(unsigned c) {
    const CacheCounters now = cache_.counters(c);
    const CacheCounters last = seen_[c];
    seen_[c] = now;
    return {.hits = now.hits - last.hits,
            .misses = now.misses - last.misses,
            .asked_bytes = now.asked_bytes - last.asked_bytes,
            .served_bytes = now.served_bytes - last.served_bytes};
  }

  void learn_caps(const std::array<CacheCounters, Cache::kClasses>& windows) {
    for (unsigned c = 0; c < Cache::kClasses; ++c) {
      const std::uint32_t before = caps_[c].cap;
      caps_[c] = Laws::cap(caps_[c], windows[c], settings_.caps);
      if (caps_[c].cap == before) continue;
      cache_.set_cap(c, caps_[c].cap);
      ++cap_moves_;
    }
  }

  void learn_waste(const CacheCounters& all) {
    const WasteState before = waste_;
    waste_ = Laws::waste(waste_, all, settings_.waste);
    if (before.measuring() && !waste_.measuring()) ++(waste_.adopted != before.adopted ? adoptions_ : reverts_);
    if (waste_.in_force() != before.in_force()) cache_.set_max_waste(max_waste());
  }

  Cache& cache_;
  const LearnerSettings settings_;
  std::uint64_t window_start_;
  std::uint64_t windows_ = 0;
  std::uint64_t cap_moves_ = 0;
  std::uint64_t adoptions_ = 0;
  std::uint64_t reverts_ = 0;
  std::array<CacheCounters, Cache::kClasses> seen_{};
  std::array<CapState, Cache::kClasses> caps_{};
  WasteState waste_{};
};

}  // namespace hakmem
