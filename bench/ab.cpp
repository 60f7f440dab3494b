/// Compares what ships with what it could have been: the same headers with one policy or one setting changed. Both
/// sides run in one process and take turns, so that a busy machine slows both.

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "ab/report.hpp"
#include "support/command_line.hpp"
#include "support/json_file.hpp"
#include "support/step_counter.hpp"

namespace hakmem::bench {
namespace {

struct Settings {
  std::vector<std::string> names;
  bool all = false;
  bool list = false;
  unsigned rounds = 9;
  Effort effort;
  std::string json;
  std::string markdown;
};

void list_pairs() {
  for (const Pair& pair : all_pairs()) std::printf("%-14s %-4s %s\n", pair.name, pair.rows, pair.question);
}

std::vector<const Pair*> chosen_pairs(const Settings& settings) {
  std::vector<const Pair*> chosen;
  for (const Pair& pair : all_pairs()) {
    const bool named = std::find(settings.names.begin(), settings.names.end(), pair.name) != settings.names.end();
    if (settings.all || named) chosen.push_back(&pair);
  }
  return chosen;
}

/// Everything about one pair, printed line by line as it comes.
PairResults measure_pair(const Pair& pair, const Settings& settings) {
  PairResults done{&pair, {}};
  std::fputs(heading(pair).c_str(), stdout);
  for (const Comparison& comparison : pair.make(settings.effort)) {
    done.results.push_back(measure(comparison, settings.rounds, settings.effort.counted, pair.target));
    std::fputs(line(done.results.back()).c_str(), stdout);
    std::fflush(stdout);
  }
  return done;
}

RunFacts facts_of(const Settings& settings) {
  double load = 0;
  if (::getloadavg(&load, 1) != 1) load = 0;
  return {settings.rounds, settings.effort.operations, std::thread::hardware_concurrency(), load};
}

void add_options(CommandLine& line, Settings& settings) {
  std::vector<std::string> names;
  for (const Pair& pair : all_pairs()) names.emplace_back(pair.name);
  line.add("PAIR", settings.names, "pairs to measure, of those that --list names").one_of(names);
  line.add_flag("--all", settings.all, "measure every pair");
  line.add_flag("--list", settings.list, "name the pairs and what they ask");
  line.add("--rounds", settings.rounds, "rounds in which both sides take turns (default 9)").between(1U, 1000U);
  line.add("--operations", settings.effort.operations,
           "operations per thread and round (default 1000000); slow workloads do a fraction of them")
      .between(1000U, 1000000000U);
  line.add("--counted", settings.effort.counted,
           "operations whose instructions are counted, of each side (default 1000); 0: none are")
      .between(0U, 1000000U);
  line.add("--json", settings.json, "also write every round to this file");
  line.add("--markdown", settings.markdown, "also write the tables to this file");
}

/// What is wrong with options that are each right; empty if nothing.
std::string contradiction(const Settings& settings) {
  const int ways = (settings.names.empty() ? 0 : 1) + (settings.all ? 1 : 0) + (settings.list ? 1 : 0);
  if (ways == 0) return "nothing to do; name pairs, or give --all or --list";
  return ways == 1 ? "" : "PAIR, --all and --list exclude each other; give one of them";
}

int run(int argc, char** argv) {
  Settings settings;
  CommandLine line("Compares what ships with its baselines: ratios of speed, instruction counts, exact counts.", "ab");
  add_options(line, settings);
  if (const auto code = line.parse(argc, argv)) return *code;
  if (const std::string problem = contradiction(settings); !problem.empty()) return line.wrong_call(problem);
  if (settings.list) {
    list_pairs();
    return 0;
  }
  StepCounter::install();
  const RunFacts facts = facts_of(settings);
  std::printf("A ships, B is what it is compared with; a ratio above 1: A is faster. Median (smallest..largest).\n");
  std::vector<PairResults> all;
  for (const Pair* pair : chosen_pairs(settings)) all.push_back(measure_pair(*pair, settings));
  const bool written = write_json("ab", settings.json, as_json(facts, all)) &&
                       write_text("ab", settings.markdown, as_markdown(facts, all));
  return written ? 0 : kExitFailed;
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("ab", hakmem::bench::run, argc, argv); }
