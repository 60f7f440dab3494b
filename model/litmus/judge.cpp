#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "model/engine/relacy_sync.hpp"
#include "model/litmus/hardware.hpp"
#include "model/litmus/litmus.hpp"

namespace hakmem::model {

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
void LitmusMemory<RelacySync>::record(std::initializer_list<int> values) {
  unsigned code = 1;
  for (const int value : values) code = code * 10 + static_cast<unsigned>(value);
  require(values.size() <= kDigits && code < std::size(outcomes), "a litmus test records at most five digits");
  ++outcomes[code];
}

Job job_for(const Litmus& litmus, const Search& search) {
  Job job{"litmus/" + litmus.name, to_string(search), false, search.seconds, {}};
  job.work = [&litmus, search, job](Limits limits) {
    limits.seed = 1;
    limits.begins_anew = [] { std::fill(std::begin(outcomes), std::end(outcomes), 0); };
    const Outcome outcome = explore(litmus.type, 500, search, limits);
    Result result = without_verdict(job, outcome.problem);
    result.executions = outcome.executions;
    result.seconds = outcome.seconds;
    result.trace = outcome.trace;
    if (outcome.failed || outcome.cut) return result;
    result.verdict = search.strategy.exhaustive() ? "COMPLETE" : fmt::format("SAMPLED({})", outcome.executions);
    const auto seen = produced();
    const auto forbidden = minus(seen, litmus.allowed);
    const auto surprising = minus(minus(seen, forbidden), minus(litmus.allowed, litmus.unseen));
    const auto missing = minus(minus(litmus.allowed, litmus.unseen), seen);
    result.pass = forbidden.empty() && surprising.empty() && missing.empty();
    result.message = "produces " + text_of(seen);
    if (!litmus.unseen.empty()) result.message += "; blind to " + text_of(litmus.unseen);
    if (!forbidden.empty()) result.message += "; FORBIDDEN: " + text_of(forbidden);
    if (!missing.empty()) result.message += "; MISSING: " + text_of(missing);
    if (!surprising.empty()) result.message += "; said to be unseen: " + text_of(surprising);
    return result;
  };
  return job;
}

Job hardware_job_for(const Litmus& litmus, double seconds) {
  Job job{"litmus/" + litmus.name, "hardware", false, 0, {}};
  job.work = [&litmus, seconds, job](const Limits&) {
    const double started = now();
    const auto shown = litmus.on_hardware(seconds);
    const auto forbidden = minus(shown, litmus.allowed);
    Result result = without_verdict(job, "shows " + text_of(shown));
    result.executions = hardware_runs();
    result.seconds = now() - started;
    result.verdict = "SHOWN";
    result.pass = forbidden.empty() && !shown.empty();
    if (!forbidden.empty()) result.message += "; FORBIDDEN: " + text_of(forbidden);
    result.details = text_of(shown);
    return result;
  };
  return job;
}

}  // namespace hakmem::model
