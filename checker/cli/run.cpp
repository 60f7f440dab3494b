/// `run`: the suites as planned, or as asked for; in parts, shards, or bounded by time.

#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.hpp"
#include "cli/verdict.hpp"
#include "core/scenario.hpp"
#include "core/subject.hpp"
#include "runner/agreement.hpp"
#include "runner/generator.hpp"
#include "runner/job.hpp"
#include "runner/parts.hpp"
#include "runner/pool.hpp"
#include "runner/position.hpp"

namespace check::cli {

namespace {

/// Part i of n of the work, 1 <= i <= n.
struct Shard {
  std::size_t index = 1;
  std::size_t count = 1;
};

/// The shard that "i/n" names; the problem in `problem` if it names none. \param option whose value it is
Shard parse_shard(const std::string& text, const char* option, std::string& problem) {
  Shard shard;
  if (text.empty()) return shard;
  unsigned index = 0;
  unsigned count = 0;
  int end = 0;
  const bool read = std::sscanf(text.c_str(), "%5u/%5u%n", &index, &count, &end) == 2;
  if (!read || static_cast<std::size_t>(end) != text.size() || index < 1 || index > count) {
    problem = fmt::format("{} takes i/n with 1 <= i <= n, not '{}'", option, text);
    return shard;
  }
  return {index, count};
}

/// Whether a name is meant: by a part of it, with * and ? by all of it, or if it is to be exact by itself alone.
bool matches(const std::string& name, const Options& options) {
  const std::string& pattern = options.pattern;
  if (options.exact) return name == pattern;
  if (pattern.find_first_of("*?[") == std::string::npos) return name.find(pattern) != std::string::npos;
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

Tier tier_of(const Options& options) { return options.quick ? Tier::kQuick : Tier::kDefault; }

std::vector<Search> as_asked(std::vector<Search> searches, const Options& options) {
  for (Search& search : searches) search.plain = options.plain;
  return searches;
}

/// Who explores. What only one engine can do is done by it.
Engine engine_of(const Options& options) {
  if (options.engine == "graph") return Engine::kGraph;
  return options.engine == "relacy" || options.plain ? Engine::kRelacy : Engine::kPlanned;
}

/// The searches that the options ask for; a suite's own plan when they ask for nothing special.
std::vector<Search> searches_for(const Suite& suite, const Options& options, const Strategy& strategy, double share) {
  if (options.scheduler.empty()) {
    return as_asked(suite.searches(tier_of(options), engine_of(options)), options);
  }
  constexpr std::uint64_t kSample = 200'000;
  Search search{strategy, options.executions, share, options.plain};
  if (!strategy.exhaustive() && search.executions == 0 && share == 0) search.executions = kSample;
  return {search};
}

std::vector<Job> jobs_for(const Options& options, const Strategy& strategy) {
  struct Chosen {
    const Suite* suite;
    const Variant* variant;
  };
  std::vector<Chosen> chosen;
  for (const Suite* suite : Suite::all()) {
    if (matches(suite->name(), options)) chosen.push_back({suite, nullptr});
    for (const Variant& variant : suite->variants()) {
      if (matches(suite->name() + "~" + variant.name, options)) chosen.push_back({suite, &variant});
    }
  }
  const double share = chosen.empty() ? 0 : options.seconds * options.jobs / static_cast<double>(chosen.size());
  std::vector<Job> jobs;
  for (const auto& [suite, variant] : chosen) {
    const std::vector<Search> searches = searches_for(*suite, options, strategy, share);
    if (engine_of(options) == Engine::kGraph && !suite->graphless().empty()) {
      jobs.push_back(job_without_graphs(*suite, variant));
    } else if (variant != nullptr && options.scheduler.empty()) {
      const auto plan = as_asked(variant_searches(*suite, tier_of(options), engine_of(options)), options);
      jobs.push_back(job_for(*suite, *variant, plan, options.seed));
    } else if (variant != nullptr) {
      jobs.push_back(job_for(*suite, *variant, searches, options.seed));
    } else {
      for (const Search& search : searches) jobs.push_back(job_for(*suite, search, options.seed, options.state));
    }
  }
  return jobs;
}

/// The same suites by each engine, but for what one of them alone explores.
std::vector<Job> jobs_by_both(Options options) {
  options.engine = "relacy";
  std::vector<Job> jobs = jobs_for(options, {});
  options.engine.clear();
  for (Job& job : jobs_for(options, {})) {
    if (is_by_graphs(job.scheduler)) jobs.push_back(std::move(job));
  }
  return jobs;
}

/// Why a kept position cannot be taken up, or nothing.
std::string stale_position(const Options& options, const Strategy& strategy) {
  std::string problem;
  for (const Suite* suite : Suite::all()) {
    if (!matches(suite->name(), options)) continue;
    for (const Search& search : searches_for(*suite, options, strategy, 0)) {
      (void)PositionFile(options.state, suite->name(), search).read(problem);
    }
  }
  return problem;
}

/// So that what there is no time for is the dearest.
void cheapest_first(std::vector<Job>& jobs) {
  const Costs costs;
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) { return costs.of(a) < costs.of(b); });
}

/// The jobs of the names come first, in the order of the names.
void these_first(std::vector<Job>& jobs, const std::vector<std::string>& names) {
  const auto place_of = [&](const Job& job) {
    return std::find(names.begin(), names.end(), job.suite) - names.begin();
  };
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) { return place_of(a) < place_of(b); });
}

/// A result for another program.
void stream(const Result& result) {
  std::puts(to_json(result).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

/// Every n-th job from the i-th on.
void keep_shard(std::vector<Job>& jobs, const Shard& shard) {
  std::vector<Job> kept;
  for (std::size_t i = shard.index - 1; i < jobs.size(); i += shard.count) kept.push_back(std::move(jobs[i]));
  jobs = std::move(kept);
}

/// Exhaustive searches in parts, one search after the other, each with all processes.
std::vector<Result> run_in_parts(const Options& options, const Strategy& strategy, JobPool& pool, ReportFile& report) {
  std::vector<Result> results;
  for (const Suite* suite : Suite::all()) {
    if (!matches(suite->name(), options)) continue;
    for (const Search& search : searches_for(*suite, options, strategy, options.seconds)) {
      if (!search.strategy.exhaustive()) continue;
      std::string knowledge;
      bool waits = false;
      std::optional<Result> whole;
      while (!whole) {
        std::vector<Job> parts;
        for (unsigned i = 0; i < options.split; ++i) {
          parts.push_back(job_for_part(*suite, search, {i, options.split}, knowledge, waits));
        }
        whole = united(pool.run(std::move(parts), [](const Result&) {}), knowledge, waits);
      }
      JobPool::print(*whole);
      results.push_back(std::move(*whole));
      report.update(results, {});
    }
  }
  return results;
}

/// The result of one part is no verdict on its search.
Result as_part(Result result) {
  if (!result.passes()) return result;
  result.details["verdict"] = result.verdict;
  result.verdict =
      fmt::format("PART({}/{})", result.details.at("part").get<unsigned>(), result.details.at("parts").get<unsigned>());
  return result;
}

/// One part of the tree of each exhaustive search; `report` unites it with the others, which run elsewhere.
std::vector<Result> run_one_part(const Options& options, const Strategy& strategy, const Shard& part,
                                 const Priors& priors, JobPool& pool) {
  std::vector<Job> jobs;
  for (const Suite* suite : Suite::all()) {
    if (!matches(suite->name(), options)) continue;
    for (const Search& search : searches_for(*suite, options, strategy, options.seconds)) {
      if (!search.strategy.exhaustive()) continue;
      const Prior prior = priors.of(*suite, search);
      const Part which{static_cast<unsigned>(part.index - 1), static_cast<unsigned>(part.count)};
      jobs.push_back(job_for_part(*suite, search, which, prior.knowledge, prior.waits));
    }
  }
  std::vector<Result> results =
      pool.run(std::move(jobs), [](const Result& result) { JobPool::print(as_part(result)); });
  for (Result& result : results) result = as_part(std::move(result));
  return results;
}

/// What is wrong with the choice of an engine, or nothing.
std::string wrong_engine(const Options& options) {
  if (!options.engine.empty() && !options.scheduler.empty()) {
    return "--scheduler takes no --engine beside it: graph is one of its words";
  }
  const bool by_graphs = is_by_graphs(options.scheduler) || options.engine == "graph" || options.engine == "both";
  const bool divided = options.split > 1 || !options.part.empty() || !options.state.empty();
  if (divided && options.engine == "both") {
    return "--engine both takes neither --split nor --part nor --state: divide the work of one engine, and then of the "
           "other";
  }
  if (options.plain && by_graphs)
    return "--plain is for searches, as by --engine relacy: graphs differ in more than order";
  return {};
}

/// What is wrong with the options that share work out, or nothing.
std::string wrong_division(const Options& options) {
  if (options.split > 1 && (!options.state.empty() || !options.shard.empty())) {
    return "--split takes neither --state nor --shard: its parts begin together";
  }
  if (!options.part.empty() && (options.split > 1 || !options.state.empty() || !options.shard.empty())) {
    return "--part takes neither --split nor --state nor --shard: it divides the work itself";
  }
  if (!options.knowledge.empty() && options.part.empty()) return "--knowledge needs --part";
  return {};
}

/// Uses up the rest of the time with random executions of all suites, each round with another seed.
void sample_until(double deadline, const Options& options, JobPool& pool, std::vector<Result>& results) {
  constexpr double kLeast = 1;  // seconds of a suite, below which starting a process is not worth it
  std::vector<const Suite*> suites;
  for (const Suite* suite : Suite::all()) {
    if (matches(suite->name(), options)) suites.push_back(suite);
  }
  for (std::uint64_t seed = options.seed + 1; !suites.empty() && !JobPool::interrupted(); ++seed) {
    const double left = deadline - now() - kLeast;
    if (left < kLeast) return;
    const double each = std::min(left, left * options.jobs / static_cast<double>(suites.size()));
    std::vector<Job> jobs;
    for (const Suite* suite : suites) {
      if (static_cast<double>(jobs.size()) * kLeast > left * options.jobs) break;
      jobs.push_back(job_for(*suite, within(std::max(each, kLeast), random(0)), seed));
    }
    for (Result& result : pool.run(std::move(jobs))) results.push_back(std::move(result));
  }
}

/// Programs of the generator, instead of the suites.
int run_programs(const Usage& usage, const Options& options) {
  std::string problem;
  const std::vector<std::unique_ptr<GeneratedProgram>> programs = generator()->programs(options.program, problem);
  std::vector<Search> searches;
  if (!options.scheduler.empty() && problem.empty()) {
    searches = {{parse_strategy(options.scheduler, problem), options.executions, options.seconds, options.plain}};
    if (!searches[0].strategy.exhaustive() && options.executions == 0) searches[0].executions = 200'000;
  }
  if (problem.empty() && !options.pattern.empty()) problem = "--program takes no suite beside it";
  if (!problem.empty()) return usage.wrong_call(problem);
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  const double started = now();
  if (programs.size() == 1) std::printf("%s\n", programs.front()->text().c_str());
  std::vector<Job> jobs;
  for (const auto& program : programs) {
    jobs.push_back(program->job(searches.empty() ? program->searches() : searches, options.seed));
  }
  JobPool pool(options.jobs, options.seconds == 0 ? 0 : started + options.seconds, options.patience);
  pool.keep(report);
  return conclude(pool.run(std::move(jobs)), report, started);
}

}  // namespace

int run(const Usage& usage, const Options& options) {
  if (!options.program.empty()) return run_programs(usage, options);
  std::string problem;
  const Strategy strategy = options.scheduler.empty() ? Strategy{} : parse_strategy(options.scheduler, problem);
  if (!problem.empty()) return usage.wrong_call(problem);
  if (options.executions != 0 && options.scheduler.empty()) {
    return usage.wrong_call("--executions needs --scheduler random or pct=D");
  }
  if (problem = wrong_engine(options); !problem.empty()) return usage.wrong_call(problem);
  if (problem = wrong_division(options); !problem.empty()) return usage.wrong_call(problem);
  if (options.executions != 0 && strategy.exhaustive()) {
    return usage.wrong_call("--executions bounds random and pct=D only: a search ends when it is done");
  }
  const double started = now();
  const bool both = options.engine == "both";
  std::vector<Job> jobs = both ? jobs_by_both(options) : jobs_for(options, strategy);
  if (jobs.empty()) {
    return usage.wrong_call(
        fmt::format("no suite matches '{}'; {} list names them", options.pattern, subject().program));
  }
  const double deadline = options.seconds == 0 ? 0 : started + options.seconds;
  const Shard shard = parse_shard(options.shard, "--shard", problem);
  const Shard part = parse_shard(options.part, "--part", problem);
  const Priors priors(options.knowledge, problem);
  if (problem.empty() && !options.state.empty()) problem = stale_position(options, strategy);
  if (!problem.empty()) return usage.wrong_call(problem);
  if (shard.index > jobs.size()) {
    return say_verdict(Status::kPass, fmt::format("shard {} of {} has nothing to do: there are {} searches",
                                                  shard.index, shard.count, jobs.size())
                                          .c_str());
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  JobPool pool(options.jobs, deadline, options.patience);
  if (options.split > 1) {
    const std::vector<Result> results = run_in_parts(options, strategy, pool, report);
    if (results.empty())
      return usage.wrong_call(
          "--split needs a search of all executions, as by graphs, full or bound=N, and there is none");
    return conclude(results, report, started);
  }
  pool.keep(report);
  if (!options.part.empty()) {
    const std::vector<Result> results = run_one_part(options, strategy, part, priors, pool);
    if (results.empty())
      return usage.wrong_call(
          "--part needs a search of all executions, as by graphs, full or bound=N, and there is none");
    return conclude(results, report, started);
  }
  if (deadline != 0) cheapest_first(jobs);
  keep_shard(jobs, shard);
  these_first(jobs, options.first);
  if (options.stream) return exit_code_of(verdict_of(pool.run(std::move(jobs), stream)));
  std::vector<Result> results = pool.run(std::move(jobs));
  if (both) {
    for (Result& row : disagreements(results)) {
      JobPool::print(row);
      results.push_back(std::move(row));
    }
  }
  if (deadline != 0 && options.scheduler.empty()) sample_until(deadline, options, pool, results);
  return conclude(results, report, started);
}

}  // namespace check::cli
