#include "options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <random>

#include "scenario.hpp"

namespace hakmem::stress {

namespace {

constexpr const char* kUsage =
    "usage: stress [--scenario NAME|all] [--threads N] [--seconds S | --operations N] [--seed X]\n"
    "              [--geometry full|toy|least|noise|spin|unshared|all] [--allocator heap|locked|api|malloc] [--fault "
    "NAME]\n"
    "              [--json FILE]\n"
    "       stress --list | --help\n";

struct Words {
  std::string scenario = "all";
  std::string geometry = "all";
  std::string allocator = "heap";
  std::string fault = "none";
  bool list = false;
};

[[noreturn]] void wrong_call(const std::string& message) {
  fmt::print(stderr, "stress: {}\n{}", message, kUsage);
  std::exit(2);
}

/// The names of a table's entries.
template <class Table>
std::vector<std::string> names_of(const Table& table) {
  std::vector<std::string> names;
  for (const auto& entry : table) names.emplace_back(entry.name);
  return names;
}

[[noreturn]] void list() {
  fmt::print("scenarios:\n");
  for (const auto& entry : all_scenarios()) fmt::print("  {:<22}{}\n", entry.name, entry.description);
  fmt::print("faults:\n");
  for (const auto& entry : kFaults) fmt::print("  {:<22}{}\n", entry.name, entry.description);
  std::exit(0);
}

std::vector<Target> targets_of(const Words& words) {
  if (words.allocator != "heap") {
    if (words.geometry != "all" && words.geometry != "full") {
      wrong_call(fmt::format("--allocator {} has the full geometry only; leave --geometry out", words.allocator));
    }
    if (words.allocator == "locked") return {Target::kLocked};
    return {words.allocator == "api" ? Target::kApi : Target::kMalloc};
  }
  if (words.geometry == "full") return {Target::kFull};
  if (words.geometry == "toy") return {Target::kToy};
  if (words.geometry == "least") return {Target::kLeast};
  if (words.geometry == "noise") return {Target::kNoise};
  if (words.geometry == "spin") return {Target::kSpin};
  if (words.geometry == "unshared") return {Target::kUnshared};
  return {Target::kFull, Target::kToy, Target::kLeast};
}

void check(const Options& options, const Words& words) {
  if (options.seconds != 0 && options.operations != 0) {
    wrong_call("--seconds and --operations exclude each other; give one of them");
  }
  if (changes_the_heap(options.fault) && words.allocator != "heap") {
    wrong_call(fmt::format("--fault {} changes the heap; leave --allocator out", words.fault));
  }
  if (changes_the_heap(options.fault) && words.geometry != "toy" && words.geometry != "noise") {
    wrong_call(fmt::format("--fault {} needs --geometry toy or noise", words.fault));
  }
  if (options.fault == Fault::kWildCap && words.allocator != "heap") {
    wrong_call("--fault wild-cap needs the heap's own learner; leave --allocator out");
  }
}

/// The library would read "-1" and numbers out of range as very large numbers. \return what is wrong, or nothing.
std::string is_natural_number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? "" : fmt::format("{} is not a whole number of 0 to 2^64-1", text);
}

/// "Name is not in {…}" and the like, on one line.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Options parse_options(int count, char** arguments) {
  Options options;
  Words words;
  CLI::App app{"Stresses the allocator with many threads; every block is marked and checked.", "stress"};
  options.seed = std::uint64_t{std::random_device{}()};
  app.add_option("--scenario", words.scenario, "one scenario, or all (default)")->check(CLI::IsMember([] {
    auto names = names_of(all_scenarios());
    names.emplace_back("all");
    return names;
  }()));
  app.add_option("--threads", options.threads, "threads at work, 2 to 256 (default 4)")->check(CLI::Range(2, 256));
  app.add_option("--seconds", options.seconds, "time for each scenario, all geometries together, 0.1 to 86400")
      ->check(CLI::Range(0.1, 86400.0));
  app.add_option("--operations", options.operations,
                 "allocations, frees, hand-overs and so on for each scenario instead of a time, 100 to 10^12")
      ->check(CLI::Range(std::uint64_t{100}, std::uint64_t{1'000'000'000'000}));
  app.add_option("--seed", options.seed, "makes every thread's decisions the same again (default: a new one)")
      ->check(is_natural_number);
  app.add_option("--geometry", words.geometry,
                 "dimensions of the heap: full, toy, least, or all (default); noise: toy, and its atomics yield, "
                 "sleep and change processors at random; the baselines: spin: full, and each shared word has a lock; "
                 "unshared: full, and a SuperSlab serves one class")
      ->check(CLI::IsMember(std::vector<std::string>{"full", "toy", "least", "noise", "spin", "unshared", "all"}));
  app.add_option(
         "--allocator", words.allocator,
         "heap: the headers, with explicit contexts (default); locked: the same behind one lock; api: hak_alloc and so "
         "on; malloc: this process's")
      ->check(CLI::IsMember(std::vector<std::string>{"heap", "locked", "api", "malloc"}));
  app.add_option("--fault", words.fault, "commit this fault on purpose")->check(CLI::IsMember(names_of(kFaults)));
  app.add_option("--json", options.json, "write the results to this file");
  app.add_flag("--list", words.list, "name the scenarios and faults");
  try {
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    std::exit(0);
  } catch (const CLI::ParseError& error) {
    wrong_call(one_line(error.what()));
  }
  if (words.list) list();
  options.fault =
      std::find_if(kFaults.begin(), kFaults.end(), [&](const auto& f) { return f.name == words.fault; })->fault;
  check(options, words);
  options.targets = targets_of(words);
  options.scenarios = words.scenario == "all" ? names_of(all_scenarios()) : std::vector{words.scenario};
  if (options.seconds == 0 && options.operations == 0) options.seconds = 2;
  return options;
}

}  // namespace hakmem::stress
