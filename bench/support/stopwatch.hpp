#pragma once

#include <sys/resource.h>
#include <time.h>

#include <cstdint>

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
  double system_seconds = 0;  // the part of cpu_seconds in the kernel, as getrusage tells: exact to a tick or better
  std::uint64_t page_faults = 0;  // those for which nothing was read from a disk
};

/// Runs from its creation on.
class Stopwatch {
 public:
  Elapsed elapsed() const noexcept {
    const rusage now = usage();
    return {clock_seconds(CLOCK_MONOTONIC) - start_, clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_,
            system_seconds(now) - system_seconds(usage_start_),
            static_cast<std::uint64_t>(now.ru_minflt - usage_start_.ru_minflt)};
  }

 private:
  static rusage usage() noexcept {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage;
  }

  static double system_seconds(const rusage& usage) noexcept {
    return static_cast<double>(usage.ru_stime.tv_sec) + static_cast<double>(usage.ru_stime.tv_usec) * 1e-6;
  }

  rusage usage_start_ = usage();
  double start_ = clock_seconds(CLOCK_MONOTONIC);
  double cpu_start_ = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
};

}  // namespace hakmem::bench
