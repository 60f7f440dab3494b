/// Runs one of the small programs of scenarios/ and prints its speed and its checksum.

#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "scenarios/scenario.hpp"
#include "support/command_line.hpp"
#include "support/json_file.hpp"
#include "support/measurement.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

struct Scenario {
  const char* name;
  const char* unit;
  Worker worker;  // null: runs its threads itself, in pairs
  std::uint64_t iterations;
};

constexpr Scenario kScenarios[] = {
    {"json", "documents", json_worker, 2000}, {"mir", "functions", mir_worker, 10000},
    {"vm", "texts", vm_worker, 10000},        {"factor", "steps", factor_worker, 10000},
    {"handoff", "messages", nullptr, 500000},
};

struct Settings {
  std::string scenario;
  std::uint32_t threads = 0;
  std::uint64_t iterations = 0;
  std::uint64_t seed = 1;
  std::string json;
};

Outcome run_workers(Worker worker, const Work& work) {
  std::vector<Outcome> outcomes(work.threads);
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < work.threads; ++i) {
    start_thread(threads, [&, i] { outcomes[i] = worker(work, i); });
  }
  threads.clear();
  Outcome sum;
  for (const Outcome& outcome : outcomes) {
    sum.operations += outcome.operations;
    sum.checksum += outcome.checksum;
  }
  return sum;
}

int measure(const Scenario& scenario, const Settings& settings) {
  const Work work{settings.threads, settings.iterations, settings.seed};
  const Stopwatch stopwatch;
  const Outcome outcome = scenario.worker != nullptr ? run_workers(scenario.worker, work) : run_handoff(work);
  const Elapsed elapsed = stopwatch.elapsed();
  char checksum[20];
  std::snprintf(checksum, sizeof(checksum), "%016llx", static_cast<unsigned long long>(outcome.checksum));
  std::printf("%s: %u threads, %.0f %s per second, %llu in %.3f s, checksum %s\n", scenario.name, settings.threads,
              static_cast<double>(outcome.operations) / elapsed.seconds, scenario.unit,
              static_cast<unsigned long long>(outcome.operations), elapsed.seconds, checksum);
  nlohmann::json document = measurement(scenario.name, outcome.operations, elapsed);
  document.update(
      {{"threads", settings.threads}, {"unit", scenario.unit}, {"checksum", checksum}, {"seed", settings.seed}});
  return write_json("scenarios", settings.json, document) ? 0 : kExitFailed;
}

int run(int argc, char** argv) {
  Settings settings;
  CLI::App app("Small programs that allocate as real ones do.", "scenarios");
  std::vector<std::string> names;
  for (const Scenario& scenario : kScenarios) names.emplace_back(scenario.name);
  app.add_option("SCENARIO", settings.scenario, "json, mir, vm, factor or handoff")
      ->required()
      ->check(CLI::IsMember(names));
  app.add_option("--threads", settings.threads, "threads (default 1; handoff: an even number, default 2)")
      ->check(CLI::Range(1U, 512U));
  app.add_option("--iterations", settings.iterations, "operations per thread; handoff: per pair of threads")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  app.add_option("--seed", settings.seed, "of the random numbers (default 1)");
  app.add_option("--json", settings.json, "also write the result to this file");
  if (const auto code = parse(app, argc, argv)) return *code;
  const Scenario* scenario = kScenarios;
  while (settings.scenario != scenario->name) ++scenario;
  if (settings.threads == 0) settings.threads = scenario->worker != nullptr ? 1 : 2;
  if (settings.iterations == 0) settings.iterations = scenario->iterations;
  if (scenario->worker == nullptr && settings.threads % 2 != 0) {
    return wrong_call(app, "--threads: handoff works in pairs; give an even number");
  }
  return measure(*scenario, settings);
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("scenarios", hakmem::bench::run, argc, argv); }
