#pragma once
/// What `ab` compares: pairs of variants that differ in one policy or one setting.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "support/stopwatch.hpp"

namespace hakmem::bench {

/// One run of one variant.
struct Sample {
  std::uint64_t operations = 0;
  Elapsed elapsed;
};

/// Exact figures by name; the same in every run on every machine.
using Counts = std::map<std::string, std::uint64_t>;

/// One side. What is empty is not measured.
struct Variant {
  std::string name;
  std::function<Sample()> run;
  /// User instructions per operation, the loop around it included, of about so many operations.
  std::function<double(std::uint64_t counted)> instructions;
  /// Of one run on a fresh heap.
  std::function<Counts()> counts;
};

/// A is what ships, B what it is compared with.
struct Comparison {
  std::string workload;
  unsigned threads = 1;
  Variant a;
  Variant b;
};

/// How much is done for one figure.
struct Effort {
  std::uint64_t operations = 1'000'000;  ///< per thread and run
  std::uint64_t counted = 1'000;         ///< whose instructions are counted, of each variant; 0: none are
};

/// What the specification demands of a pair.
struct Target {
  const char* words;
  /// Least speed of A : speed of B by processor time; 0: none.
  double least_ratio = 0;
  /// By name of a count, how much less of it A must have, as a share of B's.
  std::map<std::string, double> least_saved;
};

struct Pair {
  const char* name;
  const char* rows;  ///< of the specification
  const char* question;
  std::optional<Target> target;
  /// \throws std::runtime_error without memory
  std::vector<Comparison> (*make)(const Effort& effort);
};

/// Every pair, in the order of the table. A new one is a function in pairs.hpp and a line in catalogue.cpp.
[[nodiscard]] const std::vector<Pair>& all_pairs();

}  // namespace hakmem::bench
