#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/failure.hpp"

/// Small programs whose allocations are those of real ones. Each checks itself, and its checksum depends on the
/// arguments alone: two allocators that give different checksums cannot both be right.
namespace hakmem::bench {

/// How much of a scenario to run.
struct Work {
  std::uint32_t threads;
  std::uint64_t iterations;  // per thread; where threads work in groups, per group
  std::uint64_t seed;
  double idle_seconds = 0;  // how long `peak` does nothing
};

/// Resident memory at a moment of a run.
struct Resident {
  const char* when;
  double seconds;  // since the start of the run
  std::uint64_t bytes;
};

struct Outcome {
  std::uint64_t operations = 0;
  std::uint64_t checksum = 0;
  double idle_seconds = 0;  // in which nothing was done on purpose: no part of the time that counts
  std::vector<Resident> rss_over_time;
};

/// Ends the program if a scenario finds its own result to be wrong.
inline void demand(bool holds, const char* what) {
  if (!holds) die(what);
}

/// FNV-1a, continued over several pieces.
inline std::uint64_t hash_bytes(const void* data, std::size_t size, std::uint64_t hash = 0xcbf29ce484222325U) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * 0x100000001b3U;
  return hash;
}

/// One thread's share of a scenario whose threads do not meet. `thread` is the number of the thread.
using Worker = Outcome (*)(const Work& work, std::uint32_t thread);

Outcome json_worker(const Work& work, std::uint32_t thread);
Outcome mir_worker(const Work& work, std::uint32_t thread);
Outcome vm_worker(const Work& work, std::uint32_t thread);
Outcome factor_worker(const Work& work, std::uint32_t thread);
Outcome large_worker(const Work& work, std::uint32_t thread);
Outcome batch_worker(const Work& work, std::uint32_t thread);
Outcome working_set_worker(const Work& work, std::uint32_t thread);
Outcome active_sharing_worker(const Work& work, std::uint32_t thread);
Outcome realloc_worker(const Work& work, std::uint32_t thread);
Outcome calloc_worker(const Work& work, std::uint32_t thread);
Outcome tree_worker(const Work& work, std::uint32_t thread);

/// A scenario whose threads meet: it runs them itself, `work.threads` of them.
using Runner = Outcome (*)(const Work& work);

Outcome run_handoff(const Work& work);
Outcome run_producer(const Work& work);
Outcome run_exchange(const Work& work);
Outcome run_passive_sharing(const Work& work);
Outcome run_peak(const Work& work);

}  // namespace hakmem::bench
