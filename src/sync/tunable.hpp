#pragma once
/// Floor 1. Settings that may change while threads run.

#include <atomic>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// A number that any thread may read and set, and that orders nothing. A policy that declares `kTunable = false` (the
/// model, where every atomic operation multiplies the schedules) keeps the default.
template <class Sync, class T, T kDefault>
class Tunable {
  static constexpr bool kTunes = TunesSettings<Sync>;

 public:
  [[nodiscard]] T get() const noexcept {
    // Relaxed: a setting takes effect some time after it was made; nothing else is inferred from it.
    if constexpr (kTunes) return static_cast<T>(offset_.load(std::memory_order_relaxed) + kDefault);
    return kDefault;
  }
  void set(T value) noexcept {
    // Relaxed: as above.
    if constexpr (kTunes) offset_.store(static_cast<T>(value - kDefault), std::memory_order_relaxed);
  }

 private:
  struct Nothing {};
  /// What is added to the default, so that all-zero memory means the default.
  [[no_unique_address]] std::conditional_t<kTunes, typename Sync::template Atomic<T>, Nothing> offset_{};
};

}  // namespace hakmem
