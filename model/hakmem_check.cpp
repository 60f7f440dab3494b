/// hakmem-check: model-checks the shipping headers.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "model/litmus/litmus.hpp"
#include "model/runner.hpp"

namespace {

using namespace hakmem::model;

struct Arguments {
  std::string pattern;
  std::string scheduler;
  std::string json;
  std::string token;
  RunOptions run;
};

[[noreturn]] void refuse(const std::string& message) {
  fmt::print(stderr, "hakmem-check: {}\n", message);
  std::exit(2);
}

/// full | bound=N | random[=N]
Plan parse_plan(const std::string& text) {
  if (text == "full") return full();
  const auto number = [&](std::size_t from) -> std::uint64_t {
    const std::string digits = text.substr(from);
    if (digits.empty() || digits.size() > 12 || digits.find_first_not_of("0123456789") != std::string::npos) {
      refuse(fmt::format("'{}': a number must follow '='", text));
    }
    return std::stoull(digits);
  };
  if (text.starts_with("bound=")) return bound(static_cast<unsigned>(number(6)));
  if (text == "random") return random(1'000'000);
  if (text.starts_with("random=")) return random(number(7));
  refuse(fmt::format("unknown scheduler '{}': use full, bound=N, random or random=N", text));
}

std::vector<const Suite*> choose(const std::string& pattern) {
  std::vector<const Suite*> chosen;
  for (const Suite& suite : suites()) {
    if (suite.name.find(pattern) != std::string_view::npos) chosen.push_back(&suite);
  }
  if (chosen.empty()) refuse(fmt::format("no suite matches '{}': see 'hakmem-check list'", pattern));
  std::sort(chosen.begin(), chosen.end(), [](auto* a, auto* b) { return a->name < b->name; });
  return chosen;
}

void write_json(const std::string& path, const nlohmann::json& value) {
  if (path.empty()) return;
  const std::string temporary = path + ".tmp";
  std::ofstream out(temporary);
  out << value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(temporary, path, error);
  if (!out || error) {
    fmt::print(stderr, "hakmem-check: cannot write {}\n", path);
    std::exit(1);
  }
}

nlohmann::json to_json(const Row& row) {
  return {{"suite", row.suite},           {"proves", row.proves},
          {"scheduler", row.scheduler},   {"executions", row.executions},
          {"seconds", row.seconds},       {"verdict", row.verdict},
          {"status", row.passed ? "pass" : "fail"}, {"broken_variant", row.broken_variant},
          {"message", row.message},       {"replay", row.replay},
          {"trace", row.trace}};
}

int list() {
  for (const Suite* suite : choose("")) {
    fmt::print("{:44} {}{}\n", suite->name, suite->broken ? "[broken] " : "", suite->proves);
  }
  return 0;
}

int run(Arguments& arguments) {
  if (!arguments.scheduler.empty()) arguments.run.override_plans = {parse_plan(arguments.scheduler)};
  arguments.run.progress = isatty(STDERR_FILENO) != 0;
  nlohmann::json results = nlohmann::json::array();
  std::size_t failed = 0;
  const bool passed = run_suites(choose(arguments.pattern), arguments.run, [&](const Row& row) {
    fmt::print("{:44} {:8} {:>12} executions {:8.2f} s  {}{}{}\n", row.suite, row.scheduler, row.executions,
               row.seconds, row.verdict, row.message.empty() ? "" : ": ", row.message);
    if (!row.passed) {
      ++failed;
      fmt::print("{}\n", row.trace);
      if (!row.replay.empty()) fmt::print("replay: hakmem-check replay '{}'\n", row.replay);
    }
    std::fflush(stdout);
    results.push_back(to_json(row));
  });
  write_json(arguments.json, {{"results", results}, {"interrupted", g_interrupted != 0}});
  if (g_interrupted != 0) {
    fmt::print("INTERRUPTED after {} runs, {} of them failed\n", results.size(), failed);
    return 130;
  }
  fmt::print("{}: {} runs, {} failed\n", passed ? "PASSED" : "FAILED", results.size(), failed);
  return passed ? 0 : 1;
}

int replay_token(const std::string& token) {
  const auto first = token.find('@');
  const auto second = token.find('@', first + 1);
  if (first == std::string::npos || second == std::string::npos) {
    refuse("a replay token has the form SUITE@SCHEDULER@STATE, as printed with a failure");
  }
  const std::string name = token.substr(0, first);
  const auto found = std::find_if(suites().begin(), suites().end(), [&](const Suite& s) { return s.name == name; });
  if (found == suites().end()) refuse(fmt::format("no suite is called '{}': the token is of another version", name));
  std::string state = token.substr(second + 1);
  if (state.empty() || state.find_first_not_of("0123456789.") != std::string::npos) {
    refuse("the token's state is damaged: it holds numbers and dots only");
  }
  std::replace(state.begin(), state.end(), '.', ' ');
  const Row row = replay(*found, parse_plan(token.substr(first + 1, second - first - 1)), state);
  fmt::print("{}\n{} {}: {}\n", row.trace, row.suite, row.scheduler, row.message);
  return row.passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  signal(SIGINT, [](int) { g_interrupted = 1; });
  signal(SIGTERM, [](int) { g_interrupted = 1; });
  Arguments arguments;
  CLI::App app{"Model-checks the lock-free headers that ship."};
  app.require_subcommand(1);
  auto* list_command = app.add_subcommand("list", "name the suites and what each proves");
  auto* run_command = app.add_subcommand("run", "run suites");
  run_command->add_option("pattern", arguments.pattern, "only suites whose name contains this");
  run_command->add_flag("--quick", arguments.run.quick, "the quick tier: a verdict on everything within a minute");
  run_command->add_option("--seconds", arguments.run.seconds, "time limit of each run")->check(CLI::Range(1.0, 1e6));
  run_command->add_option("--scheduler", arguments.scheduler, "full, bound=N, random or random=N for all");
  run_command->add_option("--seed", g_seed, "seed of random schedules");
  run_command->add_option("--jobs", arguments.run.jobs, "processes at a time")->check(CLI::Range(1, 256));
  run_command->add_option("--json", arguments.json, "write the report there");
  auto* replay_command = app.add_subcommand("replay", "run one failing execution again and print its trace");
  replay_command->add_option("token", arguments.token, "as printed with the failure")->required();
  auto* litmus_command = app.add_subcommand("litmus", "what the engine can see and what it cannot");
  litmus_command->add_option("--json", arguments.json, "write the report there");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return 2;
  }
  if (list_command->parsed()) return list();
  if (run_command->parsed()) return run(arguments);
  if (replay_command->parsed()) return replay_token(arguments.token);
  nlohmann::json report;
  const bool as_expected = run_litmus(report);
  write_json(arguments.json, report);
  return litmus_command->parsed() && as_expected ? 0 : 1;
}
