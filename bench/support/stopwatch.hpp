#pragma once

#include <time.h>

namespace hakmem::bench {

/// What a clock shows, in seconds.
inline double clock_seconds(clockid_t clock) noexcept {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// What a stretch of work took. The processor time of all threads together says more than the other on a machine that
/// does something else too.
struct Elapsed {
  double seconds = 0;
  double cpu_seconds = 0;
};

/// Runs from its creation on.
class Stopwatch {
 public:
  Elapsed elapsed() const noexcept {
    return {clock_seconds(CLOCK_MONOTONIC) - start_, clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_};
  }

 private:
  double start_ = clock_seconds(CLOCK_MONOTONIC);
  double cpu_start_ = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
};

}  // namespace hakmem::bench
