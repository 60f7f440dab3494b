/// Forks, signals, and threads that come and go.

#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "edge.hpp"
#include "hakmem/hakmem.h"

namespace hakmem::edges {

namespace {

using namespace std::chrono_literals;

std::vector<Filled> one_of_every_kind(std::uint64_t seed) {
  std::vector<Filled> blocks;
  for (const std::size_t size : kSizesOfEveryKind) blocks.push_back(take_surely(size, seed * 100 + blocks.size()));
  return blocks;
}

void give_back_every_other(std::vector<Filled>& blocks, std::size_t first) {
  for (std::size_t i = first; i < blocks.size(); i += 2) give_back(blocks[i]);
}

void expect_child_fault_of_child(pid_t child) {
  if (child < 0) fail("fork fails");
  if (const std::string fault = fault_of_child(child); !fault.empty()) fail("a child: %s", fault.c_str());
}

// Fork ---------------------------------------------------------------------------------------------------------------

/// What a child does: frees half of what its parent has allocated, allocates, starts threads, forks while they work;
/// the grandchild frees the other half.
void live_as_child(std::vector<Filled> parents, unsigned generations) {
  for (const Filled& block : parents) {
    if (block.block != nullptr) check(block);
  }
  give_back_every_other(parents, generations % 2);
  auto own = one_of_every_kind(generations + 7);
  {
    const BusyThreads busy(2);
    if (generations > 0) {
      const pid_t grandchild = ::fork();
      if (grandchild == 0) {
        give_back_every_other(parents, 1 - generations % 2);
        live_as_child(own, generations - 1);
        ::_exit(EXIT_SUCCESS);
      }
      expect_child_fault_of_child(grandchild);
    }
  }
  give_back_every_other(own, 0);
  give_back_every_other(own, 1);
  trim();
}

void fork_children(std::uint64_t seed) {
  constexpr int kChildren = 3;
  auto blocks = one_of_every_kind(seed);
  for (int i = 0; i < kChildren; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      live_as_child(blocks, 2);
      ::_exit(EXIT_SUCCESS);
    }
    expect_child_fault_of_child(child);
  }
  for (Filled& block : blocks) give_back(block);
}

}  // namespace

/// Three threads fork at the same time, while three others never rest.
void fork_storm() {
  const BusyThreads busy(3);
  std::vector<std::thread> forking;
  for (std::uint64_t i = 1; i <= 2; ++i) forking.emplace_back([i] { fork_children(i); });
  fork_children(3);
  for (auto& thread : forking) thread.join();
}

/// A thread that holds nothing vanishes in each of many generations: what it leaves behind is bounded.
void fork_generations() {
  constexpr unsigned kGenerations = 24;
  constexpr std::size_t kMostPerGeneration = kMiB;
  const auto pairs = [](const std::atomic<bool>& stop) {
    Random random(3);
    while (!stop.load(std::memory_order_relaxed)) {
      Filled block = take_surely(1 + random.below(100 * kKiB), random.next());
      give_back(block);
    }
  };
  pairs(true);
  const std::size_t first = resident_memory();
  for (unsigned generation = 0; generation < kGenerations; ++generation) {
    std::atomic<bool> stop{false};
    std::thread thread([&] { pairs(stop); });
    std::this_thread::sleep_for(8ms);
    const pid_t child = ::fork();
    if (child != 0) {
      stop.store(true);
      thread.join();
      expect_child_fault_of_child(child);
      if (generation == 0) return;
      ::_exit(EXIT_SUCCESS);
    }
    thread.detach();
  }
  trim();
  const std::size_t now = resident_memory();
  const std::size_t left = now > first ? now - first : 0;
  std::printf("left by each vanished thread: %zu KiB\n", left / kKiB / kGenerations);
  std::fflush(stdout);
  if (left > kGenerations * kMostPerGeneration) fail("%zu KiB are left by %u threads", left / kKiB, kGenerations);
  ::_exit(EXIT_SUCCESS);
}

// Signals ------------------------------------------------------------------------------------------------------------

namespace {

std::atomic<std::uint64_t> handled{0};

void count_signal(int) { handled.fetch_add(1, std::memory_order_relaxed); }

/// A signal to the calling thread every twentieth of a millisecond until destroyed.
class Interruptions {
 public:
  Interruptions() {
    if (fault == Fault::kNoSignals) return;
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGUSR1;
    event._sigev_un._tid = static_cast<pid_t>(::syscall(SYS_gettid));
    const itimerspec period{{0, 50'000}, {0, 50'000}};
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) fail("timer_create fails");
    if (::timer_settime(timer_, 0, &period, nullptr) != 0) fail("timer_settime fails");
  }
  ~Interruptions() {
    if (fault != Fault::kNoSignals) ::timer_delete(timer_);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

 private:
  timer_t timer_{};
};

void work_under_interruptions(std::uint64_t seed, std::array<std::atomic<Filled*>, 16>& places) {
  const Interruptions interruptions;
  Random random(seed);
  const auto end = std::chrono::steady_clock::now() + 700ms;
  std::array<Filled, 64> live{};
  while (std::chrono::steady_clock::now() < end) {
    Filled& block = live[random.below(live.size())];
    give_back(block);
    block = take_surely(any_size(random), random.next());
    if (random.below(8) != 0) continue;
    // Hand it to another thread.
    Filled* other = places[random.below(places.size())].exchange(new Filled(block));
    block = other == nullptr ? Filled{} : *other;
    delete other;
  }
  for (Filled& block : live) give_back(block);
}

}  // namespace

/// Handlers that do not allocate interrupt every path of several threads.
void signal_storm() {
  struct sigaction action{};
  action.sa_handler = count_signal;
  if (::sigaction(SIGUSR1, &action, nullptr) != 0) fail("sigaction fails");
  std::array<std::atomic<Filled*>, 16> places{};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 1; i <= 4; ++i) threads.emplace_back([&, i] { work_under_interruptions(i, places); });
  for (auto& thread : threads) thread.join();
  for (auto& place : places) {
    if (Filled* left = place.load()) {
      give_back(*left);
      delete left;
    }
  }
  std::printf("signals handled: %llu\n", static_cast<unsigned long long>(handled.load()));
  if (handled.load() < 1000) fail("only %zu signals arrived", static_cast<std::size_t>(handled.load()));
}

namespace {

thread_local sigjmp_buf way_out;
thread_local std::atomic<bool> may_jump{false};

void jump_out(int) {
  // Only the thread itself and its handlers: relaxed.
  if (!may_jump.load(std::memory_order_relaxed)) return;
  may_jump.store(false, std::memory_order_relaxed);
  ::siglongjmp(way_out, 1);
}

/// Allocates and frees until a handler has jumped out of it so many times.
void be_jumped_out_of(int times) {
  const Interruptions interruptions;
  static thread_local Random random(5);
  for (volatile int jumps = 0; jumps < times;) {
    if (sigsetjmp(way_out, 1) != 0) {
      jumps = jumps + 1;
      continue;
    }
    may_jump.store(true, std::memory_order_relaxed);
    for (;;) std::free(opaque(std::malloc(any_size(random))));
  }
}

}  // namespace

/// A handler jumps out of malloc and free. The standards forbid it; here other threads do not suffer.
void jumps() {
  struct sigaction action{};
  action.sa_handler = jump_out;
  if (::sigaction(SIGUSR1, &action, nullptr) != 0) fail("sigaction fails");
  const BusyThreads busy(2);
  for (int i = 0; i < 5; ++i) std::thread([] { be_jumped_out_of(1000); }).join();
  const std::uint64_t steps = busy.steps();
  std::this_thread::sleep_for(50ms);
  if (busy.steps() == steps) fail("the other threads are stuck");
}

// Threads ------------------------------------------------------------------------------------------------------------

namespace {

/// Contexts of the malloc under test, or 0 when it is none of this project's.
std::size_t thread_contexts() {
  using Read = std::size_t(hak_statistics*, std::size_t);
  auto* read = reinterpret_cast<Read*>(::dlsym(RTLD_DEFAULT, "hak_statistics_read"));
  if (read == nullptr) return 0;
  hak_statistics now;
  (void)read(&now, sizeof now);
  return now.thread_contexts;
}

/// Allocates, leaves a block to some other thread, and frees what another one has left.
void live_shortly(std::uint64_t seed, std::array<std::atomic<void*>, 32>& places) {
  Random random(seed);
  std::array<Filled, 12> blocks;
  for (Filled& block : blocks) block = take_surely(1 + random.below(50 * kKiB), random.next());
  void* other = places[random.below(places.size())].exchange(request(1 + random.below(3 * kKiB), random.next()));
  if (fault != Fault::kLeaks) std::free(other);
  for (Filled& block : blocks) give_back(block);
}

}  // namespace

void short_lived_threads() {
  constexpr unsigned kAtATime = 16;
  constexpr unsigned kThreads = 10'000;
  constexpr std::size_t kMost = 8 * kMiB;
  std::array<std::atomic<void*>, 32> places{};
  const std::size_t before = resident_memory();
  std::vector<std::thread> parents;
  for (unsigned parent = 0; parent < kAtATime; ++parent) {
    parents.emplace_back([&, parent] {
      for (unsigned i = 0; i < kThreads / kAtATime; ++i) {
        std::thread([&, seed = parent * kThreads + i] { live_shortly(seed, places); }).join();
      }
    });
  }
  for (auto& parent : parents) parent.join();
  for (auto& place : places) std::free(place.load());
  trim();
  const std::size_t now = resident_memory();
  const std::size_t left = now > before ? now - before : 0;
  std::printf("left by %u threads: %zu KiB, contexts: %zu\n", kThreads, left / kKiB, thread_contexts());
  // A thread's successor may start before it has parked its context: twice as many at the most, and the main thread's.
  if (thread_contexts() > 4 * kAtATime + 1) fail("%zu thread contexts were made", thread_contexts());
  if (left > kMost) fail("%zu KiB are left by threads that have freed everything", left / kKiB);
}

// Threads that are cancelled, and one that is held up -----------------------------------------------------------------

namespace {

using Places = std::array<std::atomic<void*>, 32>;

/// Blocks of a thread, freed when it is unwound.
struct Holding {
  ~Holding() {
    for (Filled& block : blocks) give_back(block);
  }
  std::array<Filled, 8> blocks{};
};

void* live_until_cancelled(void* shared) {
  auto& places = *static_cast<Places*>(shared);
  Holding mine;
  Random random(reinterpret_cast<std::uintptr_t>(&mine));
  for (;;) {
    Filled& block = mine.blocks[random.below(mine.blocks.size())];
    give_back(block);
    block = take_surely(1 + random.below(50 * kKiB), random.next());
    std::free(places[random.below(places.size())].exchange(request(1 + random.below(3 * kKiB), random.next())));
    ::pthread_testcancel();
  }
}

/// Starts threads and cancels them while they work.
void cancel_some(Places& places, Random& random) {
  std::array<pthread_t, 8> threads{};
  for (pthread_t& thread : threads) {
    if (::pthread_create(&thread, nullptr, live_until_cancelled, &places) != 0) fail("pthread_create fails");
  }
  for (const pthread_t thread : threads) {
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(500)));
    if (fault != Fault::kNoSignals && ::pthread_cancel(thread) != 0) fail("pthread_cancel fails");
  }
  for (const pthread_t thread : threads) {
    void* result = nullptr;
    if (::pthread_join(thread, &result) != 0 || result != PTHREAD_CANCELED) fail("a thread was not cancelled");
  }
}

std::atomic<bool> is_held_up{false};
std::atomic<bool> may_go_on{false};

/// A signal handler that does not come back until it may: its thread stands still wherever it was.
void hold_up(int) {
  const int error = errno;
  is_held_up = true;
  const timespec moment{0, 100'000};
  while (!may_go_on) ::nanosleep(&moment, nullptr);
  is_held_up = false;
  errno = error;
}

/// \param what is said when it does not come true within seconds, of which one need not pass where no signal is ever sent
template <class Condition>
void wait_until(Condition condition, const char* what) {
  const auto deadline = std::chrono::steady_clock::now() + (fault == Fault::kNoSignals ? 3s : 20s);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) fail("%s", what);
    std::this_thread::sleep_for(100us);
  }
}

void expect_progress(const BusyThreads& busy) {
  const std::uint64_t steps = busy.steps();
  wait_until([&] { return busy.steps() > steps + 2000; }, "the other threads are stuck");
}

}  // namespace

void cancelled_threads() {
  constexpr std::size_t kMost = 8 * kMiB;
  Places places{};
  Random random(1);
  cancel_some(places, random);  // what the C library keeps for unwinding is there then
  const std::size_t before = resident_memory();
  const int rounds = fault == Fault::kNone ? 200 : 10;
  for (int round = 0; round < rounds; ++round) cancel_some(places, random);
  for (auto& place : places) std::free(place.load());
  trim();
  const std::size_t now = resident_memory();
  const std::size_t left = now > before ? now - before : 0;
  std::printf("left by cancelled threads: %zu KiB, contexts: %zu\n", left / kKiB, thread_contexts());
  if (left > kMost) fail("%zu KiB are left by cancelled threads", left / kKiB);
}

void held_up_thread() {
  struct sigaction action{};
  action.sa_handler = hold_up;
  if (::sigaction(SIGUSR1, &action, nullptr) != 0) fail("sigaction fails");
  const BusyThreads busy(3);
  sigset_t usr1;
  ::sigemptyset(&usr1);
  ::sigaddset(&usr1, SIGUSR1);
  (void)::pthread_sigmask(SIG_BLOCK, &usr1, nullptr);  // one of the others gets it
  for (int i = 0; i < 300; ++i) {
    may_go_on = false;
    if (fault != Fault::kNoSignals) (void)::kill(::getpid(), SIGUSR1);
    wait_until([] { return is_held_up.load(); }, "no thread was held up");
    expect_progress(busy);
    const auto seconds_later = std::chrono::steady_clock::now() + (i == 0 ? 3s : 0s);
    while (std::chrono::steady_clock::now() < seconds_later) expect_progress(busy);
    may_go_on = true;
    wait_until([] { return !is_held_up.load(); }, "the thread does not go on");
  }
}

}  // namespace hakmem::edges
