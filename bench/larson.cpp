/// The larson benchmark, after P. Larson and M. Krishnan, "Memory allocation for long-running server applications":
/// every thread owns an array of blocks and keeps replacing random ones by blocks of random size. After some rounds it
/// starts a successor, which inherits the array, and ends. So blocks outlive the threads that allocated them and are
/// freed by others, the first ones by other threads than the one that made them all.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/blocks.hpp"
#include "support/command_line.hpp"
#include "support/json_file.hpp"
#include "support/measurement.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

struct Settings {
  double seconds = 0;
  std::uint64_t min_bytes = 8;
  std::uint64_t max_bytes = 1024;
  std::uint64_t blocks = 1000;
  std::uint64_t rounds = 100;
  std::uint64_t seed = 12345;
  std::uint32_t threads = 1;
  std::uint64_t iterations = 0;
  bool check = false;
  bool exchange = false;
  std::string json;
};

struct Result {
  std::uint64_t operations = 0;
  std::uint64_t generations = 0;
  Elapsed elapsed;
  std::uint64_t acquired = 0;  // counted in checked runs only
  std::uint64_t released = 0;
  std::uint64_t live_at_end = 0;
};

/// One run. Block is BareBlock or MarkedBlock.
template <class Block>
class Larson {
 public:
  explicit Larson(const Settings& settings)
      : settings_(settings), spare_(settings.exchange ? settings.blocks : 0), done_(settings.threads) {
    for (std::uint32_t i = 0; i < settings.threads; ++i) lineages_.push_back(std::make_unique<Lineage>(settings, i));
  }

  /// Runs to the end of the time or of the iterations.
  Result run() {
    BlockUser main_thread(settings_.threads);
    allocate_and_deal_out(main_thread);
    const Stopwatch stopwatch;
    for (auto& lineage : lineages_) start_generation(*lineage);
    if (settings_.iterations == 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(settings_.seconds));
      // Pairs with nothing: it only asks the threads to end; what they did is received through the latch.
      stop_.store(true, std::memory_order_relaxed);
    }
    done_.wait();
    return sum_up(main_thread, stopwatch.elapsed());
  }

 private:
  /// What is handed from thread to successor; on cache lines of its own.
  struct alignas(128) Lineage {
    Lineage(const Settings& settings, std::uint32_t number)
        : random(settings.seed, number), user(number), blocks(settings.blocks) {}

    Random random;
    BlockUser user;
    std::vector<Block> blocks;
    std::uint64_t operations = 0;
    std::uint64_t generations = 0;
  };

  std::uint64_t random_bytes(Random& random) const { return random.between(settings_.min_bytes, settings_.max_bytes); }

  /// The main thread makes all blocks and deals them out in random order, so that neighbours end in different threads.
  void allocate_and_deal_out(BlockUser& main_thread) {
    Random random(settings_.seed, settings_.threads);
    std::vector<Block*> places;
    for (auto& lineage : lineages_) {
      for (Block& block : lineage->blocks) places.push_back(&block);
    }
    for (Block& block : spare_) places.push_back(&block);
    for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
    for (Block* place : places) place->acquire(random_bytes(random), main_thread);
  }

  /// Threads that already run cannot be called back, so a thread that cannot be started ends the program.
  void start_generation(Lineage& lineage) {
    try {
      std::thread([this, &lineage] { generation(lineage); }).detach();
    } catch (const std::system_error& error) {
      die(("cannot start a thread: " + std::string(error.what())).c_str());
    }
  }

  /// The life of one thread.
  void generation(Lineage& lineage) {
    const bool more = replace_blocks(lineage);
    ++lineage.generations;
    if (!more) {
      done_.count_down();
      return;
    }
    ++lineage.user.generation;
    if (settings_.exchange) {
      const std::lock_guard lock(spare_mutex_);
      lineage.blocks.swap(spare_);
    }
    start_generation(lineage);
  }

  /// Replaces `rounds` times as many random blocks as there are. False once the run is over.
  bool replace_blocks(Lineage& lineage) {
    std::uint64_t limit = settings_.blocks * settings_.rounds;
    if (settings_.iterations != 0) limit = std::min(limit, settings_.iterations - lineage.operations);
    std::uint64_t count = 0;
    Random random = lineage.random;
    // Pairs with the store in run(): a hint to end, which orders nothing.
    for (; count < limit && !stop_.load(std::memory_order_relaxed); ++count) {
      Block& victim = lineage.blocks[random.below(settings_.blocks)];
      victim.release(lineage.user);
      victim.acquire(random_bytes(random), lineage.user);
    }
    lineage.random = random;
    lineage.operations += count;
    // Pairs with the store in run(): a hint to end, which orders nothing.
    if (settings_.iterations == 0) return !stop_.load(std::memory_order_relaxed);
    return lineage.operations < settings_.iterations;
  }

  /// Gives every block back, whoever made it, and adds up what the threads counted.
  Result sum_up(BlockUser& main_thread, const Elapsed& elapsed) {
    Result result;
    result.elapsed = elapsed;
    for (auto& lineage : lineages_) {
      result.operations += lineage->operations;
      result.generations += lineage->generations;
      result.acquired += lineage->user.acquired;
      result.released += lineage->user.released;
      result.live_at_end += release_all(lineage->blocks, main_thread);
    }
    result.live_at_end += release_all(spare_, main_thread);
    result.acquired += main_thread.acquired;
    result.released += main_thread.released;
    return result;
  }

  static std::uint64_t release_all(std::vector<Block>& blocks, BlockUser& user) {
    std::uint64_t count = 0;
    for (Block& block : blocks) {
      if (block.empty()) continue;
      block.release(user);
      ++count;
    }
    return count;
  }

  alignas(128) std::atomic<bool> stop_{false};
  alignas(128) const Settings& settings_;
  std::vector<std::unique_ptr<Lineage>> lineages_;
  std::mutex spare_mutex_;
  std::vector<Block> spare_;  // of --exchange: the array that changes hands
  std::latch done_;
};

/// Empty if the counts balance, otherwise what does not.
std::string imbalance(const Settings& settings, const Result& result) {
  const std::uint64_t expected_live = settings.blocks * (settings.threads + (settings.exchange ? 1U : 0U));
  if (result.live_at_end != expected_live) {
    return std::to_string(result.live_at_end) + " blocks were live at the end, not " + std::to_string(expected_live);
  }
  if (settings.iterations != 0 && result.operations != settings.iterations * settings.threads) {
    return std::to_string(result.operations) + " operations were done, not " +
           std::to_string(settings.iterations * settings.threads);
  }
  if (!settings.check) return {};
  if (result.acquired != result.operations + expected_live || result.acquired != result.released) {
    return std::to_string(result.acquired) + " blocks were allocated and " + std::to_string(result.released) +
           " freed in " + std::to_string(result.operations) + " operations";
  }
  return {};
}

nlohmann::json as_json(const Settings& settings, const Result& result) {
  nlohmann::json document = measurement("larson", result.operations, result.elapsed);
  document.update({{"threads", settings.threads},
                   {"generations", result.generations},
                   {"checked", settings.check},
                   {"exchange", settings.exchange},
                   {"min_bytes", settings.min_bytes},
                   {"max_bytes", settings.max_bytes},
                   {"blocks_per_thread", settings.blocks},
                   {"rounds", settings.rounds},
                   {"seed", settings.seed}});
  return document;
}

void add_options(CommandLine& line, Settings& settings) {
  line.add("SECONDS", settings.seconds, "how long to measure (default 5)").between_seconds(0.0, 86400.0);
  line.add("MIN", settings.min_bytes, "smallest block, bytes (default 8)").between(1U, 1U << 30);
  line.add("MAX", settings.max_bytes, "largest block, bytes (default 1024)").between(1U, 1U << 30);
  line.add("BLOCKS", settings.blocks, "live blocks per thread (default 1000)").between(1U, 10000000U);
  line.add("ROUNDS", settings.rounds, "a thread replaces ROUNDS x BLOCKS blocks (default 100)")
      .between(1U, 1000000000U);
  line.add("SEED", settings.seed, "of the random numbers (default 12345)");
  line.add("THREADS", settings.threads, "threads at a time (default 1)").between(1U, 512U);
  line.add("--iterations", settings.iterations, "replacements per thread instead of a time; SECONDS is then 0")
      .between(std::uint64_t{1}, std::uint64_t{1} << 40);
  line.add_flag("--check", settings.check,
                "mark every byte of every block, verify it when it is freed, balance counts");
  line.add_flag("--exchange", settings.exchange,
                "successors swap arrays, so that blocks reach threads whose owner lives");
  line.add("--json", settings.json, "also write the result to this file");
}

/// What is wrong with values that are each in range; empty if nothing.
std::string contradiction(Settings& settings, bool seconds_given) {
  if (settings.min_bytes > settings.max_bytes) return "MIN is above MAX; swap them";
  if (settings.iterations != 0) {
    return settings.seconds == 0 ? "" : "SECONDS and --iterations are both given; make SECONDS 0 or leave one out";
  }
  if (!seconds_given) settings.seconds = 5;
  return settings.seconds > 0 ? "" : "SECONDS is 0; give a time above 0 or --iterations";
}

template <class Block>
int measure(const Settings& settings) {
  Larson<Block> larson(settings);
  const Result result = larson.run();
  const std::string problem = imbalance(settings, result);
  if (!problem.empty()) {
    std::fprintf(stderr, "FAILED: counts do not balance: %s\n", problem.c_str());
    return kExitFailed;
  }
  std::printf("larson: %u threads, %.2f M operations (free + malloc) per second, %llu in %.3f s, %llu generations%s\n",
              settings.threads, static_cast<double>(result.operations) / result.elapsed.seconds / 1e6,
              static_cast<unsigned long long>(result.operations), result.elapsed.seconds,
              static_cast<unsigned long long>(result.generations),
              settings.check ? ", every block verified, counts balance" : "");
  return write_json("larson", settings.json, as_json(settings, result)) ? 0 : kExitFailed;
}

int run(int argc, char** argv) {
  Settings settings;
  CommandLine line("A server's life: threads replace random blocks and hand them to their successors.", "larson");
  add_options(line, settings);
  if (const auto code = line.parse(argc, argv)) return *code;
  const std::string problem = contradiction(settings, line.has("SECONDS"));
  if (!problem.empty()) return line.wrong_call(problem);
  return settings.check ? measure<MarkedBlock>(settings) : measure<BareBlock>(settings);
}

}  // namespace
}  // namespace hakmem::bench

int main(int argc, char** argv) { return hakmem::bench::guarded("larson", hakmem::bench::run, argc, argv); }
