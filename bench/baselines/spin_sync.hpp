#pragma once
/// Baseline: the policy of a heap whose slabs are guarded by spin locks instead of being free of locks (A7): every word
/// that threads share has a lock beside it, in the slab's descriptor.

#include <sched.h>

#include <atomic>
#include <cstdint>

#include "sync/std_sync.hpp"

namespace hakmem::bench {

struct SpinSync : StdSync {
  /// Whatever writes holds the lock; loads do not need it.
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    constexpr explicit Atomic(T value) noexcept : value_(value) {}
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    [[nodiscard]] T load(std::memory_order order) const noexcept {
      // The caller's order; pairs with set, which is never weaker than release.
      return value_.load(order);
    }
    void store(T value, std::memory_order) noexcept {
      const Held held(*this);
      set(value);
    }
    T exchange(T value, std::memory_order) noexcept {
      return modify([&](T) { return value; });
    }
    T fetch_add(T value, std::memory_order) noexcept {
      return modify([&](T old) { return static_cast<T>(old + value); });
    }
    T fetch_sub(T value, std::memory_order) noexcept {
      return modify([&](T old) { return static_cast<T>(old - value); });
    }
    T fetch_or(T value, std::memory_order) noexcept {
      return modify([&](T old) { return static_cast<T>(old | value); });
    }
    T fetch_and(T value, std::memory_order) noexcept {
      return modify([&](T old) { return static_cast<T>(old & value); });
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order, std::memory_order) noexcept {
      const T wanted = expected;
      expected = modify([&](T old) { return old == wanted ? desired : old; });
      return expected == wanted;
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      return compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    class Held {
     public:
      explicit Held(Atomic& atomic) noexcept : atomic_(atomic) {
        constexpr unsigned kPauses = 100;
        // Acquire pairs with the release below: who held the lock before has finished.
        for (unsigned spins = 0; atomic_.lock_.exchange(1, std::memory_order_acquire) != 0; ++spins) {
          // A holder that does not run is not helped by spinning.
          spins < kPauses ? StdSync::pause() : static_cast<void>(::sched_yield());
        }
      }
      ~Held() {
        // Release pairs with the acquire above.
        atomic_.lock_.store(0, std::memory_order_release);
      }
      Held(const Held&) = delete;
      Held& operator=(const Held&) = delete;

     private:
      Atomic& atomic_;
    };

    template <class Change>
    T modify(Change change) noexcept {
      const Held held(*this);
      // Acquire, whatever the caller asks for: the value may have been published by a store of another thread.
      const T old = value_.load(std::memory_order_acquire);
      set(change(old));
      return old;
    }

    void set(T value) noexcept {
      // Release, whatever the caller asks for: pairs with acquire loads, which take no lock. A relaxed operation in the
      // middle of a release sequence must carry it on, and this is a plain store.
      value_.store(value, std::memory_order_release);
    }

    std::atomic<T> value_{};
    std::atomic<std::uint32_t> lock_{0};
  };
};

static_assert(SyncPolicy<SpinSync>);

}  // namespace hakmem::bench
