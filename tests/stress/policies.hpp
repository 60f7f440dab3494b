#pragma once
/// The policies of the heap under stress: the build's own, made known to AddressSanitizer, and weakened ones that a
/// race detector must object to.

#include <cstddef>

#include "os/linux_os.hpp"
#include "support/test_sync.hpp"
#include "sync/watched_sync.hpp"

#ifdef HAKMEM_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace hakmem::stress {

#ifdef HAKMEM_ASAN

// A block is poisoned from before it is freed until it is handed out again, so any use of a free block is reported.
// Only the heap may touch it, through the in-block link.

using StressSync = WatchedSync<test::TestSync>;

/// What is given back may serve anybody.
struct StressOs : LinuxOs {
  static void release(void* p, std::size_t bytes) noexcept {
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    LinuxOs::release(p, bytes);
  }
};

inline void mark_free(void* block, std::size_t bytes) noexcept { ASAN_POISON_MEMORY_REGION(block, bytes); }
inline void mark_used(void* block, std::size_t bytes) noexcept { ASAN_UNPOISON_MEMORY_REGION(block, bytes); }

#else

using StressSync = test::TestSync;
using StressOs = LinuxOs;

inline void mark_free(void*, std::size_t) noexcept {}
inline void mark_used(void*, std::size_t) noexcept {}

#endif

/// Which half of every synchronisation is left out.
enum class Weakness { kNoRelease, kNoAcquire };

/// StressSync with weaker orders. On x86 nothing else changes, so only a tool that knows the language's rules can
/// object.
template <Weakness kWeakness>
struct WeakenedSync : StressSync {
  static constexpr std::memory_order weaken(std::memory_order order) noexcept {
    constexpr std::memory_order kGone =
        kWeakness == Weakness::kNoRelease ? std::memory_order_release : std::memory_order_acquire;
    constexpr std::memory_order kLeft =
        kWeakness == Weakness::kNoRelease ? std::memory_order_acquire : std::memory_order_release;
    if (order == kGone) return std::memory_order_relaxed;
    return order == std::memory_order_acq_rel ? kLeft : order;
  }

  /// g++ 12 accepts no failure order but relaxed beside a relaxed success order.
  static constexpr std::memory_order weaken_failure(std::memory_order success, std::memory_order failure) noexcept {
    return weaken(success) == std::memory_order_relaxed ? std::memory_order_relaxed : weaken(failure);
  }

  /// Every operation of the policy's atomic, with its order weakened: what it pairs with is broken on purpose.
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    // Weakened, see the class; so are all that follow.
    [[nodiscard]] T load(std::memory_order order) const noexcept { return value_.load(weaken(order)); }
    void store(T value, std::memory_order order) noexcept { value_.store(value, weaken(order)); }
    T exchange(T value, std::memory_order order) noexcept { return value_.exchange(value, weaken(order)); }
    // Weakened, see the class; so are all that follow.
    T fetch_add(T value, std::memory_order order) noexcept { return value_.fetch_add(value, weaken(order)); }
    T fetch_or(T value, std::memory_order order) noexcept { return value_.fetch_or(value, weaken(order)); }
    T fetch_and(T value, std::memory_order order) noexcept { return value_.fetch_and(value, weaken(order)); }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      // Weakened, see the class.
      return value_.compare_exchange_weak(expected, desired, weaken(success), weaken_failure(success, failure));
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
      // Weakened, see the class.
      return value_.compare_exchange_strong(expected, desired, weaken(success), weaken_failure(success, failure));
    }

   private:
    typename StressSync::template Atomic<T> value_{};
  };
};

/// Which operation is no longer one step, as in bugs of the past (docs/reports/museum.md).
enum class Torn { kExchange, kFetch, kCompareExchange };

/// A policy one of whose operations is a load and then a store.
template <class Base, Torn kTorn>
struct TornSync : Base {
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    // Torn or the base's with the caller's order; so it is with all that follow.
    [[nodiscard]] T load(std::memory_order order) const noexcept { return value_.load(order); }
    void store(T value, std::memory_order order) noexcept { value_.store(value, order); }
    T exchange(T value, std::memory_order order) noexcept {
      return kTorn == Torn::kExchange ? replace([&](T) { return value; }) : value_.exchange(value, order);
    }
    T fetch_add(T value, std::memory_order order) noexcept { return value_.fetch_add(value, order); }
    // Torn or the base's with the caller's order; so it is with all that follow.
    T fetch_or(T value, std::memory_order order) noexcept {
      if constexpr (kTorn == Torn::kFetch) return replace([&](T seen) { return seen | value; });
      return value_.fetch_or(value, order);
    }
    T fetch_and(T value, std::memory_order order) noexcept {
      if constexpr (kTorn == Torn::kFetch) return replace([&](T seen) { return seen & value; });
      return value_.fetch_and(value, order);
    }
    // Torn or the base's with the caller's order; so it is with all that follow.
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      if constexpr (kTorn == Torn::kCompareExchange) return compare_and_replace(expected, desired);
      return value_.compare_exchange_weak(expected, desired, success, failure);
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
      if constexpr (kTorn == Torn::kCompareExchange) return compare_and_replace(expected, desired);
      return value_.compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    template <class Change>
    T replace(Change change) noexcept {
      // Strong enough for every caller: what is wrong is the gap between the two.
      const T seen = value_.load(std::memory_order_acquire);
      value_.store(change(seen), std::memory_order_release);
      return seen;
    }
    bool compare_and_replace(T& expected, T desired) noexcept {
      // Strong enough for every caller: what is wrong is the gap between the two.
      const T seen = value_.load(std::memory_order_acquire);
      if (seen != expected) {
        expected = seen;
        return false;
      }
      // The other half of the gap.
      value_.store(desired, std::memory_order_release);
      return true;
    }

    typename Base::template Atomic<T> value_{};
  };
};

}  // namespace hakmem::stress
