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
  std::uint64_t iterations;
  Worker worker;            // null: runs its threads itself,
  Runner run = nullptr;     // by this one
  std::uint32_t group = 1;  // so many threads work together
  std::uint32_t threads = group;
};

constexpr Scenario kScenarios[] = {
    {"json", "documents", 2000, json_worker},
    {"mir", "functions", 10000, mir_worker},
    {"vm", "texts", 10000, vm_worker},
    {"factor", "steps", 10000, factor_worker},
    {"handoff", "messages", 500000, nullptr, run_handoff, 2},
    {"producer", "messages", 500000, nullptr, run_producer, 4},
    {"exchange", "messages", 500000, nullptr, run_exchange, 1, 4},
    {"false-sharing-active", "counters", 500000, active_sharing_worker, nullptr, 1, 2},
    {"false-sharing-passive", "counters", 500000, nullptr, run_passive_sharing, 1, 2},
    {"large", "blocks", 500, large_worker},
    {"batch", "batches", 2000, batch_worker},
    {"working-set", "blocks", 1000000, working_set_worker},
    {"realloc", "growths", 100000, realloc_worker},
    {"calloc", "blocks", 100000, calloc_worker},
    {"tree", "trees", 500, tree_worker},
    {"peak", "blocks", 30000, nullptr, run_peak, 1, 2},
};

struct Settings {
  std::string scenario;
  std::uint32_t threads = 0;
  std::uint64_t iterations = 0;
  std::uint64_t seed = 1;
  double idle_seconds = 3;
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

/// Prints how resident memory went, and returns it for the result.
nlohmann::json rss_over_time(const Outcome& outcome) {
  nlohmann::json samples = nlohmann::json::array();
  for (const Resident& resident : outcome.rss_over_time) {
    std::printf("%8.3f s  %-8s %9.1f MiB resident\n", resident.seconds, resident.when,
                static_cast<double>(resident.bytes) / (1 << 20));
    samples.push_back({{"when", resident.when}, {"seconds", resident.seconds}, {"bytes", resident.bytes}});
  }
  return samples;
}

int measure(const Scenario& scenario, const Settings& settings) {
  const Work work{settings.threads, settings.iterations, settings.seed, settings.idle_seconds};
  const Stopwatch stopwatch;
  const Outcome outcome = scenario.worker != nullptr ? run_workers(scenario.worker, work) : scenario.run(work);
  Elapsed elapsed = stopwatch.elapsed();
  elapsed.seconds -= outcome.idle_seconds;
  char checksum[20];
  std::snprintf(checksum, sizeof(checksum), "%016llx", static_cast<unsigned long long>(outcome.checksum));
  std::printf("%s: %u threads, %.0f %s per second, %llu in %.3f s, checksum %s\n", scenario.name, settings.threads,
              static_cast<double>(outcome.operations) / elapsed.seconds, scenario.unit,
              static_cast<unsigned long long>(outcome.operations), elapsed.seconds, checksum);
  nlohmann::json document = measurement(scenario.name, outcome.operations, elapsed);
  document.update(
      {{"threads", settings.threads}, {"unit", scenario.unit}, {"checksum", checksum}, {"seed", settings.seed}});
  if (!outcome.rss_over_time.empty()) document["rss_over_time"] = rss_over_time(outcome);
  return write_json("scenarios", settings.json, document) ? 0 : kExitFailed;
}

int run(int argc, char** argv) {
  Settings settings;
  CommandLine line("Small programs that allocate as real ones do.", "scenarios");
  std::vector<std::string> names;
  std::string listed;
  for (const Scenario& scenario : kScenarios) {
    names.emplace_back(scenario.name);
    listed += (listed.empty() ? "" : ", ") + names.back();
  }
  line.add("SCENARIO", settings.scenario, listed).required().one_of(names);
  line.add("--threads", settings.threads, "threads (default 1; handoff: an even number, producer: a multiple of four)")
      .between(1U, 512U);
  line.add("--iterations", settings.iterations, "operations per thread; handoff, producer: per group of threads")
      .between(std::uint64_t{1}, std::uint64_t{1} << 40);
  line.add("--seed", settings.seed, "of the random numbers (default 1)");
  line.add("--idle", settings.idle_seconds, "peak: seconds to do nothing after the frees (default 3)")
      .between_seconds(0.0, 3600.0);
  line.add("--json", settings.json, "also write the result to this file");
  if (const auto code = line.parse(argc, argv)) return *code;
  const Scenario* scenario = kScenarios;
  while (settings.scenario != scenario->name) ++scenario;
  if (settings.threads == 0) settings.threads = scenario->threads;
  if (settings.iterations == 0) settings.iterations = scenario->iterations;
  if (settings.threads % scenario->group != 0) {
    return line.wrong_call(std::string("--threads: ") + scenario->name + " works in groups; give a multiple of " +
                           std::to_string(scenario->group));
  }
  return measure(*scenario, settings);
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("scenarios", hakmem::bench::run, argc, argv); }
