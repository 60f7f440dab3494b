/// Programs of the heap on the command line: `run --program`, and the replay of what it has found.

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "check/jobs.hpp"
#include "check/program.hpp"
#include "check/search.hpp"
#include "model/programs/heap_program.hpp"
#include "model/programs/program_scenario.hpp"

namespace hakmem::model {

namespace {

using namespace check;
using programs::HeapProgram;

constexpr std::string_view kPrefix = "program=";
constexpr std::string_view kSeed = "seed:";
constexpr const char* kNoPrograms = "this checker is built without programs of the heap";

/// A program as part of a replay token, whose parts are separated by colons.
std::string encode(const HeapProgram& program) {
  std::string text = to_string(program);
  std::replace(text.begin(), text.end(), ' ', ',');
  std::replace(text.begin(), text.end(), ':', '.');
  return std::string(kPrefix) + text;
}

HeapProgram decode(const std::string& name, std::string& problem) {
  std::string text = name.substr(kPrefix.size());
  std::replace(text.begin(), text.end(), ',', ' ');
  std::replace(text.begin(), text.end(), '.', ':');
  return programs::parse_program(text, problem);
}

Outcome search_program(const HeapProgram& program, const Search& search, const Limits& limits) {
  program_under_test = &program;
  return explore(program_scenario(program.size()), kProgramDepth, search, limits);
}

/// Leaves out steps as long as the rest fails too. \param outcome of the program; of the smallest one afterwards
HeapProgram smallest_failing(HeapProgram program, const Search& search, const Limits& limits, Outcome& outcome) {
  for (bool smaller = true; smaller && !*limits.stop;) {
    smaller = false;
    for (const HeapProgram& candidate : programs::smaller_programs(program)) {
      const Outcome of_candidate = search_program(candidate, search, limits);
      if (!of_candidate.failed || of_candidate.choices.empty()) continue;
      program = candidate;
      outcome = of_candidate;
      smaller = true;
      break;
    }
  }
  return program;
}

std::string verdict_of(const Search& search, const Outcome& outcome) {
  if (outcome.failed) return "FAILED";
  if (outcome.cut) return "TRUNCATED";
  if (search.strategy.kind <= Strategy::Kind::kGraph) return "COMPLETE";
  if (search.strategy.kind == Strategy::Kind::kBound) return fmt::format("BOUNDED({})", search.strategy.parameter);
  return fmt::format("SAMPLED({})", outcome.executions);
}

Result judge(const HeapProgram& program, const Search& search, const Limits& limits) {
  Result result;
  result.suite = "program";
  result.scheduler = to_string(search);
  Outcome outcome = search_program(program, search, limits);
  result.executions = outcome.executions;
  result.seconds = outcome.seconds;
  result.processor_seconds = outcome.processor_seconds;
  result.verdict = verdict_of(search, outcome);
  result.status = outcome.cut && !outcome.failed ? Status::kIncomplete : judged(!outcome.failed);
  result.message = outcome.failed ? outcome.problem : outcome.cut ? "ended before it was done" : "";
  if (outcome.choices.empty()) return result;
  const HeapProgram smallest = smallest_failing(program, search, limits, outcome);
  result.message = fmt::format("{}; the smallest program that fails: {}", outcome.problem, to_string(smallest));
  result.trace = outcome.trace;
  result.token =
      fmt::format("{}:{}:{}:{}", encode(smallest), to_string(search.strategy), fingerprint(), outcome.choices);
  return result;
}

/// The program that an argument names: a text, "@FILE" with a text in it, or "seed:N" for the one that a stress run
/// with this seed has run. \param problem why there is none
HeapProgram program_from(const std::string& argument, std::string& problem) {
  if (program_scenario == nullptr) {
    problem = kNoPrograms;
    return {};
  }
  if (argument.starts_with(kSeed)) {
    std::uint64_t seed = 0;
    const char* const end = argument.data() + argument.size();
    const auto [stop, error] = std::from_chars(argument.data() + kSeed.size(), end, seed);
    if (error != std::errc{} || stop != end) problem = fmt::format("'{}' is no seed: seed:N with a number", argument);
    return programs::generate_program(seed);
  }
  if (!argument.starts_with('@')) return programs::parse_program(argument, problem);
  std::ifstream file(argument.substr(1));
  if (!file) {
    problem = fmt::format("cannot read {}", argument.substr(1));
    return {};
  }
  return programs::parse_program({std::istreambuf_iterator<char>(file), {}}, problem);
}

/// Searches until one fails; what fails is made smaller until nothing can be left out.
Job job_for(const HeapProgram& program, const std::vector<Search>& searches, std::uint64_t seed) {
  Job job{"program", to_string(searches.front())};
  job.go_on = fmt::format("hakmem-check run --program '{}'", to_string(program));
  job.work = [program, searches, seed, go_on = job.go_on](Limits limits) {
    limits.seed = seed;
    Result result;
    for (const Search& search : searches) {
      const Result earlier = result;
      result = judge(program, search, limits);
      if (!result.passes() || *limits.stop) break;
      result.executions += earlier.executions;
      result.seconds += earlier.seconds;
      result.processor_seconds += earlier.processor_seconds;
      if (!earlier.verdict.empty()) result.verdict = earlier.verdict + " " + result.verdict;
    }
    if (result.status == Status::kIncomplete) result.go_on = go_on;
    return result;
  };
  return job;
}

/// Replays an execution of the program that the first part of a replay token names.
Replayed replay_program(const std::string& name, const Strategy& strategy, const std::string& choices) {
  Replayed replayed;
  const HeapProgram program = decode(name, replayed.problem);
  if (program_scenario == nullptr) replayed.problem = kNoPrograms;
  if (!replayed.problem.empty()) return replayed;
  program_under_test = &program;
  replayed.outcome = replay(program_scenario(program.size()), kProgramDepth, strategy, choices);
  return replayed;
}

class OnToyHeap final : public GeneratedProgram {
 public:
  explicit OnToyHeap(HeapProgram program) : program_(std::move(program)) {}
  [[nodiscard]] std::string text() const override { return to_string(program_); }
  [[nodiscard]] std::vector<Search> searches() const override { return {bound(0), random(30'000), pct(3, 30'000)}; }
  [[nodiscard]] Job job(const std::vector<Search>& searches, std::uint64_t seed) const override {
    return job_for(program_, searches, seed);
  }

 private:
  HeapProgram program_;
};

class HeapPrograms final : public Generator {
 public:
  [[nodiscard]] std::string help() const override {
    return "a program of the heap instead of suites: 'T0: a=malloc(64) give a T1: b=take free b', @FILE, or seed:N of "
           "a "
           "stress run; what fails is made as small as can be";
  }
  [[nodiscard]] std::unique_ptr<GeneratedProgram> program(const std::string& argument,
                                                          std::string& problem) const override {
    HeapProgram program = program_from(argument, problem);
    if (!problem.empty()) return nullptr;
    return std::make_unique<OnToyHeap>(std::move(program));
  }
  [[nodiscard]] bool is_name(const std::string& name) const override { return name.starts_with(kPrefix); }
  [[nodiscard]] Replayed replay(const std::string& name, const Strategy& strategy,
                                const std::string& choices) const override {
    return replay_program(name, strategy, choices);
  }
};

const HeapPrograms heap_programs{};
const RegisteredGenerator registered{heap_programs};

}  // namespace

}  // namespace hakmem::model
