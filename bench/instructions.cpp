/// Counts the user instructions of malloc + free, one by one, by letting the processor trap after each. Unlike a time,
/// such a count is the same on a busy machine, so a change of a single instruction shows. String instructions (rep
/// movs, rep stos) count once per repetition; of the kernel's work only the number of calls is counted.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "support/command_line.hpp"
#include "support/json_file.hpp"
#include "support/process_facts.hpp"
#include "support/step_counter.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kLargestBatch = 64;
constexpr std::uint64_t kWarmUpPairs = 4096;

/// `batch` blocks are allocated, then freed in the order of allocation; a batch of 1 is a malloc and its free.
struct Pattern {
  const char* name;
  std::size_t batch;
};
constexpr Pattern kPatterns[] = {{"pair", 1}, {"batch16", 16}, {"batch64", kLargestBatch}};

struct Settings {
  std::vector<std::uint64_t> sizes;
  std::vector<Pattern> patterns;
  std::uint64_t pairs = 256;
  std::string json;
};

struct Counts {
  double instructions = 0;  // per malloc + free, the loop around them included
  double system_calls = 0;  // per malloc + free
};

/// What is measured.
struct SystemMalloc {
  static void* allocate(std::size_t bytes) { return std::malloc(bytes); }
  static void release(void* block) { std::free(block); }
};

/// Functions that do nothing, for the price of the loop and of the calls.
struct EmptyFunctions {
  [[gnu::noinline]] static void* allocate(std::size_t) {
    asm volatile("");
    return nullptr;
  }
  [[gnu::noinline]] static void release(void*) { asm volatile(""); }
};

template <class Malloc>
[[gnu::noinline]] void run_pairs(std::size_t bytes, std::size_t batch, std::uint64_t pairs) {
  void* blocks[kLargestBatch];
  for (std::uint64_t done = 0; done < pairs; done += batch) {
    for (std::size_t i = 0; i < batch; ++i) {
      blocks[i] = Malloc::allocate(bytes);
      asm volatile("" : : "r"(blocks[i]) : "memory");
    }
    for (std::size_t i = 0; i < batch; ++i) Malloc::release(blocks[i]);
  }
}

template <class Malloc>
Counts count(std::size_t bytes, std::size_t batch, std::uint64_t pairs) {
  const std::uint64_t whole = (pairs + batch - 1) / batch * batch;
  run_pairs<Malloc>(bytes, batch, kWarmUpPairs);
  const auto steps_of = [&](std::uint64_t number) {
    StepCounter counter;
    run_pairs<Malloc>(bytes, batch, number);
    counter.stop();
    return std::pair(counter.steps(), counter.system_calls());
  };
  const auto nothing = steps_of(0);
  const auto everything = steps_of(whole);
  const auto per_pair = [whole](std::uint64_t events) {
    return static_cast<double>(events) / static_cast<double>(whole);
  };
  return {per_pair(everything.first - nothing.first), per_pair(everything.second)};
}

/// The figures of one size, or of the empty functions when `bytes` is 0.
Counts count_of(std::uint64_t bytes, const Pattern& pattern, std::uint64_t pairs) {
  return bytes == 0 ? count<EmptyFunctions>(bytes, pattern.batch, pairs)
                    : count<SystemMalloc>(bytes, pattern.batch, pairs);
}

/// Prints the line of one size, figure by figure, and adds its results. `bytes` 0 stands for the empty functions.
void measure_size(const Settings& settings, std::uint64_t bytes, nlohmann::json& results) {
  std::printf("%-16s", bytes == 0 ? "empty functions" : std::to_string(bytes).c_str());
  for (const Pattern& pattern : settings.patterns) {
    const Counts counts = count_of(bytes, pattern, settings.pairs);
    char calls[32] = "";
    if (counts.system_calls > 0) std::snprintf(calls, sizeof(calls), " (%.2f calls)", counts.system_calls);
    std::printf(" %9.1f%-14s", counts.instructions, calls);
    std::fflush(stdout);
    results.push_back({{"bytes", bytes},
                       {"pattern", pattern.name},
                       {"instructions", counts.instructions},
                       {"system_calls", counts.system_calls}});
  }
  std::printf("\n");
}

nlohmann::json measure(const Settings& settings) {
  nlohmann::json results = nlohmann::json::array();
  std::printf("user instructions per malloc + free, the loop around them included\n%-16s", "bytes");
  for (const Pattern& pattern : settings.patterns) std::printf(" %9s%-14s", pattern.name, "");
  std::printf("\n");
  measure_size(settings, 0, results);
  for (const std::uint64_t bytes : settings.sizes) measure_size(settings, bytes, results);
  return {{"benchmark", "instructions"},
          {"pairs", settings.pairs},
          {"malloc", malloc_provider()},
          {"results", std::move(results)}};
}

int run(int argc, char** argv) {
  Settings settings;
  std::vector<std::string> names;
  for (const Pattern& pattern : kPatterns) names.emplace_back(pattern.name);
  std::vector<std::string> chosen = names;
  CLI::App app("Counts user instructions of malloc + free in single steps.", "instructions");
  app.add_option("--size", settings.sizes, "sizes in bytes (default: 16, 64, 256 ... 1048576)")
      ->check(CLI::Range(1U, 1U << 30));
  app.add_option("--pattern", chosen, "pair, batch16, batch64 (default: all)")->check(CLI::IsMember(names));
  app.add_option("--pairs", settings.pairs, "malloc + free pairs for each figure (default 256)")
      ->check(CLI::Range(64U, 1000000U));
  app.add_option("--json", settings.json, "also write the result to this file");
  if (const auto code = parse(app, argc, argv)) return *code;
  if (settings.sizes.empty()) {
    for (std::uint64_t bytes = 16; bytes <= 1U << 20; bytes *= 4) settings.sizes.push_back(bytes);
  }
  for (const Pattern& pattern : kPatterns) {
    if (std::find(chosen.begin(), chosen.end(), pattern.name) != chosen.end()) settings.patterns.push_back(pattern);
  }
  StepCounter::install();
  return write_json("instructions", settings.json, measure(settings)) ? 0 : kExitFailed;
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("instructions", hakmem::bench::run, argc, argv); }
