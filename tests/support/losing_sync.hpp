#pragma once
/// A synchronisation policy on which a thread loses races that nobody else runs: the retries of lock-free loops on one
/// thread.

#include "support/test_sync.hpp"

namespace hakmem::test {

/// How many compare-and-swaps the calling thread loses from now on, and how often it has paused.
inline thread_local unsigned races_to_lose = 0;
inline thread_local unsigned pauses = 0;

struct LosingSync : TestSync {
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    constexpr Atomic(T value) noexcept : value_(value) {}
    // The caller's order; so it is with all that follow.
    [[nodiscard]] T load(std::memory_order order) const noexcept { return value_.load(order); }
    void store(T value, std::memory_order order) noexcept { value_.store(value, order); }
    T exchange(T value, std::memory_order order) noexcept { return value_.exchange(value, order); }
    // The caller's order; so it is with all that follow.
    T fetch_add(T value, std::memory_order order) noexcept { return value_.fetch_add(value, order); }
    T fetch_or(T value, std::memory_order order) noexcept { return value_.fetch_or(value, order); }
    T fetch_and(T value, std::memory_order order) noexcept { return value_.fetch_and(value, order); }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      // The caller's orders.
      return !loses(expected, failure) && value_.compare_exchange_weak(expected, desired, success, failure);
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
      // The caller's orders.
      return !loses(expected, failure) && value_.compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    /// As a weak one may fail by itself.
    bool loses(T& expected, std::memory_order failure) noexcept {
      if (races_to_lose == 0) return false;
      --races_to_lose;
      // The caller's order.
      expected = value_.load(failure);
      return true;
    }

    typename TestSync::template Atomic<T> value_{};
  };

  static void pause() noexcept { ++pauses; }
};

}  // namespace hakmem::test
