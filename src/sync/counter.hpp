#pragma once
/// Floor 1. Statistics: counts that synchronise nothing.

#include <atomic>
#include <cstdint>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// A relaxed event counter. A policy that declares `kStatistics = false` (the model, whose every atomic operation
/// multiplies the schedules) counts nothing.
template <class Sync>
class Counter {
  static constexpr bool kCounts = KeepsStatistics<Sync>;

 public:
  void add(std::uint64_t n = 1) noexcept {
    // Relaxed: a statistic, nothing is inferred from it.
    if constexpr (kCounts) value_.fetch_add(n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const noexcept {
    // Relaxed: a statistic.
    if constexpr (kCounts) return value_.load(std::memory_order_relaxed);
    return 0;
  }

 private:
  struct Nothing {};
  [[no_unique_address]] std::conditional_t<kCounts, typename Sync::template Atomic<std::uint64_t>, Nothing> value_{};
};

/// A counter that one thread at a time adds to and any thread reads: a load and a store instead of an atomic addition,
/// or what the policy has for the two (`add_owned`).
template <class Sync>
class OwnerCounter {
  static constexpr bool kCounts = KeepsStatistics<Sync>;

 public:
  void add(std::uint64_t n = 1) noexcept {
    if constexpr (!kCounts) {
      return;
    } else if constexpr (AddsOwnedAtOnce<Sync>) {
      Sync::add_owned(value_, n);
    } else {
      // Relaxed: a statistic; nobody else writes.
      value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
  }
  [[nodiscard]] std::uint64_t get() const noexcept {
    // Relaxed: a statistic.
    if constexpr (kCounts) return value_.load(std::memory_order_relaxed);
    return 0;
  }

 private:
  struct Nothing {};
  [[no_unique_address]] std::conditional_t<kCounts, typename Sync::template Atomic<std::uint64_t>, Nothing> value_{};
};

}  // namespace hakmem
