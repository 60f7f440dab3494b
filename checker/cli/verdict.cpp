#include "cli/verdict.hpp"

#include <fmt/core.h>

#include <cstdio>

#include "core/search.hpp"
#include "core/subject.hpp"
#include "runner/pool.hpp"

namespace check::cli {

bool can_write(ReportFile& report) {
  const std::string problem = report.begin();
  if (!problem.empty()) say_problem(problem);
  return problem.empty();
}

Counted::Counted(const std::vector<Result>& results) {
  for (const Result& result : results) {
    hold += result.passes();
    fail += result.status == Status::kFail;
    incomplete += result.status == Status::kIncomplete;
    if (first_incomplete == nullptr && result.status == Status::kIncomplete) first_incomplete = &result;
  }
}

std::string summary_of(const std::vector<Result>& results, const Counted& counted) {
  if (results.empty()) return "nothing was run";
  std::string text = counted.fail != 0         ? fmt::format("{} of {} do not hold", counted.fail, results.size())
                     : counted.incomplete == 0 ? fmt::format("all {} hold", results.size())
                                               : fmt::format("{} of {} have not ended, {} hold", counted.incomplete,
                                                             results.size(), counted.hold);
  if (counted.fail != 0 && counted.incomplete != 0) text += fmt::format(", {} have not ended", counted.incomplete);
  if (counted.first_incomplete != nullptr && !counted.first_incomplete->go_on.empty()) {
    text += fmt::format("; go on with: {}", counted.first_incomplete->go_on);
  }
  return text;
}

int conclude(const std::vector<Result>& results, ReportFile& report, double started) {
  const Counted counted(results);
  std::uint64_t executions = 0;
  double processor = 0;
  for (const Result& result : results) {
    executions += result.executions;
    processor += result.processor_seconds;
  }
  const double rate = processor > 0 ? static_cast<double>(executions) / processor / 1000 : 0;
  std::printf(
      "%zu searches, %zu hold, %zu do not, %zu have not ended; %llu executions in %.1f s, %.0f k per second of a "
      "core\n",
      results.size(), counted.hold, counted.fail, counted.incomplete, static_cast<unsigned long long>(executions),
      now() - started, rate);
  Status verdict = verdict_of(results);
  std::string what = summary_of(results, counted);
  if (JobPool::interrupted()) {
    verdict = worse(verdict, Status::kIncomplete);
    what = "interrupted; " + what;
  }
  if (const std::string problem = report.end(verdict, results); !problem.empty()) {
    say_problem(problem);
    verdict = worse(verdict, Status::kIncomplete);
    what += "; " + problem;
  }
  return say_verdict(verdict, what.c_str());
}

}  // namespace check::cli
