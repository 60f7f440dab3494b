/// Counts the user instructions of malloc + free, one by one, by letting the processor trap after each. Unlike a time,
/// such a count is the same on a busy machine, so a change of a single instruction shows. String instructions (rep
/// movs, rep stos) count once per repetition; of the kernel's work only the number of calls is counted. The clock stands
/// still meanwhile: what an allocator does after a while would come in one run and not in the next.

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "support/command_line.hpp"
#include "support/json_file.hpp"
#include "support/process_facts.hpp"
#include "support/step_counter.hpp"

/// In the place of the C library's, for whatever malloc is loaded: always the same moment.
extern "C" [[gnu::visibility("default")]] int clock_gettime(clockid_t, timespec* now) noexcept {
  now->tv_sec = 1'000'000;
  now->tv_nsec = 0;
  return 0;
}

namespace hakmem::bench {
namespace {

constexpr std::size_t kLargestBatch = 768;
constexpr std::uint64_t kBytesOfMisses = 3 << 20;
constexpr std::size_t kRemoteBatch = 64;
constexpr std::uint64_t kWarmUpPairs = 4096;
constexpr std::uint64_t kWarmUpMisses = 2;

/// `batch` blocks are allocated, then freed in the order of allocation; a batch of 1 is a malloc and its free.
struct Pattern {
  enum class Kind : std::uint8_t { kBatch, kMiss, kRemote };

  const char* name;
  std::size_t batch;
  Kind kind = Kind::kBatch;
};
constexpr Pattern kPatterns[] = {
    {"pair", 1},
    {"batch16", 16},
    {"batch64", 64},
    {"miss", 0, Pattern::Kind::kMiss},                  // a batch that is more than thread caches have room for
    {"remote", kRemoteBatch, Pattern::Kind::kRemote}};  // another thread frees it

struct Settings {
  std::vector<std::uint64_t> sizes;
  std::vector<Pattern> patterns;
  std::uint64_t pairs = 256;
  std::string json;
};

/// Per malloc + free.
struct Counts {
  double instructions = 0;  // the loop around them included
  double system_calls = 0;
  double own_instructions = 0;  // in the library whose malloc it is, where the C library and the kernel have no part
  double own_ways_out = 0;      // how often that is left: twice to return, and for each call of something else
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
[[gnu::noinline]] void allocate_all(void** blocks, std::size_t count, std::size_t bytes) {
  for (std::size_t i = 0; i < count; ++i) {
    blocks[i] = Malloc::allocate(bytes);
    asm volatile("" : : "r"(blocks[i]) : "memory");
  }
}

template <class Malloc>
[[gnu::noinline]] void release_all(void** blocks, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) Malloc::release(blocks[i]);
}

template <class Work>
Steps steps_of(const Work& work) {
  StepCounter counter;
  work();
  counter.stop();
  return counter.taken();
}

/// What `work(count)` takes beyond what `work(0)` does.
template <class Work>
Steps steps_of(std::size_t count, const Work& work) {
  Steps steps = steps_of([&] { work(count); });
  steps -= steps_of([&] { work(std::size_t{0}); });
  return steps;
}

/// A thread that frees what its owner has allocated, while the owner waits.
template <class Malloc>
class Freer {
 public:
  Freer() : thread_([this] { serve(); }) {}
  ~Freer() {
    blocks_ = nullptr;
    begin_.release();
  }
  Freer(const Freer&) = delete;
  Freer& operator=(const Freer&) = delete;

  /// What that took, if it is `counted`.
  Steps release(void** blocks, std::size_t count, bool counted) {
    blocks_ = blocks;
    count_ = count;
    counted_ = counted;
    begin_.release();
    end_.acquire();
    return steps_;
  }

 private:
  void serve() {
    for (begin_.acquire(); blocks_ != nullptr; begin_.acquire()) {
      if (counted_) {
        steps_ = steps_of(count_, [this](std::size_t count) { release_all<Malloc>(blocks_, count); });
      } else {
        release_all<Malloc>(blocks_, count_);
      }
      end_.release();
    }
  }

  std::binary_semaphore begin_{0};
  std::binary_semaphore end_{0};
  void** blocks_ = nullptr;
  std::size_t count_ = 0;
  bool counted_ = false;
  Steps steps_;
  std::jthread thread_;
};

/// Counts `pairs` in batches of one thread, after as many that warm up.
template <class Malloc>
Steps count_local(std::size_t bytes, std::size_t batch, std::uint64_t pairs, std::uint64_t warm_up) {
  run_pairs<Malloc>(bytes, batch, warm_up);
  return steps_of(pairs, [&](std::uint64_t number) { run_pairs<Malloc>(bytes, batch, number); });
}

/// Counts `pairs` whose blocks another thread frees.
template <class Malloc>
Steps count_remote(std::size_t bytes, std::uint64_t pairs) {
  void* blocks[kRemoteBatch];
  Freer<Malloc> freer;
  Steps steps;
  for (std::uint64_t done = 0; done < kWarmUpPairs; done += kRemoteBatch) {
    allocate_all<Malloc>(blocks, kRemoteBatch, bytes);
    freer.release(blocks, kRemoteBatch, false);
  }
  for (std::uint64_t done = 0; done < pairs; done += kRemoteBatch) {
    steps += steps_of(kRemoteBatch, [&](std::size_t count) { allocate_all<Malloc>(blocks, count, bytes); });
    steps += freer.release(blocks, kRemoteBatch, true);
  }
  return steps;
}

template <class Malloc>
Counts count(std::size_t bytes, const Pattern& pattern, std::uint64_t pairs) {
  const auto whole = [](std::uint64_t number, std::uint64_t batch) { return (number + batch - 1) / batch * batch; };
  Steps steps;
  if (pattern.kind == Pattern::Kind::kRemote) {
    pairs = whole(pairs, kRemoteBatch);
    steps = count_remote<Malloc>(bytes, pairs);
  } else if (pattern.kind == Pattern::Kind::kMiss) {
    pairs = std::clamp<std::uint64_t>(kBytesOfMisses / std::max<std::size_t>(bytes, 1), 16, kLargestBatch);
    steps = count_local<Malloc>(bytes, pairs, pairs, kWarmUpMisses * pairs);
  } else {
    pairs = whole(pairs, pattern.batch);
    steps = count_local<Malloc>(bytes, pattern.batch, pairs, kWarmUpPairs);
  }
  const auto per_pair = [pairs](std::uint64_t events) {
    return static_cast<double>(events) / static_cast<double>(pairs);
  };
  return {per_pair(steps.all), per_pair(steps.system_calls), per_pair(steps.watched), per_pair(steps.ways_out)};
}

/// The figures of one size, or of the empty functions when `bytes` is 0.
Counts count_of(std::uint64_t bytes, const Pattern& pattern, std::uint64_t pairs) {
  return bytes == 0 ? count<EmptyFunctions>(bytes, pattern, pairs) : count<SystemMalloc>(bytes, pattern, pairs);
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
                       {"system_calls", counts.system_calls},
                       {"own_instructions", counts.own_instructions},
                       {"own_ways_out", counts.own_ways_out}});
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
  CommandLine line("Counts user instructions of malloc + free in single steps.", "instructions");
  line.add("--size", settings.sizes, "sizes in bytes (default: 16, 64, 256 ... 1048576)").between(1U, 1U << 30);
  line.add("--pattern", chosen, "pair, batch16, batch64, miss, remote (default: all)").one_of(names);
  line.add("--pairs", settings.pairs, "malloc + free pairs for each figure (default 256; miss: as many as it needs)")
      .between(64U, 1000000U);
  line.add("--json", settings.json, "also write the result to this file");
  if (const auto code = line.parse(argc, argv)) return *code;
  if (settings.sizes.empty()) {
    for (std::uint64_t bytes = 16; bytes <= 1U << 20; bytes *= 4) settings.sizes.push_back(bytes);
  }
  for (const Pattern& pattern : kPatterns) {
    if (std::find(chosen.begin(), chosen.end(), pattern.name) != chosen.end()) settings.patterns.push_back(pattern);
  }
  StepCounter::install(code_of_malloc());
  return write_json("instructions", settings.json, measure(settings)) ? 0 : kExitFailed;
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("instructions", hakmem::bench::run, argc, argv); }
