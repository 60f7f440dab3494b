#include "noise.hpp"

#include <sched.h>

#include <atomic>
#include <ctime>

#include "random.hpp"

namespace hakmem::stress {

namespace {

std::atomic<std::uint64_t> first_seed{0};
std::atomic<std::uint64_t> threads{0};

/// One thread's noise. As in probabilistic concurrency testing, threads have priorities that change at random points: a
/// thread of low priority is held up at nearly every atomic, one of high priority at none, so that a whole operation of
/// one thread falls between two steps of another.
class Noise {
 public:
  // Relaxed: numbers that differ are all that is asked for.
  Noise() noexcept
      : random_(first_seed.load(std::memory_order_relaxed) + threads.fetch_add(1, std::memory_order_relaxed)) {}

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

}  // namespace

void seed_noise(std::uint64_t seed) noexcept {
  // Relaxed: the threads that read it are started afterwards.
  first_seed.store(mix(seed), std::memory_order_relaxed);
  threads.store(0, std::memory_order_relaxed);
}

void make_noise() noexcept {
  thread_local Noise noise;
  noise.disturb();
}

}  // namespace hakmem::stress
