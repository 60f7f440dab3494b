/// `progress`: which retry loops come to their end wherever other threads stop for ever, and which of them wait.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "cli/options.hpp"
#include "cli/verdict.hpp"
#include "core/scenario.hpp"
#include "core/search.hpp"
#include "core/sites.hpp"
#include "core/subject.hpp"
#include "runner/job.hpp"
#include "runner/pool.hpp"

namespace check::cli {

namespace {

constexpr std::uint64_t kMost = 200'000;  // executions, of a thread of a suite

/// A loop, by where it pauses.
std::string loop_at(const std::string& file, const std::string& function) {
  return fmt::format("{} in {}", function, file);
}

/// The loops that this process has met.
nlohmann::json loops_met() {
  nlohmann::json loops = nlohmann::json::array();
  for (const Site& site : Sites::all()) {
    if (site.operation == Operation::kPause) loops.push_back(loop_at(site.where.file, site.where.function));
  }
  return loops;
}

/// Where a thread waits for what does not come: its last step before the end.
const Event* waiting(const Trace& trace, unsigned thread) {
  const auto at = std::find_if(trace.events.rbegin(), trace.events.rend(), [thread](const Event& event) {
    return event.thread == thread && event.kind == EventKind::kYield;
  });
  return at == trace.events.rend() ? nullptr : &*at;
}

Result progress_of(const Suite& suite, unsigned thread, const Job& job, const Limits& limits) {
  const Outcome outcome = explore_progress(suite.type(), suite.depth(), thread, at_most(kMost, graphs()), limits);
  Result result = without_verdict(job, "ended before it was done");
  result.executions = outcome.executions;
  result.seconds = outcome.seconds;
  result.processor_seconds = outcome.processor_seconds;
  result.details = {{"loops", loops_met()}};
  const bool enough = outcome.executions >= kMost;
  if (outcome.cut && !outcome.failed && !enough) return result;
  const bool waits = outcome.ending == Ending::kLivelock || outcome.ending == Ending::kDeadlock;
  const Event* const loop = waits ? waiting(outcome.trace, thread) : nullptr;
  // What a suite itself waits for is its own affair; what ships is not to wait.
  result.status = judged(!outcome.failed || (loop != nullptr && !is_source(loop->file)));
  result.verdict = waits ? "WAITS" : outcome.failed ? "FAILED" : enough ? fmt::format("SAMPLED({})", kMost) : "ENDS";
  result.message = enough && !outcome.failed ? "ends in each of these; there are more" : outcome.problem;
  result.go_on = {};
  if (!result.passes()) result.trace = outcome.trace;
  if (loop == nullptr) return result;
  result.message = fmt::format("thread {} waits for another one, in {}", thread, loop_at(loop->file, loop->function));
  result.details["waits"] = loop_at(loop->file, loop->function);
  return result;
}

bool is_meant(const Suite& suite, const std::string& pattern) {
  return suite.searches(Tier::kQuick).front().strategy.kind == Strategy::Kind::kGraph &&
         suite.name().find(pattern) != std::string::npos;
}

std::vector<Job> jobs_for(const std::string& pattern) {
  std::vector<Job> jobs;
  for (const Suite* suite : Suite::all()) {
    if (!is_meant(*suite, pattern)) continue;
    for (unsigned thread = 0; thread < suite->type().threads; ++thread) {
      Job job{suite->name(), fmt::format("alone={}", thread)};
      job.go_on = fmt::format("{} progress '{}'", subject().program, suite->name());
      job.work = [suite, thread, job](const Limits& limits) { return progress_of(*suite, thread, job, limits); };
      jobs.push_back(std::move(job));
    }
  }
  return jobs;
}

/// A line for each loop: in how many programs it was met, and where it waits.
void print_loops(const std::vector<Result>& results) {
  struct Loop {
    unsigned met = 0;
    std::string waits;
  };
  std::map<std::string, Loop> loops;
  for (const Result& result : results) {
    if (!result.details.contains("loops")) continue;
    for (const std::string loop : result.details.at("loops")) ++loops[loop].met;
    if (result.details.contains("waits")) loops[result.details.at("waits")].waits = result.suite;
  }
  std::puts("");
  for (const auto& [name, loop] : loops) {
    const std::string how =
        loop.waits.empty() ? "ends wherever the others stop" : "waits for others, as in " + loop.waits;
    std::printf("loop of %-60s met in %u programs: %s\n", name.c_str(), loop.met, how.c_str());
  }
}

}  // namespace

int progress(const Usage& usage, const Options& options) {
  const double started = now();
  std::vector<Job> jobs = jobs_for(options.pattern);
  if (jobs.empty()) {
    return usage.wrong_call(fmt::format("no suite that is explored by graphs matches '{}'; {} list names them",
                                        options.pattern, subject().program));
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  JobPool pool(options.jobs, 0, options.patience);
  pool.keep(report);
  const std::vector<Result> results = pool.run(std::move(jobs));
  print_loops(results);
  return conclude(results, report, started);
}

}  // namespace check::cli
