#pragma once
/// Schedule noise: a policy whose atomics yield, sleep and change the processor before they do their work, so that real
/// threads on a few cores come to interleavings that are rare otherwise.

#include <sched.h>

#include <atomic>
#include <ctime>

#include "policies.hpp"
#include "random.hpp"

namespace hakmem::stress {

/// Seeds the noise of every thread that meets an atomic from now on. Call it before they start.
void seed_noise(std::uint64_t seed) noexcept;

namespace noise_detail {

extern std::atomic<std::uint64_t> seed;
extern std::atomic<std::uint64_t> threads;

/// One thread's noise. As in probabilistic concurrency testing, threads have priorities that change at random points: a
/// thread of low priority is held up at nearly every atomic, one of high priority at none, so that a whole operation of
/// one thread falls between two steps of another.
class Noise {
 public:
  // Relaxed: numbers that differ are all that is asked for.
  Noise() noexcept : random_(seed.load(std::memory_order_relaxed) + threads.fetch_add(1, std::memory_order_relaxed)) {}

  void disturb() noexcept {
    if (random_.one_in(kStepsOfPriority)) priority_ = static_cast<unsigned>(random_.below(4));
    if (priority_ == 0) return;
    const std::uint64_t dice = random_.next();
    if (dice % (4096 >> priority_) == 0) return sleep(dice >> 32);
    if (dice % (512 >> priority_) == 1) (void)::sched_yield();
    if (dice % 65536 == 2) move(dice >> 32);
  }

 private:
  static constexpr std::size_t kStepsOfPriority = 2000;
  static constexpr long kLongestSleep = 50'000;  ///< nanoseconds

  static void sleep(std::uint64_t dice) noexcept {
    const timespec time{0, static_cast<long>(dice % kLongestSleep)};
    (void)::nanosleep(&time, nullptr);
  }

  /// To one processor of those that the process may use; then anywhere again, for the next move.
  static void move(std::uint64_t dice) noexcept {
    cpu_set_t all;
    if (::sched_getaffinity(0, sizeof all, &all) != 0) return;
    int which = static_cast<int>(dice % static_cast<std::uint64_t>(CPU_COUNT(&all)));
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &all) || which-- != 0) continue;
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      (void)::sched_setaffinity(0, sizeof one, &one);
      (void)::sched_setaffinity(0, sizeof all, &all);
      return;
    }
  }

  Random random_;
  unsigned priority_ = 1;
};

inline void disturb() noexcept {
  thread_local Noise noise;
  noise.disturb();
}

}  // namespace noise_detail

/// StressSync with noise before every operation of an atomic; nothing else is changed.
struct NoisySync : StressSync {
  template <class T>
  class Atomic {
   public:
    constexpr Atomic() noexcept = default;
    constexpr Atomic(T value) noexcept : value_(value) {}
    // The caller's order; so it is with all that follow.
    [[nodiscard]] T load(std::memory_order order) const noexcept { return noisy().load(order); }
    void store(T value, std::memory_order order) noexcept { noisy().store(value, order); }
    T exchange(T value, std::memory_order order) noexcept { return noisy().exchange(value, order); }
    // The caller's order; so it is with all that follow.
    T fetch_add(T value, std::memory_order order) noexcept { return noisy().fetch_add(value, order); }
    T fetch_or(T value, std::memory_order order) noexcept { return noisy().fetch_or(value, order); }
    T fetch_and(T value, std::memory_order order) noexcept { return noisy().fetch_and(value, order); }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      // The caller's orders.
      return noisy().compare_exchange_weak(expected, desired, success, failure);
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
      // The caller's orders.
      return noisy().compare_exchange_strong(expected, desired, success, failure);
    }

   private:
    using Inner = typename StressSync::template Atomic<T>;
    Inner& noisy() noexcept {
      noise_detail::disturb();
      return value_;
    }
    const Inner& noisy() const noexcept {
      noise_detail::disturb();
      return value_;
    }

    Inner value_{};
  };
};

}  // namespace hakmem::stress
