/// `litmus`: tests of the checker itself, in searches and on real threads.

#include <cstdio>
#include <map>
#include <string>

#include "cli/options.hpp"
#include "cli/verdict.hpp"
#include "core/search.hpp"
#include "litmus/litmus.hpp"
#include "runner/pool.hpp"

namespace check::cli {

namespace {

/// The litmus tests on real threads. One after the other, as each needs all processors.
int litmus_on_hardware(const Options& options) {
  constexpr double kSeconds = 0.25;  // of each test, unless said otherwise
  const double started = now();
  std::vector<Job> jobs = hardware_controls();
  for (const Litmus& test : litmus_tests()) {
    jobs.push_back(hardware_job_for(test, options.seconds == 0 ? kSeconds : options.seconds));
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  JobPool pool(1, 0);
  pool.keep(report);
  if (!options.markdown) return conclude(pool.run(std::move(jobs)), report, started);
  std::map<std::string, std::string> shown;
  const std::vector<Result> results = pool.run(std::move(jobs), [](const Result&) {});
  for (const Result& result : results) {
    shown[result.suite.substr(result.suite.find('/') + 1)] = result.details.is_string() ? result.details : "";
  }
  std::fputs(litmus_table(shown).c_str(), stdout);
  const Status verdict = worse(verdict_of(results), JobPool::interrupted() ? Status::kIncomplete : Status::kPass);
  return say_verdict(verdict, summary_of(results, Counted(results)).c_str(), stderr);
}

}  // namespace

int litmus(const Options& options) {
  if (options.hardware) return litmus_on_hardware(options);
  if (options.markdown) {
    std::fputs(litmus_table().c_str(), stdout);
    return 0;
  }
  const double started = now();
  std::vector<Job> jobs;
  for (const Litmus& test : litmus_tests()) {
    jobs.push_back(job_for(test, full()));
    Search plain = full();
    plain.plain = true;
    jobs.push_back(job_for(test, plain));
    jobs.push_back(job_for(test, random(100'000)));
    jobs.push_back(graph_job_for(test));
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  std::puts("The outcomes that C++20 allows are produced, and no others, but for those marked as blind spots.");
  JobPool pool(options.jobs, 0, options.patience);
  pool.keep(report);
  const std::vector<Result> results = pool.run(std::move(jobs));
  return conclude(results, report, started);
}

}  // namespace check::cli
