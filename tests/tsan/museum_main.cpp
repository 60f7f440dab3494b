#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "museum_race.hpp"
#include "stress/noise.hpp"

int main(int count, char** arguments) {
  using namespace hakmem::museum;
  CLI::App app{"Runs races of the museum on two threads until one goes wrong. Exit code 0: all held; 1: one was found.",
               "museum_race"};
  unsigned number = 0;
  double seconds = 5;
  std::uint64_t seed = 1;
  bool noisy = false;
  bool sound = false;
  bool past_findings = false;
  bool list = false;
  app.add_option("--bug", number, "its number in docs/reports/museum.md; see --list");
  app.add_option("--seconds", seconds, "at most, 0.1 to 3600 (default 5)")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--seed", seed, "of delays and noise, 0 to 2^32-1 (default 1)")->check(CLI::Range(0U, ~0U));
  app.add_flag("--noise", noisy, "with schedule noise");
  app.add_flag("--sound", sound, "the sound twin instead, which must hold");
  app.add_flag("--past-findings", past_findings,
               "goes on after one went wrong, until a tool ends the program or the time is over");
  app.add_flag("--list", list, "names the bugs, and which of them are races on plain variables");
  try {
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "museum_race: {}\n{}", error.what(), app.help());
    return 2;
  }
  if (list) {
    for (const Bug& bug : museum_bugs()) {
      fmt::print("{} {}{}\n", bug.number, bug.title, bug.data_race ? " (data race)" : "");
    }
    return 0;
  }
  for (const Bug& bug : museum_bugs()) {
    if (bug.number != number) continue;
    hakmem::stress::seed_noise(seed);
    const Found found = (sound ? bug.sound : bug.faulty)({noisy, past_findings, seconds, seed});
    fmt::print("{} {} trials {:.4f} s\n", found.found ? "found" : "held", found.trials, found.seconds);
    return found.found ? 1 : 0;
  }
  fmt::print(stderr, "museum_race: there is no bug {}; --bug takes a number of --list\n{}", number, app.help());
  return 2;
}
