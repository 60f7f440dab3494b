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

}  // namespace hakmem::stress
