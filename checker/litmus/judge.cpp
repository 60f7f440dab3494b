#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "core/subject.hpp"
#include "engine/relacy/atomic.hpp"
#include "engine/relacy/execution.hpp"
#include "litmus/hardware.hpp"
#include "litmus/litmus.hpp"

namespace check {

namespace {

constexpr unsigned kDigits = 5;
constexpr unsigned kCodes = 100000;

/// How often each outcome was produced in this process, by its digits as a number behind a leading 1.
std::uint64_t outcomes[2 * kCodes];

std::set<std::string> produced() {
  std::set<std::string> found;
  for (unsigned code = 0; code < std::size(outcomes); ++code) {
    if (outcomes[code] != 0) found.insert(std::to_string(code).substr(1));
  }
  return found;
}

std::set<std::string> minus(const std::set<std::string>& from, const std::set<std::string>& what) {
  std::set<std::string> rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(), std::inserter(rest, rest.end()));
  return rest;
}

std::string text_of(const std::set<std::string>& set) { return fmt::format("{}", fmt::join(set, " ")); }

}  // namespace

template <>
void LitmusMemory<Atomic>::record(std::initializer_list<int> values) {
  unsigned code = 1;
  for (const int value : values) code = code * 10 + static_cast<unsigned>(value);
  require(values.size() <= kDigits && code < std::size(outcomes), "a litmus test records at most five digits");
  ++outcomes[code];
}

Job job_for(const Litmus& litmus, const Search& search) {
  Job job{"litmus/" + litmus.name, to_string(search)};
  job.executions = search.executions;
  job.go_on = subject().program + " litmus";
  job.work = [&litmus, search, job](Limits limits) {
    limits.seed = 1;
    limits.begins_anew = [] { std::fill(std::begin(outcomes), std::end(outcomes), 0); };
    const Outcome outcome = explore(litmus.type, 500, search, limits);
    Result result = without_verdict(job, outcome.problem);
    result.executions = outcome.executions;
    result.seconds = outcome.seconds;
    result.processor_seconds = outcome.processor_seconds;
    result.trace = outcome.trace;
    if (outcome.failed) {
      result.status = Status::kFail;
      result.verdict = "FAILED";
    }
    if (outcome.failed || outcome.cut) return result;
    result.verdict = search.strategy.exhaustive() ? "COMPLETE" : fmt::format("SAMPLED({})", outcome.executions);
    const auto seen = produced();
    const auto forbidden = minus(seen, litmus.allowed);
    const auto surprising = minus(minus(seen, forbidden), minus(litmus.allowed, litmus.unseen));
    const auto missing = minus(minus(litmus.allowed, litmus.unseen), seen);
    result.status = judged(forbidden.empty() && surprising.empty() && missing.empty());
    result.message = "produces " + text_of(seen);
    if (!litmus.unseen.empty()) result.message += "; blind to " + text_of(litmus.unseen);
    if (!forbidden.empty()) result.message += "; FORBIDDEN: " + text_of(forbidden);
    if (!missing.empty()) result.message += "; MISSING: " + text_of(missing);
    if (!surprising.empty()) result.message += "; said to be unseen: " + text_of(surprising);
    return result;
  };
  return job;
}

Job graph_job_for(const Litmus& litmus) {
  Job job{"litmus/" + litmus.name, "graph"};
  job.go_on = subject().program + " litmus";
  job.work = [&litmus, job](const Limits&) {
    const double started = now();
    const GraphOutcomes graphs = litmus.by_graphs();
    Result result = without_verdict(job, "produces " + text_of(graphs.shown));
    result.executions = graphs.executions;
    result.seconds = now() - started;
    result.verdict = "COMPLETE";
    const auto forbidden = minus(graphs.shown, minus(litmus.allowed, litmus.beyond));
    const auto missing = minus(minus(litmus.allowed, litmus.beyond), graphs.shown);
    result.status = judged(forbidden.empty() && missing.empty());
    if (!litmus.beyond.empty()) result.message += "; not of RC11: " + text_of(litmus.beyond);
    if (!forbidden.empty()) result.message += "; FORBIDDEN: " + text_of(forbidden);
    if (!missing.empty()) result.message += "; MISSING: " + text_of(missing);
    return result;
  };
  return job;
}

namespace {

constexpr double kPatienceOnHardware = 600;  // processor seconds, which do no executions of the checker

Result judge_on_hardware(const Litmus& litmus, const Job& job, const std::set<std::string>& shown, double started) {
  const auto forbidden = minus(shown, litmus.allowed);
  Result result = without_verdict(job, "shows " + text_of(shown));
  result.executions = hardware_runs();
  result.seconds = now() - started;
  result.verdict = "SHOWN";
  result.status = forbidden.empty() && shown.empty() ? Status::kIncomplete : judged(forbidden.empty());
  if (!forbidden.empty()) result.message += "; FORBIDDEN: " + text_of(forbidden);
  result.details = text_of(shown);
  return result;
}

const Litmus& test_named(const char* name) {
  for (const Litmus& test : litmus_tests()) {
    if (test.name == name) return test;
  }
  say_problem(std::string("there is no litmus test ") + name);
  std::abort();
}

/// Runs in which stores overtake loads must occur, sooner or later.
Job store_buffering_is_shown() {
  constexpr double kPatience = 300;  // seconds: where others use the processors too, the two threads seldom meet
  constexpr double kRound = 0.1;
  const Litmus& litmus = test_named("SB+rlx");
  Job job{"control/SB+rlx is shown", "hardware"};
  job.patience = kPatienceOnHardware + 2 * kPatience;
  job.work = [&litmus, job](const Limits& limits) {
    const double started = now();
    std::set<std::string> shown;
    while (!shown.contains("00") && now() < started + kPatience && !*limits.stop) {
      shown.merge(litmus.on_hardware(kRound));
    }
    Result result = judge_on_hardware(litmus, job, shown, started);
    if (!shown.contains("00")) {
      result.status = worse(result.status, Status::kIncomplete);
      result.message += "; 00 is never shown: these runs are blind, or there is only one processor";
    }
    return result;
  };
  return job;
}

/// The judge must object to a forbidden outcome.
Job forbidden_outcome_is_reported() {
  static Litmus planted = test_named("MP+rel+acq");
  planted.allowed.clear();
  Job job{"control/forbidden outcome is reported", "hardware"};
  job.patience = kPatienceOnHardware;
  job.work = [job](const Limits&) {
    const double started = now();
    Result result = judge_on_hardware(planted, job, planted.on_hardware(0.01), started);
    result.status = judged(result.status == Status::kFail && result.message.find("FORBIDDEN") != std::string::npos);
    result.verdict = result.passes() ? "CAUGHT" : "FAILED";
    return result;
  };
  return job;
}

}  // namespace

Job hardware_job_for(const Litmus& litmus, double seconds) {
  Job job{"litmus/" + litmus.name, "hardware"};
  job.patience = kPatienceOnHardware + 8 * seconds;  // of up to four threads
  job.go_on = subject().program + " litmus --hardware";
  job.work = [&litmus, seconds, job](const Limits&) {
    const double started = now();
    return judge_on_hardware(litmus, job, litmus.on_hardware(seconds), started);
  };
  return job;
}

std::vector<Job> hardware_controls() {
  std::vector<Job> jobs;
  jobs.push_back(store_buffering_is_shown());
  jobs.push_back(forbidden_outcome_is_reported());
  return jobs;
}

}  // namespace check
