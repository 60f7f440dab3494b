#include "api/background.hpp"

#include <algorithm>
#include <mutex>

#include "api/options.hpp"
#include "api/own_thread.hpp"
#include "api/process_heap.hpp"
#include "os/pthread_lock.hpp"

namespace hakmem {

namespace {

/// Guards what follows, and is held while memory is given back: a child that is forked finds the heap whole.
constinit PthreadLock lock;
bool allowed = false;
bool watches_forks = false;
bool running = false;

using Held = std::lock_guard<PthreadLock>;

/// Calls by which memory goes back to the system, so far.
std::uint64_t calls_that_give_back() noexcept {
  using linux_detail::MappingCall;
  return ProcessOs::calls(MappingCall::kMunmap) + ProcessOs::calls(MappingCall::kMadvise);
}

/// What is kept is looked at once in a purge delay, but in no hurry and with no hour between: an option may change.
std::int64_t look_ms() noexcept {
  constexpr std::int64_t kLeast = 100, kMost = 1000;
  const std::int64_t delay = option("HAKMEM_PURGE_DELAY_MS"_option);
  return delay < 0 ? kMost : std::clamp(delay, kLeast, kMost);
}

/// One turn of the thread. \return false when it is to go; else the milliseconds until the next one are in `pause`.
bool take_turn(std::int64_t& pause) noexcept {
  const bool last = only_own_threads_are_left();
  const Held held(lock);
  if (last || option("HAKMEM_BACKGROUND"_option) == 0) return running = false;
  const std::uint64_t before = calls_that_give_back();
  process_heap.purge();
  // Where nothing came back it sleeps twice as long. An idle process is to be woken seldom.
  const std::int64_t look = look_ms();
  pause = calls_that_give_back() == before ? 2 * look : look;
  return true;
}

void give_back() noexcept {
  constexpr std::uint64_t kNsPerMs = 1'000'000;
  for (std::int64_t pause = 0; take_turn(pause);) sleep_for_ns(static_cast<std::uint64_t>(pause) * kNsPerMs);
}

void before_fork() noexcept { lock.lock(); }
void after_fork_in_parent() noexcept { lock.unlock(); }
/// The child has a thread of its own.
void after_fork_in_child() noexcept {
  running = false;
  lock.unlock();
  if (kChildrenStartThreads) background_option_changed();
}

}  // namespace

void background_option_changed() noexcept {
  const Held held(lock);
  if (!allowed || running || option("HAKMEM_BACKGROUND"_option) == 0) return;
  if (!watches_forks) watches_forks = watch_forks(before_fork, after_fork_in_parent, after_fork_in_child);
  running = watches_forks && start_own_thread(give_back);
  if (running) return;
  linux_detail::Line line;
  line << "hakmem: HAKMEM_BACKGROUND=1, but the system refuses a thread; memory is given back by those who allocate "
          "and free";
  line.print();
}

void allow_background() noexcept {
  {
    const Held held(lock);
    allowed = true;
  }
  background_option_changed();
}

}  // namespace hakmem
