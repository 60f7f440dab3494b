/// Random slots out of LIVE: an empty one gets a block of random size, an occupied one is freed. With the recorded
/// arguments (200000 4096 SEED) this is the workload on which size classes were made to share SuperSlabs.

#include <cstdint>
#include <cstdio>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "support/blocks.hpp"
#include "support/command_line.hpp"
#include "support/json_file.hpp"
#include "support/measurement.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

struct Settings {
  std::uint64_t iterations = 0;
  std::uint64_t live = 0;
  std::uint64_t seed = 0;
  std::uint32_t threads = 1;
  std::uint64_t min_bytes = 16;
  std::uint64_t max_bytes = 1040;
  std::uint64_t fixed_bytes = 0;
  bool check = false;
  std::string json;
};

/// One run. Block is BareBlock or MarkedBlock.
template <class Block>
class RandomMixed {
 public:
  explicit RandomMixed(const Settings& settings) : settings_(settings), ready_(settings.threads) {}

  /// The time from the common start of all threads to the end of the last.
  Elapsed run() {
    for (std::uint32_t i = 0; i < settings_.threads; ++i) start_thread(threads_, [this, i] { work(i); });
    ready_.wait();
    const Stopwatch stopwatch;  // before any thread may begin: on a busy machine this one might be the last to wake up
    start_.count_down();
    threads_.clear();
    return stopwatch.elapsed();
  }

 private:
  void work(std::uint32_t number) {
    BlockUser user(number);
    Random random(settings_.seed, number);
    std::vector<Block> blocks(settings_.live);
    ready_.count_down();
    start_.wait();
    for (std::uint64_t i = 0; i < settings_.iterations; ++i) {
      Block& block = blocks[random.below(settings_.live)];
      if (block.empty()) {
        block.acquire(random.between(settings_.min_bytes, settings_.max_bytes), user);
      } else {
        block.release(user);
      }
    }
    for (Block& block : blocks) {
      if (!block.empty()) block.release(user);
    }
    if (user.acquired != user.released) die("counts do not balance");
  }

  const Settings& settings_;
  std::latch ready_;
  std::latch start_{1};
  std::vector<std::jthread> threads_;  // joined when cleared
};

nlohmann::json as_json(const Settings& settings, std::uint64_t operations, const Elapsed& elapsed) {
  nlohmann::json document = measurement("random_mixed", operations, elapsed);
  document.update({{"threads", settings.threads},
                   {"checked", settings.check},
                   {"min_bytes", settings.min_bytes},
                   {"max_bytes", settings.max_bytes},
                   {"live", settings.live},
                   {"seed", settings.seed}});
  return document;
}

void add_options(CommandLine& line, Settings& settings) {
  line.add("ITERATIONS", settings.iterations, "steps per thread, each a malloc or a free")
      .required()
      .between(std::uint64_t{1}, std::uint64_t{1} << 40);
  line.add("LIVE", settings.live, "slots per thread; about half of them are occupied")
      .required()
      .between(1U, 10000000U);
  line.add("SEED", settings.seed, "of the random numbers").required();
  line.add("THREADS", settings.threads, "threads (default 1)").between(1U, 512U);
  const Option min = line.add("--min", settings.min_bytes, "smallest block, bytes (default 16)").between(1U, 1U << 30);
  const Option max = line.add("--max", settings.max_bytes, "largest block, bytes (default 1040)").between(1U, 1U << 30);
  line.add("--size", settings.fixed_bytes, "every block has this many bytes")
      .between(1U, 1U << 30)
      .excludes(min)
      .excludes(max);
  line.add_flag("--check", settings.check,
                "mark every byte of every block, verify it when it is freed, balance counts");
  line.add("--json", settings.json, "also write the result to this file");
}

template <class Block>
int measure(const Settings& settings) {
  const Elapsed elapsed = RandomMixed<Block>(settings).run();
  const std::uint64_t operations = settings.iterations * settings.threads;
  std::printf("random_mixed: %u threads, %.2f M operations (malloc or free) per second, %llu in %.3f s%s\n",
              settings.threads, static_cast<double>(operations) / elapsed.seconds / 1e6,
              static_cast<unsigned long long>(operations), elapsed.seconds,
              settings.check ? ", every block verified, counts balance" : "");
  return write_json("random_mixed", settings.json, as_json(settings, operations, elapsed)) ? 0 : kExitFailed;
}

int run(int argc, char** argv) {
  Settings settings;
  CommandLine line("Allocates and frees blocks of random size in random slots.", "random_mixed");
  add_options(line, settings);
  if (const auto code = line.parse(argc, argv)) return *code;
  if (settings.fixed_bytes != 0) settings.min_bytes = settings.max_bytes = settings.fixed_bytes;
  if (settings.min_bytes > settings.max_bytes) return line.wrong_call("--min is above --max; swap them");
  return settings.check ? measure<MarkedBlock>(settings) : measure<BareBlock>(settings);
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("random_mixed", hakmem::bench::run, argc, argv); }
