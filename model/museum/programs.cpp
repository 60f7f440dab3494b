/// Exhibits that no schedule shows: a fork, a control law, sizes that drift.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "lockfree/slot_word.hpp"
#include "model/museum/exhibit.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::model {

namespace {

/// Runs in the child. \return whether the lock can be had within a moment.
bool can_lock(std::timed_mutex& lock) {
  constexpr auto kMoment = std::chrono::milliseconds(300);
  return lock.try_lock_for(kMoment);
}

}  // namespace

std::string forgets_the_lock_at_fork(bool faulty) {
  // Outlives both processes: the child cannot destroy what it cannot unlock.
  auto* lock = new std::timed_mutex;
  std::promise<void> held;
  std::promise<void> over;
  std::thread holder([&] {
    const std::unique_lock<std::timed_mutex> guard(*lock);
    held.set_value();
    // The sound parent waits for the lock before it forks, so this holder must not wait for the fork.
    if (faulty) over.get_future().wait();
  });
  held.get_future().wait();
  if (!faulty) lock->lock();
  const pid_t child = ::fork();
  if (child == 0) {
    if (!faulty) lock->unlock();
    ::_exit(can_lock(*lock) ? 0 : 1);
  }
  if (!faulty) lock->unlock();
  over.set_value();
  holder.join();
  if (child < 0) return "fork failed";
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return "the child waits for ever for a lock that a thread of its parent held";
}

std::string moves_a_limit_to_and_fro(bool faulty) {
  constexpr double kTarget = 0.65;
  constexpr double kBand = 0.05;
  constexpr int kStep = 4;
  constexpr int kWindows = 2000;
  constexpr int kSettled = 500;
  int cap = 8;
  int moves = 0;
  for (int window = 0; window < kWindows; ++window) {
    // A constant load: the hit rate grows with the cap.
    const double hit = static_cast<double>(cap) / 100;
    const double slack = faulty ? 0 : kBand;
    const int before = cap;
    if (hit < kTarget - slack) cap += kStep;
    if (hit > kTarget + slack) cap -= kStep;
    if (window >= kSettled && cap != before) ++moves;
  }
  if (moves <= 2) return {};
  return "the cap never settles under a constant load: " + std::to_string(moves) + " moves in " +
         std::to_string(kWindows - kSettled) + " windows";
}

std::string keeps_slots_for_their_class(bool faulty) {
  constexpr unsigned kSlots = 32;
  constexpr unsigned kClasses = 64;
  struct Slots {
    SlotWord<StdSync, kSlots> word;
    std::array<unsigned, kSlots> last_class{};
  };
  std::vector<std::unique_ptr<Slots>> mapped;
  const auto acquire = [&](unsigned size_class) {
    for (const auto& one : mapped) {
      for (unsigned slot = 0; slot < kSlots; ++slot) {
        if (faulty && one->last_class[slot] != size_class) continue;
        if (one->word.claim_at(slot, 1)) return;
      }
      const int slot = one->word.claim_run(1, SlotChoice::kUnused);
      if (slot < 0) continue;
      one->last_class[static_cast<unsigned>(slot)] = size_class;
      return;
    }
    mapped.push_back(std::make_unique<Slots>());
    mapped.back()->word.activate(1);
    mapped.back()->last_class[0] = size_class;
  };
  // Each class is used by itself, as much as fills a SuperSlab but for one slot; one slot of each stays in use.
  for (unsigned size_class = 0; size_class < kClasses; ++size_class) {
    for (unsigned i = 0; i + 1 < kSlots; ++i) acquire(size_class);
    for (const auto& one : mapped) {
      const auto active = one->word.snapshot().active();
      for (unsigned slot = 1; slot < kSlots; ++slot) {
        if ((active >> slot & 1) != 0) (void)one->word.release(slot, 1);
      }
    }
  }
  constexpr std::size_t kEnough = 2;
  if (mapped.size() <= kEnough) return {};
  return "memory grows with every class: " + std::to_string(mapped.size()) + " SuperSlabs for the slots of one";
}

}  // namespace hakmem::model
