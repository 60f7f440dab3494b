#include "runner/agreement.hpp"

#include <fmt/core.h>

#include <map>
#include <string>

#include "core/schedule.hpp"

namespace check {

namespace {

/// What an engine says of a suite, by all its searches.
struct Opinion {
  bool ended = false;
  bool finds = false;
  std::string blind;
};

/// A broken variant that is caught, a suite that fails.
bool finds(const Result& result) { return result.broken_variant == result.passes(); }

void add(Opinion& opinion, const Result& result) {
  if (result.status == Status::kIncomplete) return;
  opinion.ended = true;
  opinion.finds |= finds(result);
  if (!result.blind.empty()) opinion.blind = result.blind;
}

/// Load buffering neither of them shows: it excuses none of them.
bool is_excused(const Opinion& opinion) { return !opinion.blind.empty() && opinion.blind != "LB"; }

}  // namespace

std::vector<Result> disagreements(const std::vector<Result>& results) {
  struct Both {
    Opinion graph, relacy;
    bool broken_variant = false;
  };
  std::map<std::string, Both> suites;
  for (const Result& result : results) {
    Both& both = suites[result.suite];
    both.broken_variant = result.broken_variant;
    add(is_by_graphs(result.scheduler) ? both.graph : both.relacy, result);
  }
  std::vector<Result> rows;
  for (const auto& [name, both] : suites) {
    if (!both.graph.ended || !both.relacy.ended || both.graph.finds == both.relacy.finds) continue;
    const Opinion& without = both.graph.finds ? both.relacy : both.graph;
    if (is_excused(without)) continue;
    Result row;
    row.suite = name;
    row.scheduler = "both";
    row.broken_variant = both.broken_variant;
    row.verdict = "ENGINES DISAGREE";
    row.status = Status::kFail;
    row.message =
        fmt::format("the {} engine finds a fault, and the other one none", both.graph.finds ? "graph" : "relacy");
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace check
