#include "api/learning.hpp"

#include <time.h>

#include <atomic>
#include <iterator>
#include <mutex>
#include <optional>

#include "api/options.hpp"
#include "api/own_thread.hpp"
#include "api/process_heap.hpp"
#include "learner/mid_caches.hpp"
#include "os/pthread_lock.hpp"

namespace hakmem {

namespace {

using Caches = MidCaches<ProcessConfig>;

constexpr std::uint64_t kNsPerMs = 1'000'000;

/// Guards what follows.
constinit PthreadLock lock;
bool allowed = false;
bool watches_forks = false;
bool running = false;
bool outdated = false;  ///< the learner was made from options that have changed since
constinit Caches caches{process_heap.core()};
constinit std::optional<Learner<Caches>> learner;

/// What all learners of the process have done, beside the name that one has for it.
struct Figure {
  std::atomic<std::uint64_t> total;
  std::uint64_t (Learner<Caches>::*of_one)() const noexcept;
};
constinit Figure windows{0, &Learner<Caches>::windows}, cap_moves{0, &Learner<Caches>::cap_moves};
constinit Figure adoptions{0, &Learner<Caches>::adoptions}, reverts{0, &Learner<Caches>::reverts};
constexpr Figure* kFigures[] = {&windows, &cap_moves, &adoptions, &reverts};

using Held = std::lock_guard<PthreadLock>;

std::uint64_t now_ns() noexcept {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

double share(Option which) noexcept { return static_cast<double>(option(which)) / kThousandths; }

std::uint32_t number(Option which) noexcept { return static_cast<std::uint32_t>(option(which)); }

std::uint32_t windows_of(Option seconds, std::uint32_t least) noexcept {
  const std::uint32_t window_ms = number("HAKMEM_LEARN_WINDOW_MS"_option);
  const std::uint32_t count = (number(seconds) * 1000 + window_ms - 1) / window_ms;
  return count < least ? least : count;
}

/// Lets the learner end its window, and counts what it has done in it.
void run_window(Learner<Caches>& learning) noexcept {
  std::uint64_t before[std::size(kFigures)], *seen = before;
  for (const Figure* figure : kFigures) *seen++ = (learning.*figure->of_one)();
  (void)learning.run_window(now_ns());
  seen = before;
  for (Figure* figure : kFigures) {
    // Relaxed: a statistic; the lock orders the writers.
    figure->total.fetch_add((learning.*figure->of_one)() - *seen++, std::memory_order_relaxed);
  }
}

}  // namespace

LearnerSettings settings_of_options() noexcept {
  LearnerSettings settings;
  settings.window_ns = number("HAKMEM_LEARN_WINDOW_MS"_option) * kNsPerMs;
  settings.learn_waste = option("HAKMEM_LEARN_WASTE"_option) != 0;
  settings.caps.target = share("HAKMEM_CAP_TARGET_MID"_option);
  settings.caps.step = number("HAKMEM_CAP_STEP_MID"_option);
  settings.caps.min = number("HAKMEM_CAP_MIN_MID"_option);
  settings.caps.max = number("HAKMEM_CAP_MAX_MID"_option);
  settings.caps.dwell = windows_of("HAKMEM_CAP_DWELL_SEC_MID"_option, 1);
  settings.caps.min_samples = settings.waste.min_samples = number("HAKMEM_LEARN_MIN_SAMPLES"_option);
  settings.waste.count = number("HAKMEM_WASTE_CANDIDATES_MID"_option);
  for (unsigned i = 0; i < settings.waste.count; ++i) {
    settings.waste.candidates[i] = static_cast<double>(waste_candidate(i)) / kThousandths;
  }
  settings.waste.trial = windows_of("HAKMEM_WASTE_TRIAL_SEC"_option, 2);
  settings.waste.adopt = share("HAKMEM_WASTE_ADOPT"_option);
  settings.waste.confirm = option("HAKMEM_WASTE_CANARY"_option) != 0;
  return settings;
}

namespace {

/// One turn of the thread. \return false when it is to go; else the nanoseconds until the next turn are in `pause`.
bool take_turn(std::uint64_t& pause) noexcept {
  const bool last = only_own_threads_are_left();
  const Held held(lock);
  if (last || option("HAKMEM_LEARN"_option) == 0) {
    learner.reset();
    caches.set_max_waste(1);
    return running = false;
  }
  if (outdated || !learner) {
    outdated = false;
    caches.set_max_waste(1);
    learner.emplace(caches, settings_of_options(), now_ns());
  } else {
    run_window(*learner);
  }
  pause = number("HAKMEM_LEARN_WINDOW_MS"_option) * kNsPerMs;
  return true;
}

void learn() noexcept {
  for (std::uint64_t pause = 0; take_turn(pause);) sleep_for_ns(pause);
}

void before_fork() noexcept { lock.lock(); }
void after_fork_in_parent() noexcept { lock.unlock(); }
/// The child has no learner until it sets an option of it; caps stay as they are.
void after_fork_in_child() noexcept {
  if (running) caches.set_max_waste(1);
  running = false;
  learner.reset();
  lock.unlock();
}

}  // namespace

void learning_options_changed() noexcept {
  const Held held(lock);
  outdated = true;
  if (!allowed || running || option("HAKMEM_LEARN"_option) == 0) return;
  if (!watches_forks) {
    watches_forks = watch_forks(before_fork, after_fork_in_parent, after_fork_in_child);
  }
  running = watches_forks && start_own_thread(learn);
  if (running) return;
  linux_detail::Line line;
  line << "hakmem: HAKMEM_LEARN=1, but the system refuses a thread; nothing is learned";
  line.print();
}

void allow_learning() noexcept {
  {
    const Held held(lock);
    allowed = true;
  }
  if (option("HAKMEM_LEARN"_option) != 0) learning_options_changed();
}

LearningFigures learning_figures() noexcept {
  // Relaxed, all four: statistics.
  return {windows.total.load(std::memory_order_relaxed), cap_moves.total.load(std::memory_order_relaxed),
          adoptions.total.load(std::memory_order_relaxed), reverts.total.load(std::memory_order_relaxed)};
}

}  // namespace hakmem
