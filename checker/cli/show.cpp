/// Commands that show what there is: `list`, `sites`, `report` and `replay`.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "audit/audit.hpp"
#include "audit/content.hpp"
#include "cli/options.hpp"
#include "cli/verdict.hpp"
#include "core/search.hpp"
#include "core/subject.hpp"
#include "runner/job.hpp"
#include "runner/parts.hpp"
#include "runner/report.hpp"
#include "trace/order.hpp"
#include "trace/render.hpp"
#include "trace/text.hpp"

namespace check::cli {

namespace {

constexpr int kPassed = 0;
constexpr int kFailed = 1;

}  // namespace

int list() {
  for (const Suite* suite : Suite::all()) {
    std::string searches;
    for (const Search& search : suite->searches(Tier::kQuick)) searches += " " + to_string(search.strategy);
    std::printf("%-52s%-24s %s\n", suite->name().c_str(), searches.c_str(), suite->proves().c_str());
    for (const Variant& variant : suite->variants()) {
      const std::string name = suite->name() + "~" + variant.name;
      std::printf("%-52s %-23s %s\n", name.c_str(), "broken", variant.what.c_str());
    }
  }
  return kPassed;
}

int sites() {
  bool stop = false;
  Shared shared;
  for (const Suite* suite : Suite::all()) {
    const Outcome outcome =
        explore(suite->type(), suite->depth(), random(3000), {1, &stop, &shared.executions, &shared.share});
    if (!outcome.failed) continue;
    say_problem(fmt::format("{} fails: {}", suite->name(), outcome.problem));
    return kFailed;
  }
  std::vector<std::string> lines;
  for (const Site& site : Sites::all()) {
    if (is_source(site.where.file) && site.operation != Operation::kPause) lines.push_back(describe(site));
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) std::puts(line.c_str());
  return kPassed;
}

int report(const Usage& usage, const Options& options) {
  std::string problem;
  const std::vector<Result> results = united_reports(options.reports, problem);
  if (!problem.empty()) return usage.wrong_call(problem);
  std::fputs(suite_table(results).c_str(), stdout);
  for (const Result& result : results) {
    if (!result.passes()) std::fprintf(stderr, "%s\n", to_line(result).c_str());
  }
  Status verdict = verdict_of(results);
  std::string what = summary_of(results, Counted(results));
  if (!options.json.empty()) problem = write_report(options.json, verdict, results);
  if (!problem.empty()) {
    say_problem(problem);
    verdict = worse(verdict, Status::kIncomplete);
    what += "; " + problem;
  }
  return say_verdict(verdict, what.c_str(), stderr);  // standard output is the table alone
}

int replay(const Usage& usage, const Options& options) {
  const Renderer renderer = renderer_for(options.picture);
  if (!options.picture.empty() && renderer == nullptr) {
    return usage.wrong_call(
        fmt::format("--picture: '{}' ends neither in .svg nor in .dot nor in .json", options.picture));
  }
  const Replayed replayed = is_mutant_token(options.token)
                                ? replay_mutant(options.token, default_source(), options.cache)
                                : replay_token(options.token);
  if (!replayed.problem.empty()) return usage.wrong_call(replayed.problem);
  const Trace& trace = replayed.outcome.trace;
  std::fputs(text_of(trace).c_str(), stdout);
  std::printf("%s\n", replayed.outcome.failed ? replayed.outcome.problem.c_str() : "this execution holds");
  if (!replayed.outcome.failed && !options.picture.empty()) std::puts("there is nothing to draw");
  if (replayed.outcome.failed) {
    std::printf("%s\n", explain(trace, Order(trace)).sentence.c_str());
    if (options.picture.empty()) return kFailed;
    const std::string title =
        fmt::format("{}: {}", options.token.substr(0, options.token.find(':')), replayed.outcome.problem);
    if (const std::string problem = write_text(options.picture, renderer(trace, title)); !problem.empty()) {
      return usage.wrong_call(problem);
    }
  }
  return replayed.outcome.failed ? kFailed : kPassed;
}

}  // namespace check::cli
