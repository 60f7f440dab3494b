#pragma once

#include <cstddef>
#include <cstdint>

#include "support/failure.hpp"

/// Small programs whose allocations are those of real ones. Each checks itself, and its checksum depends on the
/// arguments alone: two allocators that give different checksums cannot both be right.
namespace hakmem::bench {

/// How much of a scenario to run.
struct Work {
  std::uint32_t threads;
  std::uint64_t iterations;  // per thread
  std::uint64_t seed;
};

struct Outcome {
  std::uint64_t operations = 0;
  std::uint64_t checksum = 0;
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

/// Pairs of threads; runs its own threads, `work.threads` of them.
Outcome run_handoff(const Work& work);

}  // namespace hakmem::bench
