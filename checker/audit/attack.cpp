#include "audit/attack.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "core/subject.hpp"

namespace check {

namespace {

constexpr std::uint64_t kSeed = 1;           // of the random searches
constexpr std::uint64_t kFirst = 3000;       // executions of the look that comes before the searches
constexpr std::uint64_t kSample = 10'000;    // executions of a suite that has to bear a mutant
constexpr std::uint64_t kPatience = 6;       // times the executions of a search of the code as it is
constexpr std::uint64_t kLeast = 1'000'000;  // executions that a search of a mutant may have in any case

std::string token_of(const Mutant& mutant, const Known& known, const Strategy& strategy, const Outcome& outcome) {
  if (outcome.choices.empty()) return {};
  return fmt::format("{}{}{}:{}:{}:{}", known.suite->name(), kMutantMark, mutant.id(), to_string(strategy), known.key,
                     outcome.choices);
}

/// One search of a mutant. \return whether the suite's verdict is settled by it.
bool search_mutant(const Mutant& mutant, const Known& known, const Search& search, const Limits& limits,
                   nlohmann::json& run) {
  const Outcome outcome = explore(known.suite->type(), known.suite->depth(), search, limits);
  if (outcome.cut) run["verdict"] = "timeout";
  if (!outcome.failed) return outcome.cut;
  run["verdict"] = "killed";
  run["scheduler"] = to_string(search.strategy);
  run["execution"] = outcome.executions;
  run["problem"] = outcome.problem;
  run["token"] = token_of(mutant, known, search.strategy, outcome);
  return true;
}

/// The quick tier, but that no compare-and-swap fails for no reason: it would take some eight times as long.
std::vector<Search> searches_of(const Suite& suite) {
  std::vector<Search> searches = suite.searches(Tier::kQuick);
  for (Search& search : searches) search.strategy.failures = 0;
  return searches;
}

}  // namespace

Result measure(const Suite& suite, Limits limits) {
  limits.seed = kSeed;
  Result result;
  result.suite = suite.name();
  result.status = Status::kPass;
  nlohmann::json seconds = nlohmann::json::array();
  nlohmann::json executions = nlohmann::json::array();
  for (const Search& search : searches_of(suite)) {
    const Outcome outcome = explore(suite.type(), suite.depth(), search, limits);
    seconds.push_back(outcome.processor_seconds);
    executions.push_back(outcome.executions);
    result.executions += outcome.executions;
    result.status = outcome.cut && !outcome.failed ? Status::kIncomplete : judged(!outcome.failed);
    result.message = outcome.failed ? outcome.problem : "ended before it was done";
    if (!result.passes()) break;
  }
  nlohmann::json sites = nlohmann::json::array();
  for (const Site& site : Sites::all()) {
    if (!is_source(site.where.file)) continue;
    sites.push_back(to_json(
        AuditSite{site.where.file, site.where.function, site.where.line, site.operation, site.written, site.weak}));
  }
  result.details = {{"sites", sites}, {"seconds", seconds}, {"executions", executions}};
  if (!result.passes()) result.details["problem"] = result.message;
  return result;
}

Result attack(const Mutant& mutant, const std::vector<const Known*>& suites, Limits limits) {
  limits.seed = kSeed;
  Sites::plan(mutant.planned());
  Result result;
  result.suite = mutant.id();
  result.details = nlohmann::json::array();
  const auto finish = [&](nlohmann::json run) {
    result.status = judged(run["verdict"] == "killed");
    result.details.push_back(std::move(run));
  };
  std::set<const Known*> looked_through;  // to the end of what comes first in the plan
  for (const Known* known : suites) {
    nlohmann::json run{{"suite", known->suite->name()}, {"verdict", "survived"}};
    const Search planned = searches_of(*known->suite).front();
    Search look = random(mutant.allowed ? kSample : kFirst);
    if (planned.strategy.by_graphs()) look = mutant.allowed ? planned : at_most(kFirst, planned);
    search_mutant(mutant, *known, look, limits, run);
    if (planned.strategy.by_graphs() && run["verdict"] == "survived") looked_through.insert(known);
    const bool killed = run["verdict"] == "killed";
    // A short look that is cut short says nothing; a sample has to come to its end.
    if (killed || mutant.allowed) finish(std::move(run));
    if (killed || *limits.stop) return result;
  }
  if (mutant.allowed) return result;
  for (const Known* known : suites) {
    nlohmann::json run{{"suite", known->suite->name()}, {"verdict", "survived"}};
    std::size_t i = 0;
    for (Search search : searches_of(*known->suite)) {
      const std::uint64_t usual = i < known->executions.size() ? known->executions[i++] : 0;
      if (search.strategy.by_graphs() && looked_through.contains(known)) continue;
      if (search.strategy.exhaustive()) search.executions = std::max(kLeast, kPatience * usual);
      if (search_mutant(mutant, *known, search, limits, run) && run["verdict"] == "killed") break;
      if (*limits.stop) return result;
    }
    finish(std::move(run));
    if (result.passes()) break;
  }
  return result;
}

}  // namespace check
