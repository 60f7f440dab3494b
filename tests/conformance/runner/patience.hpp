#pragma once
/// Tells a program that hangs from one that the machine is slow with.

#include <sys/types.h>

#include <chrono>

namespace hakmem::conformance {

/// How long to wait for a process group. It may use so much processor time, against loops without an end; and of the
/// time on the wall only that counts, and less of it will do, in which none of its threads runs, or waits for a
/// processor or a disk. Not thread-safe.
class Patience {
 public:
  using Seconds = std::chrono::duration<double>;

  /// \param group processes that all have this process group
  /// \param asleep how long it may sleep; it may be busy for kBusyFactor times as long
  Patience(pid_t group, Seconds asleep) : group_(group), limit_(asleep) {}

  /// To be asked again and again: what has passed since the last call counts as sleep when the group is found asleep and has
  /// used no processor time since. Who asks late, as the machine is slow with the asker, too, has seen no more than one
  /// look shows.
  [[nodiscard]] bool is_over();

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double kBusyFactor = 20;
  static constexpr Seconds kMostOfALook{0.5};

  pid_t group_;
  Seconds limit_;
  Seconds asleep_{0};
  unsigned long ticks_ = 0;
  Clock::time_point last_ = Clock::now();
};

}  // namespace hakmem::conformance
