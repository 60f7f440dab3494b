#pragma once
/// Baseline: the policy of a heap that only one thread at a time uses, and never two at once. What its plain loads and
/// stores save is the price of atomics on one thread (A7).

#include "sync/std_sync.hpp"

namespace hakmem::bench {

struct LocalSync : StdSync {
  /// The interface of an atomic over a plain variable; orders are accepted and mean nothing.
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    constexpr explicit Atomic(T value) noexcept : value_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(std::memory_order) const noexcept { return value_; }
    void store(T value, std::memory_order) noexcept { value_ = value; }
    T exchange(T value, std::memory_order) noexcept {
      const T old = value_;
      value_ = value;
      return old;
    }
    T fetch_add(T value, std::memory_order order) noexcept { return exchange(static_cast<T>(value_ + value), order); }
    T fetch_sub(T value, std::memory_order order) noexcept { return exchange(static_cast<T>(value_ - value), order); }
    T fetch_or(T value, std::memory_order order) noexcept { return exchange(static_cast<T>(value_ | value), order); }
    T fetch_and(T value, std::memory_order order) noexcept { return exchange(static_cast<T>(value_ & value), order); }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order, std::memory_order) noexcept {
      const bool equal = value_ == expected;
      if (equal) {
        value_ = desired;
      } else {
        expected = value_;
      }
      return equal;
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      return compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    T value_{};
  };
};

static_assert(SyncPolicy<LocalSync>);
static_assert(sizeof(LocalSync::Atomic<std::uint64_t>) == 8, "descriptors keep their layout");

}  // namespace hakmem::bench
