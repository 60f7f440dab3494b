#pragma once
/// A policy whose atomics are disturbed: by schedule noise, by orders that are left out, or by operations that are torn
/// into a load and a store, as in bugs of the past (docs/reports/museum.md). Race detectors and the scenarios must object to
/// the last two.
///
/// What is disturbed is chosen when the program runs, so that all of it is one heap to compile.

#include "noise.hpp"
#include "policies.hpp"

namespace hakmem::stress {

/// Which operation is no longer one step.
enum class Torn { kNone, kExchange, kFetch, kCompareExchange };

struct Disturbance {
  bool noisy = false;
  bool releases = true;  ///< false: no operation releases anything
  bool acquires = true;  ///< false: no operation acquires anything
  Torn torn = Torn::kNone;
};

/// What disturbs every DisturbedSync. Set before the threads start, and read by them.
inline Disturbance disturbance;

namespace disturbed_detail {

/// On x86 nothing but the order changes, so only a tool that knows the language's rules can object.
inline std::memory_order weakened(std::memory_order order) noexcept {
  if (!disturbance.releases) {
    if (order == std::memory_order_release) return std::memory_order_relaxed;
    if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  }
  if (!disturbance.acquires) {
    if (order == std::memory_order_acquire) return std::memory_order_relaxed;
    if (order == std::memory_order_acq_rel) return std::memory_order_release;
  }
  return order;
}

/// A failure order is never stronger than what is left of the success order.
inline std::memory_order weakened_failure(std::memory_order success, std::memory_order failure) noexcept {
  if (disturbance.releases && disturbance.acquires) return failure;
  return weakened(success) == std::memory_order_relaxed ? std::memory_order_relaxed : weakened(failure);
}

inline void strike() noexcept {
  if (disturbance.noisy) make_noise();
}

}  // namespace disturbed_detail

struct DisturbedSync : StressSync {
  /// Every operation is the base's with the caller's order, or what `disturbance` makes of it. Calls and not inlined,
  /// which would multiply all of the above in every caller.
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    constexpr Atomic(T value) noexcept : value_(value) {}
    // See the class; so it is with all that follow.
    [[nodiscard, gnu::noinline]] T load(std::memory_order order) const noexcept {
      disturbed_detail::strike();
      return value_.load(disturbed_detail::weakened(order));
    }
    [[gnu::noinline]] void store(T value, std::memory_order order) noexcept {
      disturbed_detail::strike();
      // See the class.
      value_.store(value, disturbed_detail::weakened(order));
    }
    [[gnu::noinline]] T exchange(T value, std::memory_order order) noexcept {
      disturbed_detail::strike();
      if (disturbance.torn == Torn::kExchange) return replace([&](T) { return value; });
      // See the class.
      return value_.exchange(value, disturbed_detail::weakened(order));
    }
    // See the class; so it is with all that follow.
    [[gnu::noinline]] T fetch_add(T value, std::memory_order order) noexcept {
      disturbed_detail::strike();
      return value_.fetch_add(value, disturbed_detail::weakened(order));
    }
    [[gnu::noinline]] T fetch_or(T value, std::memory_order order) noexcept {
      disturbed_detail::strike();
      if (disturbance.torn == Torn::kFetch) return replace([&](T seen) { return seen | value; });
      // See the class.
      return value_.fetch_or(value, disturbed_detail::weakened(order));
    }
    [[gnu::noinline]] T fetch_and(T value, std::memory_order order) noexcept {
      disturbed_detail::strike();
      if (disturbance.torn == Torn::kFetch) return replace([&](T seen) { return seen & value; });
      // See the class.
      return value_.fetch_and(value, disturbed_detail::weakened(order));
    }
    [[gnu::noinline]] bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                                                 std::memory_order failure) noexcept {
      disturbed_detail::strike();
      if (disturbance.torn == Torn::kCompareExchange) return compare_and_replace(expected, desired);
      // See the class.
      return value_.compare_exchange_weak(expected, desired, disturbed_detail::weakened(success),
                                          disturbed_detail::weakened_failure(success, failure));
    }
    [[gnu::noinline]] bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                                   std::memory_order failure) noexcept {
      disturbed_detail::strike();
      if (disturbance.torn == Torn::kCompareExchange) return compare_and_replace(expected, desired);
      // See the class.
      return value_.compare_exchange_strong(expected, desired, disturbed_detail::weakened(success),
                                            disturbed_detail::weakened_failure(success, failure));
    }

   private:
    /// The gap between the two steps is what is wrong, and noise may strike there.
    template <class Change>
    T replace(Change change) noexcept {
      // Strong enough for every caller, as is the store.
      const T seen = value_.load(std::memory_order_acquire);
      disturbed_detail::strike();
      value_.store(change(seen), std::memory_order_release);
      return seen;
    }
    bool compare_and_replace(T& expected, T desired) noexcept {
      // Strong enough for every caller, as is the store.
      const T seen = value_.load(std::memory_order_acquire);
      if (seen != expected) {
        expected = seen;
        return false;
      }
      disturbed_detail::strike();
      // The other half of the gap.
      value_.store(desired, std::memory_order_release);
      return true;
    }

    typename StressSync::template Atomic<T> value_{};
  };
};

}  // namespace hakmem::stress
