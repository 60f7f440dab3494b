/// Single operations of one thread, each repeated on warm memory until its time is known: Google Benchmark measures, any malloc
/// by LD_PRELOAD is measured. What many threads do to each other, and what a program's whole life costs, say the others.

#include <benchmark/benchmark.h>
#include <fnmatch.h>
#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "support/command_line.hpp"
#include "support/failure.hpp"
#include "support/json_file.hpp"
#include "support/process_facts.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kBurst = 64;
constexpr std::size_t kGrowthEnd = std::size_t{1} << 20;

/// The block is used, as whoever asks for one does.
char* used(void* block) {
  if (block == nullptr) die("malloc returned null");
  auto* bytes = static_cast<char*>(block);
  *bytes = 1;
  benchmark::DoNotOptimize(block);
  return bytes;
}

std::size_t bytes_of(const benchmark::State& state) { return static_cast<std::size_t>(state.range(0)); }

void allocates_and_frees(benchmark::State& state) {
  for (auto _ : state) std::free(used(std::malloc(bytes_of(state))));
}

/// A burst of blocks, freed in the order in which they came.
void allocates_and_frees_in_bursts(benchmark::State& state) {
  char* blocks[kBurst];
  for (auto _ : state) {
    for (char*& block : blocks) block = used(std::malloc(bytes_of(state)));
    for (char* block : blocks) std::free(block);
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t{kBurst});
}

void allocates_zeroed_and_frees(benchmark::State& state) {
  for (auto _ : state) {
    void* block = std::calloc(1, bytes_of(state));
    if (block != nullptr && *static_cast<char*>(block) != 0) die("a block from calloc is not zero");
    std::free(used(block));
  }
}

void allocates_aligned_and_frees(benchmark::State& state) {
  const auto alignment = static_cast<std::size_t>(state.range(1));
  for (auto _ : state) {
    char* block = used(std::aligned_alloc(alignment, bytes_of(state)));
    if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) die("a block is not aligned");
    std::free(block);
  }
}

void news_and_deletes(benchmark::State& state) {
  for (auto _ : state) {
    char* block = used(::operator new(bytes_of(state)));
    ::operator delete(block, bytes_of(state));
  }
}

/// A block that is doubled until it has a MiB.
void grows(benchmark::State& state) {
  for (auto _ : state) {
    char* block = used(std::malloc(16));
    for (std::size_t bytes = 32; bytes <= kGrowthEnd; bytes *= 2) block = used(std::realloc(block, bytes));
    std::free(block);
  }
}

void asks_for_the_usable_size(benchmark::State& state) {
  char* block = used(std::malloc(bytes_of(state)));
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(block));
  std::free(block);
}

/// \return how many match `only`, a pattern of names as the shell's for files
int register_all(double seconds, const std::string& only) {
  int count = 0;
  const auto add = [&](const char* operation, void (*run)(benchmark::State&),
                       const std::vector<std::vector<std::int64_t>>& all) {
    for (const auto& arguments : all) {
      std::string name = operation;
      for (const std::int64_t argument : arguments) name += "/" + std::to_string(argument);
      if (::fnmatch(only.c_str(), name.c_str(), 0) != 0) continue;
      benchmark::RegisterBenchmark(name.c_str(), run)->Args(arguments)->MinTime(seconds);
      ++count;
    }
  };
  add("malloc_free", allocates_and_frees, {{16}, {64}, {1024}, {4096}, {32768}, {262144}, {4 << 20}});
  add("burst_of_64", allocates_and_frees_in_bursts, {{64}, {1024}, {4096}, {65536}});
  add("calloc_free", allocates_zeroed_and_frees, {{64}, {4096}, {262144}});
  add("aligned_alloc_free", allocates_aligned_and_frees, {{64, 64}, {4096, 4096}});
  add("new_delete", news_and_deletes, {{64}});
  add("realloc_to_a_mebibyte", grows, {{}});
  add("malloc_usable_size", asks_for_the_usable_size, {{64}});
  return count;
}

/// Collects what was measured, and prints a line for each.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      const auto items = run.counters.find("items_per_second");
      const double nanoseconds = items != run.counters.end() ? 1e9 / items->second.value : run.GetAdjustedCPUTime();
      const std::string& name = run.run_name.function_name;  // as it was registered, without what follows of settings
      std::printf("%-28s %12.1f ns\n", name.c_str(), nanoseconds);
      std::fflush(stdout);
      results.push_back({{"name", name}, {"nanoseconds", nanoseconds}});
    }
  }

  nlohmann::json results = nlohmann::json::array();
};

int run(int argc, char** argv) {
  double seconds = 0.1;
  std::string only = "*";
  std::string json;
  CommandLine line("Measures single operations: malloc, calloc, realloc and others, in nanoseconds of processor time.",
                   "operations");
  line.add("--seconds", seconds, "that each is repeated for, at least (default 0.1)").between_seconds(0.001, 60);
  line.add("--only", only, "only operations whose names match this pattern, such as 'calloc*'");
  line.add("--json", json, "also write the result to this file");
  if (const auto code = line.parse(argc, argv)) return *code;
  if (register_all(seconds, only) == 0) return line.wrong_call("--only: no operation matches '" + only + "'");
  Collector collector;
  // Google Benchmark's own options are of no use here: what is measured is the same for every allocator.
  benchmark::RunSpecifiedBenchmarks(&collector);
  const nlohmann::json document{
      {"benchmark", "operations"}, {"malloc", malloc_provider()}, {"seconds", seconds}, {"results", collector.results}};
  return write_json("operations", json, document) ? 0 : kExitFailed;
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("operations", hakmem::bench::run, argc, argv); }
