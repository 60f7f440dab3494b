#pragma once
/// Floor 2. A small cache of whole things, as a fixed array of atomic pointers: exchange takes, CAS null -> x puts.
///
/// A thing is in the cache or owned by exactly one thread. A full cache refuses, it never drops (I7).

#include <cstddef>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// \tparam kPlaces how many things fit, >= 1.
template <class Sync, class T, std::size_t kPlaces>
class PointerCache {
  static_assert(kPlaces >= 1);

 public:
  /// Puts a thing the caller owns. Any thread. \return false when the cache is full; the caller still owns the thing.
  [[nodiscard]] bool put(T* thing) noexcept {
    for (auto& place : places_) {
      T* expected = nullptr;
      // Relaxed: a guess that spares a useless CAS on an occupied place.
      if (place.load(std::memory_order_relaxed) != nullptr) continue;
      // Release pairs with take: the next owner sees everything this one did. Failure relaxed: the place is occupied.
      if (place.compare_exchange_strong(expected, thing, std::memory_order_release, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// Takes some thing. Any thread. \return it, now the caller's, or nullptr when every place looked empty.
  [[nodiscard]] T* take() noexcept {
    for (auto& place : places_) {
      // Relaxed: a guess that spares a useless exchange on an empty place.
      if (place.load(std::memory_order_relaxed) == nullptr) continue;
      // Acquire pairs with put.
      if (T* thing = place.exchange(nullptr, std::memory_order_acquire)) return thing;
    }
    return nullptr;
  }

  /// Number of things at the moment. Any thread.
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t things = 0;
    // Relaxed: a count of what was there at some moments.
    for (const auto& place : places_) things += place.load(std::memory_order_relaxed) != nullptr ? 1u : 0u;
    return things;
  }

 private:
  typename Sync::template Atomic<T*> places_[kPlaces]{};
};

}  // namespace hakmem
