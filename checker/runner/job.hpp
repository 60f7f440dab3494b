#pragma once
/// A piece of work for a process of its own, and what it leaves behind.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/search.hpp"
#include "runner/result.hpp"

namespace check {

/// What a job's process shares with the one that waits.
struct Shared {
  volatile std::uint64_t executions = 0;
  volatile double share = 0;
};

struct Job {
  std::string suite;
  std::string scheduler;
  bool broken_variant = false;
  std::function<Result(const Limits&)> work = {};
  std::string go_on = {};        ///< the command that does the same, or goes on with it
  std::uint64_t executions = 0;  ///< that are planned; 0 = not known
  double patience = 0;  ///< processor seconds after which it hangs; 0: so long without an execution as the pool says
};

/// A row that says why there is no verdict.
Result without_verdict(const Job& job, std::string message);
/// A row that says what is wrong, found by other means than a search.
Result failed(const Job& job, std::string message);

/// One search of a suite. \param folder where an exhaustive search keeps its position when it is cut, and takes it up;
/// empty: nowhere
Job job_for(const Suite& suite, const Search& search, std::uint64_t seed, const std::string& folder = {});

/// Says that the graph engine does not explore the suite. \param variant null: the suite as it is
Job job_without_graphs(const Suite& suite, const Variant* variant);

/// One part of an exhaustive search of a suite. Its result's details say what it has learned.
Job job_for_part(const Suite& suite, const Search& search, Part part, const std::string& knowledge, bool waits);

/// The whole search from the results of its parts. \param knowledge, waits what the parts began with; when they have
/// learned different things, that together, and nothing is returned: all parts have to begin anew.
std::optional<Result> united(const std::vector<Result>& parts, std::string& knowledge, bool& waits);

/// The searches of a broken variant: those of the quick tier first, which are meant to catch it, then the others of
/// this tier.
std::vector<Search> variant_searches(const Suite& suite, Tier tier, Engine engine);

/// The searches, one after the other, until one of them catches the variant. An exhaustive one may never end, as the
/// variant is broken: it is given up after a fixed number of executions.
Job job_for(const Suite& suite, const Variant& variant, const std::vector<Search>& searches, std::uint64_t seed);

/// What a replay token says.
struct Replayed {
  std::string problem;  ///< why the token is no good; then nothing was run
  Outcome outcome;
};
Replayed replay_token(const std::string& token);

}  // namespace check
