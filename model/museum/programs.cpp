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

#include "learner/learner.hpp"
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

// 12: the shipping learner over a cache with a steady load, once with its own laws and once with others in their place.

namespace {

/// A cache of one class. From a cap of 100 blocks on it serves nine requests of ten, below it serves half: no cap meets
/// the target. And each value of W_MAX is as good as the next.
class SteadyCache {
 public:
  static constexpr unsigned kClasses = 1;

  [[nodiscard]] CacheCounters counters(unsigned) const { return counters_; }
  [[nodiscard]] std::uint32_t cap(unsigned) const { return cap_; }
  void set_cap(unsigned, std::uint32_t blocks) { cap_ = blocks; }
  void set_max_waste(double) {}

  /// One window goes by.
  void run() {
    constexpr std::uint64_t kRequests = 1'000'000;
    constexpr std::uint32_t kEnough = 100;
    const std::uint64_t hits = cap_ >= kEnough ? kRequests / 10 * 9 : kRequests / 2;
    counters_ += {.hits = hits, .misses = kRequests - hits, .asked_bytes = hits, .served_bytes = hits};
  }

 private:
  CacheCounters counters_;
  std::uint32_t cap_ = 8;
};

/// It steps up below the target and down above it: what has been found before is forgotten.
struct ForgetfulCapLaw : ControlLaws {
  static CapState cap(const CapState& state, const CacheCounters& window, const CapSettings& settings) {
    CapState next = next_cap(state, window, settings);
    learner_detail::forget(next);
    return next;
  }
};

/// Who was tried last stays, whatever its score.
struct TheLastTriedStays : ControlLaws {
  static WasteState waste(const WasteState& state, const CacheCounters& window, const WasteSettings& settings) {
    WasteState next = next_waste(state, window, settings);
    if (state.measuring() && !next.measuring()) next.adopted = state.rival;
    return next;
  }
};

/// Changes after the search should be over.
struct Changes {
  std::uint64_t of_caps = 0;
  std::uint64_t of_waste = 0;
};

constexpr unsigned kLearnedWindows = 500;
constexpr unsigned kWatchedWindows = 5000;

template <class Laws>
Changes changes_of(const LearnerSettings& settings) {
  SteadyCache cache;
  std::uint64_t now = 0;
  Learner<SteadyCache, Laws> learner(cache, settings, now);
  const auto run = [&](unsigned windows) {
    for (unsigned i = 0; i < windows; ++i) {
      cache.run();
      learner.run_window(now += settings.window_ns);
    }
  };
  run(kLearnedWindows);
  const Changes before{learner.cap_moves(), learner.adoptions()};
  run(kWatchedWindows);
  return {learner.cap_moves() - before.of_caps, learner.adoptions() - before.of_waste};
}

std::string unsettled(const char* what, std::uint64_t changes) {
  if (changes == 0) return {};
  return std::string(what) + " never settles under a steady load: " + std::to_string(changes) + " changes in " +
         std::to_string(kWatchedWindows) + " windows";
}

}  // namespace

std::string moves_a_cap_to_and_fro(bool faulty) {
  const LearnerSettings settings;
  return unsettled("the cap",
                   (faulty ? changes_of<ForgetfulCapLaw>(settings) : changes_of<ControlLaws>(settings)).of_caps);
}

std::string moves_the_waste_to_and_fro(bool faulty) {
  LearnerSettings settings;
  settings.learn_waste = true;
  return unsettled("W_MAX",
                   (faulty ? changes_of<TheLastTriedStays>(settings) : changes_of<ControlLaws>(settings)).of_waste);
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
