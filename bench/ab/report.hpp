#pragma once
/// Results as a table, as Markdown and as JSON.

#include <nlohmann/json.hpp>

#include "ab/measure.hpp"

namespace hakmem::bench {

/// A pair and its results, in the order of its comparisons.
struct PairResults {
  const Pair* pair;
  std::vector<Result> results;
};

struct RunFacts {
  unsigned rounds;
  std::uint64_t operations;
  unsigned cores;
  double load;  ///< of the machine in the minute before
};

/// The lines before a pair's comparisons, and the line of one of them.
[[nodiscard]] std::string heading(const Pair& pair);
[[nodiscard]] std::string line(const Result& result);

[[nodiscard]] std::string as_markdown(const RunFacts& facts, const std::vector<PairResults>& all);
[[nodiscard]] nlohmann::json as_json(const RunFacts& facts, const std::vector<PairResults>& all);

}  // namespace hakmem::bench
