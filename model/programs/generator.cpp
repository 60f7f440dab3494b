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
constexpr std::uint64_t kMostPrograms = 100'000;  // of one call
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

/// A program and what it is called.
struct Named {
  std::string name;
  HeapProgram program;
};

/// Programs that have numbers, by what stands in front of the number.
struct Numbered {
  std::string_view prefix;
  HeapProgram (*generate)(std::uint64_t seed);
};
constexpr Numbered kNumbered[] = {{"seed:", programs::generate_program},
                                  {"attached:", programs::generate_attached_program}};

Outcome search_program(const HeapProgram& program, const Search& search, const Limits& limits) {
  program_under_test = &program;
  return explore(program_scenario(program), kProgramDepth, search, limits);
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
  const bool near = search.strategy.kind == Strategy::Kind::kNear;
  if (search.strategy.kind <= Strategy::Kind::kGraph || (near && !outcome.beyond)) return "COMPLETE";
  if (search.strategy.exhaustive()) return fmt::format("BOUNDED({})", search.strategy.parameter);
  return fmt::format("SAMPLED({})", outcome.executions);
}

Result judge(const Named& named, const Search& search, const Limits& limits) {
  const HeapProgram& program = named.program;
  Result result;
  result.suite = named.name;
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

/// A number, and nothing else. \return false where the text is none
bool read_number(std::string_view text, std::uint64_t& number) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && stop == text.data() + text.size();
}

/// The programs of "PREFIX:N", or of "PREFIX:N+COUNT": so many, from N on.
std::vector<Named> numbered_programs(const Numbered& kind, const std::string& argument, std::string& problem) {
  const std::string_view numbers = std::string_view(argument).substr(kind.prefix.size());
  const std::size_t plus = numbers.find('+');
  std::uint64_t first = 0;
  std::uint64_t count = 1;
  const bool counts = plus == std::string_view::npos || read_number(numbers.substr(plus + 1), count);
  if (!read_number(numbers.substr(0, plus), first) || !counts || count == 0 || count > kMostPrograms) {
    problem = fmt::format("'{}' is no seed: {}N with a number, or {}N+COUNT for COUNT of them, at most {}", argument,
                          kind.prefix, kind.prefix, kMostPrograms);
    return {};
  }
  std::vector<Named> programs;
  for (std::uint64_t seed = first; programs.size() < count; ++seed) {
    programs.push_back({fmt::format("{}{}", kind.prefix, seed), kind.generate(seed)});
  }
  return programs;
}

/// The programs that an argument names: a text, "@FILE" with a text in it, or numbers. \param problem why there is none
std::vector<Named> programs_from(const std::string& argument, std::string& problem) {
  if (program_scenario == nullptr) {
    problem = kNoPrograms;
    return {};
  }
  for (const Numbered& kind : kNumbered) {
    if (argument.starts_with(kind.prefix)) return numbered_programs(kind, argument, problem);
  }
  if (!argument.starts_with('@')) return {{"program", programs::parse_program(argument, problem)}};
  std::ifstream file(argument.substr(1));
  if (!file) {
    problem = fmt::format("cannot read {}", argument.substr(1));
    return {};
  }
  return {{"program", programs::parse_program({std::istreambuf_iterator<char>(file), {}}, problem)}};
}

/// Searches until one fails; what fails is made smaller until nothing can be left out.
Job job_for(const Named& named, const std::vector<Search>& searches, std::uint64_t seed) {
  Job job{named.name, to_string(searches.front())};
  job.go_on = fmt::format("hakmem-check run --program '{}'", to_string(named.program));
  job.work = [named, searches, seed, go_on = job.go_on](Limits limits) {
    limits.seed = seed;
    Result result;
    for (const Search& search : searches) {
      const Result earlier = result;
      result = judge(named, search, limits);
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
  replayed.outcome = replay(program_scenario(program), kProgramDepth, strategy, choices);
  return replayed;
}

class OnToyHeap final : public GeneratedProgram {
 public:
  explicit OnToyHeap(Named named) : named_(std::move(named)) {}
  [[nodiscard]] std::string text() const override { return to_string(named_.program); }
  /// Where all threads are attached there is an end.
  [[nodiscard]] std::vector<Search> searches() const override {
    const HeapProgram& program = named_.program;
    if (std::all_of(program.begin(), program.end(), programs::is_attached)) return {graphs()};
    return {bound(0), random(30'000), pct(3, 30'000)};
  }
  [[nodiscard]] Job job(const std::vector<Search>& searches, std::uint64_t seed) const override {
    return job_for(named_, searches, seed);
  }

 private:
  Named named_;
};

class HeapPrograms final : public Generator {
 public:
  [[nodiscard]] std::string help() const override {
    return "a program of the heap instead of suites: 'T0: a=malloc(64) give a T1: b=take free b', @FILE, seed:N of a "
           "stress run, or attached:N, which is searched to its end; COUNT of these from N on as attached:N+COUNT; "
           "what "
           "fails is made as small as can be";
  }
  [[nodiscard]] std::vector<std::unique_ptr<GeneratedProgram>> programs(const std::string& argument,
                                                                        std::string& problem) const override {
    std::vector<std::unique_ptr<GeneratedProgram>> all;
    for (Named& named : programs_from(argument, problem)) all.push_back(std::make_unique<OnToyHeap>(std::move(named)));
    return all;
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
