#pragma once
/// Floor 1. Values shown to diagnostics: written by an owner in passing, read by whoever looks, ordering nothing.

#include <atomic>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// A copy of what the owner knows. A policy that declares `kStatistics = false` (the model) shows nothing.
template <class Sync, class T>
class Shown {
  static constexpr bool kShows = KeepsStatistics<Sync>;

 public:
  /// Owner.
  void set(T value) noexcept {
    // Relaxed: for diagnostics; nothing is inferred from it.
    if constexpr (kShows) value_.store(value, std::memory_order_relaxed);
  }
  /// Any thread; out of date by what the owner does meanwhile.
  [[nodiscard]] T get() const noexcept {
    // Relaxed: as above.
    if constexpr (kShows) return value_.load(std::memory_order_relaxed);
    return T{};
  }

 private:
  struct Nothing {};
  [[no_unique_address]] std::conditional_t<kShows, typename Sync::template Atomic<T>, Nothing> value_{};
};

}  // namespace hakmem
