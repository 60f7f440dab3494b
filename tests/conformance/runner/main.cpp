/// conformance: what the standards and glibc promise of the malloc family, checked against any malloc.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <regex>
#include <thread>

#include "report.hpp"
#include "suite.hpp"

namespace hakmem::conformance {
namespace {

constexpr int kBroken = 1;
constexpr int kWrongCall = 2;

struct Options {
  std::vector<std::string> preload;
  std::string filter;
  std::string json;
  std::string markdown;
  std::string must;
  std::string known;
  std::string emulator;
  double seconds = 60;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
  bool list = false;
};

void describe(CLI::App& app, Options& options) {
  app.add_option("--preload", options.preload,
                 "shared library to check, or \"system\" for the C library's own malloc; "
                 "may be given several times (default: system)")
      ->type_name("LIB")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--filter", options.filter, "only checks whose name the regular expression finds")->type_name("RE");
  app.add_option("--must", options.must,
                 "level up to which a broken promise decides: required, glibc or hakmem "
                 "(default: hakmem for hakmem, glibc for others)")
      ->check(CLI::IsMember({"required", "glibc", "hakmem"}));
  app.add_option("--known", options.known, "JSON file of known deviations: library, or emulator -> check -> reason")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  app.add_option(
         "--emulator", options.emulator,
         "command that runs programs of the checks' machine, where it is another one: a path, and words after blanks; "
         "it takes -E NAME=VALUE as qemu's user mode does. Checks that limit their address space are left out: "
         "the emulator's would be limited")
      ->type_name("COMMAND");
  app.add_option("--json", options.json, "write the results there")->type_name("FILE");
  app.add_option("--markdown", options.markdown, "write the table of all libraries there")->type_name("FILE");
  app.add_option(
         "--timeout", options.seconds,
         "seconds that a check may sleep before it hangs; it may use 20 times as much processor time (default 60)")
      ->type_name("S")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--jobs", options.jobs, "checks at a time (default: one for each core)")->check(CLI::Range(1, 256));
  app.add_flag("--list", options.list, "print every check with its level and clause, and run none");
}

std::vector<Check> filtered(std::vector<Check> checks, const std::string& filter) {
  try {
    const std::regex wanted(filter);
    std::erase_if(checks, [&](const Check& check) { return !std::regex_search(check.name, wanted); });
  } catch (const std::regex_error&) {
    throw Problem{fmt::format("--filter: '{}' is no regular expression", filter)};
  }
  if (checks.empty()) throw Problem{fmt::format("--filter: no check's name matches '{}'; see --list", filter)};
  return checks;
}

/// Shows on a terminal how far the run has come.
class Progress {
 public:
  explicit Progress(std::size_t total) : total_(total), is_shown_(::isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (is_shown_) std::fputs("\r\033[K", stderr);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void done(const std::string& what) {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (is_shown_) std::fputs(fmt::format("\r\033[K[{}/{}] {}", done_, total_, what).c_str(), stderr);
  }

 private:
  std::mutex mutex_;
  std::size_t done_ = 0;
  std::size_t total_;
  bool is_shown_;
};

/// Runs all checks against all libraries, several at a time.
void run_all(const Suite& suite, Run& run, unsigned jobs) {
  const std::size_t per_library = run.checks.size();
  const std::size_t total = per_library * run.columns.size();
  for (auto& column : run.columns) column.outcomes.resize(per_library);
  Progress progress(total);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next.fetch_add(1); i < total; i = next.fetch_add(1)) {
      auto& column = run.columns[i / per_library];
      const auto& check = run.checks[i % per_library];
      column.outcomes[i % per_library] = suite.run(check, column.library);
      progress.done(column.library.label + " " + check.name);
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned i = 1; i < jobs; ++i) workers.emplace_back(work);
  work();
}

/// Writes a file whole or not at all.
void write_file(const std::string& path, const std::string& text) {
  const std::string temporary = fmt::format("{}.{}", path, ::getpid());
  std::ofstream stream(temporary);
  stream << text;
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(temporary, path, error);
  if (!stream || error) {
    std::filesystem::remove(temporary, error);
    throw Problem{fmt::format("cannot write {}", path)};
  }
}

void list(const std::vector<Check>& checks) {
  for (const auto& check : checks) {
    fmt::print("{:<60} {:<9} {}\n", check.name, name_of(check.level), check.clause);
  }
}

/// What an emulator does by itself says nothing of a library. Throws Problem when nothing is left.
void leave_out(std::vector<Check>& checks, const std::map<std::string, std::string>& reasons) {
  const auto left_out = std::erase_if(checks, [&](const Check& check) {
    const auto reason = reasons.find(check.name);
    if (reason == reasons.end()) return false;
    fmt::print("left out: {}: {}\n", check.name, reason->second);
    return true;
  });
  if (left_out != 0) fmt::print("\n");
  if (checks.empty()) throw Problem{"--filter: no check is left that an emulator can tell of"};
}

int execute(const Options& options, std::vector<std::string> command) {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  const Suite suite(folder / "conformance_checks", options.seconds, CLI::detail::split(options.emulator, ' '));
  Run run{
      .command = std::move(command), .checks = filtered(suite.checks(), options.filter), .columns = {}, .known = {}};
  if (options.list) {
    list(run.checks);
    return EXIT_SUCCESS;
  }
  if (!options.known.empty()) run.known = read_known_deviations(options.known);
  if (!options.emulator.empty()) leave_out(run.checks, run.known["emulator"]);
  const auto paths = options.preload.empty() ? std::vector<std::string>{"system"} : options.preload;
  for (const auto& path : paths) {
    Column column{.library = suite.library(path)};
    column.must = column.library.is_hakmem ? Level::kHakmem : Level::kGlibc;
    if (!options.must.empty()) column.must = level_named(options.must).value();
    run.columns.push_back(std::move(column));
  }
  run_all(suite, run, options.jobs);
  if (!options.json.empty()) write_file(options.json, as_json(run));
  if (!options.markdown.empty()) write_file(options.markdown, as_markdown(run));
  fmt::print("{}", as_text(run));
  return objections(run).empty() ? EXIT_SUCCESS : kBroken;
}

int main_of(int argc, char** argv) {
  CLI::App app("What the standards and glibc promise of the malloc family, checked against any malloc", "conformance");
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return EXIT_SUCCESS;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "conformance: {}\n\n{}", error.what(), app.help());
    return kWrongCall;
  }
  try {
    return execute(options, {argv, argv + argc});
  } catch (const Problem& problem) {
    fmt::print(stderr, "conformance: {}\n\n{}", problem.message, app.help());
    return kWrongCall;
  }
}

}  // namespace
}  // namespace hakmem::conformance

int main(int argc, char** argv) { return hakmem::conformance::main_of(argc, argv); }
