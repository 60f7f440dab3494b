#pragma once
/// The races of the museum as trials of two threads.

#include <cstdint>
#include <span>

namespace hakmem::museum {

/// How trials are repeated.
struct Search {
  bool noisy;          ///< with schedule noise
  bool past_findings;  ///< goes on after the judge objected
  double seconds;      ///< at most
  std::uint64_t seed;
};

/// What came of repeating one trial.
struct Found {
  bool found = false;
  std::uint64_t trials = 0;
  double seconds = 0;
};

struct Bug {
  unsigned number;  ///< in docs/reports/museum.md
  const char* title;
  /// Whether it is a race on plain variables, which ThreadSanitizer must report. The others go wrong by atomic
  /// operations alone: nothing for it to see.
  bool data_race;
  Found (*faulty)(const Search&);
  Found (*sound)(const Search&);
};

[[nodiscard]] std::span<const Bug> museum_bugs() noexcept;

}  // namespace hakmem::museum
