#pragma once
/// Faults as choice points: a thread that stops for ever before one of its operations, and a fork, which leaves one
/// thread and stops all others where they are.
///
/// Whether a thread vanishes before an operation is a choice like the thread that runs next: an exhaustive search
/// explores every step, a replay token carries it, and a trace shows it. A thread that has vanished is out of the way
/// for the others' retry loops: what they wait for will not come, and a loop that needs it is a livelock. Its local
/// variables are not destroyed; scenarios keep checked variables out of the stacks of threads that may vanish.

#include <csetjmp>

#include "core/scenario.hpp"
#include "core/where.hpp"

namespace check {

class Faults {
 public:
  // For scenarios -----------------------------------------------------------------------------------------------------

  /// From now on each thread whose bit is set in `threads` may vanish before any of its atomic operations; no more than
  /// `times` of them do. To be called in before(); holds for one execution.
  static void may_vanish(unsigned threads, unsigned times = 1) noexcept {
    mortal_ = threads;
    left_ = times;
  }
  /// A fork, as the child sees it: the calling thread goes on alone, every other one has stopped between two steps.
  static void fork(Where where = Where::here());
  /// Whether something happens that may or may not: a choice that the search explores in both ways. \param what for the
  /// trace
  [[nodiscard]] static bool happens(const char* what, Where where = Where::here());
  /// The same of what happens a few times at most, whoever does it. \param left how often it may happen yet; counted down
  [[nodiscard]] static bool happens(const char* what, unsigned& left, Where where = Where::here());
  /// The threads that have vanished so far, a bit for each.
  [[nodiscard]] static unsigned vanished() noexcept { return vanished_; }

  // For the engine ----------------------------------------------------------------------------------------------------

  /// Before each execution.
  static void begin() noexcept { mortal_ = left_ = alive_ = doomed_ = vanished_ = 0; }
  /// Runs a thread's program until it ends or vanishes.
  static void run(Scenario& scenario, unsigned thread);
  /// The running thread is about to operate on an atomic.
  static void at_step() {
    if ((mortal_ | doomed_) != 0) [[unlikely]]
      may_end_here();
  }
  /// The running thread goes on after others have run.
  static void at_resumption() {
    if (doomed_ != 0) [[unlikely]]
      end_if_doomed();
  }

 private:
  static constexpr unsigned kMostThreads = 4;
  /// Of random searches: a thread vanishes before one of so many operations.
  static constexpr unsigned kRarity = 24;

  static void may_end_here();
  static void end_if_doomed();
  [[noreturn]] static void vanish(unsigned thread);

  static inline unsigned mortal_ = 0;
  static inline unsigned left_ = 0;
  static inline unsigned alive_ = 0;
  static inline unsigned doomed_ = 0;  ///< by a fork
  static inline unsigned vanished_ = 0;
  static std::jmp_buf ends_[kMostThreads];
};

}  // namespace check
