#pragma once
/// Floor 2. A small cache of whole things that have numbers: bounded by their sizes, and it knows how old each is.
///
/// A fixed array of words, each one thing or 0. All that must agree is in the word, so what a thread decides by (fits,
/// too old) holds for the thing that its CAS takes:
///
///     63      36 35     12 11      0
///     | id + 1  |  size   |  stamp  |
///
/// A thing is in the cache or owned by exactly one thread. A full cache refuses, it never drops (I7).

#include <cstddef>
#include <cstdint>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// What a cache knows of a thing.
struct CacheItem {
  static constexpr std::uint64_t kMaxId = (std::uint64_t{1} << 28) - 2;
  static constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 24) - 1;
  static constexpr std::uint64_t kStampMask = 0xfff;

  std::uint64_t id;     ///< 0..kMaxId
  std::uint64_t size;   ///< 1..kMaxSize, in the user's unit
  std::uint64_t stamp;  ///< when it was put, in the user's unit, modulo kStampMask + 1

  [[nodiscard]] static constexpr CacheItem of(std::uint64_t word) noexcept {
    return {(word >> 36) - 1, word >> 12 & kMaxSize, word & kStampMask};
  }
  [[nodiscard]] constexpr std::uint64_t word() const noexcept {
    return (id + 1) << 36 | size << 12 | (stamp & kStampMask);
  }
  /// Time since it was put, as long as that is at most kStampMask.
  [[nodiscard]] constexpr std::uint64_t age(std::uint64_t now) const noexcept { return (now - stamp) & kStampMask; }
};

static_assert(CacheItem::of(CacheItem{CacheItem::kMaxId, 5, 7}.word()).id == CacheItem::kMaxId);
static_assert(CacheItem::of(CacheItem{0, CacheItem::kMaxSize, 7}.word()).size == CacheItem::kMaxSize);
static_assert(CacheItem{0, 1, 0}.word() != 0, "0 means that a place is empty");

/// \tparam kPlaces how many things fit, >= 1.
template <class Sync, std::size_t kPlaces>
class BoundedCache {
  static_assert(kPlaces >= 1);

 public:
  /// Puts a thing that the caller owns. Any thread. \param most bound of the sizes together; threads that put at the
  /// same moment may together go beyond it. \return false when it does not fit: the caller still owns it.
  [[nodiscard]] bool put(CacheItem item, std::uint64_t most) noexcept {
    if (held() + item.size > most) return false;
    for (auto& place : places_) {
      // Relaxed: a guess that spares a useless CAS on an occupied place.
      if (place.load(std::memory_order_relaxed) != 0) continue;
      std::uint64_t expected = 0;
      // Release pairs with take: the next owner sees everything this one did. Failure relaxed: the place is occupied.
      if (place.compare_exchange_strong(expected, item.word(), std::memory_order_release, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// The smaller thing is the better one.
  struct Smaller {
    constexpr bool operator()(CacheItem a, CacheItem b) const noexcept { return a.size < b.size; }
  };

  /// Takes the best thing for which `accepts(CacheItem)`. Any thread. \param is_better of two things, whether the first is
  /// preferred. \return whether there was one; `taken` is the caller's then.
  template <class Accepts, class IsBetter = Smaller>
  [[nodiscard]] bool take(CacheItem& taken, Accepts accepts, IsBetter is_better = {}) noexcept {
    for (;;) {
      typename Sync::template Atomic<std::uint64_t>* best = nullptr;
      std::uint64_t seen = 0;
      for (auto& place : places_) {
        // Relaxed: a candidate; the CAS decides.
        const std::uint64_t word = place.load(std::memory_order_relaxed);
        if (word == 0 || !accepts(CacheItem::of(word))) continue;
        if (best != nullptr && !is_better(CacheItem::of(word), CacheItem::of(seen))) continue;
        best = &place;
        seen = word;
      }
      if (best == nullptr) return false;
      taken = CacheItem::of(seen);
      // Acquire pairs with put. Failure relaxed: somebody was faster, or nobody (weak): look again.
      if (best->compare_exchange_weak(seen, 0, std::memory_order_acquire, std::memory_order_relaxed)) return true;
      Sync::pause();
    }
  }

  /// Sum of the sizes at the moment. Any thread.
  [[nodiscard]] std::uint64_t held() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& place : places_) {
      // Relaxed: a sum of what was there at some moments.
      if (const std::uint64_t word = place.load(std::memory_order_relaxed)) sum += CacheItem::of(word).size;
    }
    return sum;
  }

 private:
  typename Sync::template Atomic<std::uint64_t> places_[kPlaces]{};
};

}  // namespace hakmem
