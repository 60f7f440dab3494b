#include "run.hpp"

#include <fmt/format.h>

#include <thread>

#include "last_words.hpp"
#include "noise.hpp"
#include "targets.hpp"

namespace hakmem::stress {

namespace {

using Clock = Round::Clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

class Run {
 public:
  Run(const ScenarioEntry& entry, Target target, const Options& options, Quota quota)
      : options_(options),
        quota_(quota),
        allocator_(make_target(target, options.fault)),
        round_(*allocator_, map_, options.fault, options.threads),
        scenario_(entry.make(round_)),
        left_(options.threads) {
    seed_noise(options.seed);
  }

  /// Rounds until the quota is used up, then everything is freed. \throws Failure
  void go(const Result& plan) {
    const auto start = Clock::now();
    do {
      show_progress(fmt::format("{}: {:.0f} s, {} operations", plan.scenario, seconds_since(start), operations_));
      run_round(start);
      if (++rounds_ % kRoundsPerCensus == 0) check_books();
    } while (!used_up(start));
    check_books();
    free_everything();
    check_books();
    allocator_->check_reclaimed();
  }

  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }

 private:
  static constexpr std::uint64_t kOperationsPerRound = 20'000;  // of one thread
  static constexpr std::uint64_t kLeastRounds = 4;
  static constexpr std::uint64_t kRoundsPerCensus = 4;

  [[nodiscard]] bool used_up(Clock::time_point start) const {
    return quota_.operations != 0 ? operations_ >= quota_.operations : seconds_since(start) >= quota_.seconds;
  }

  [[nodiscard]] std::uint64_t operations_in_round() const {
    if (quota_.operations == 0) return kOperationsPerRound;
    const std::uint64_t share = quota_.operations / kLeastRounds / options_.threads + 1;
    return std::min(share, kOperationsPerRound);
  }

  void run_round(Clock::time_point start) {
    constexpr auto kNever = std::chrono::hours(24 * 365);
    const auto limit =
        quota_.operations != 0 ? std::chrono::duration<double>(kNever) : std::chrono::duration<double>(quota_.seconds);
    round_.start(operations_in_round(), start + std::chrono::duration_cast<Clock::duration>(limit));
    const LastWords watched_closely;
    std::vector<Worker> workers;
    workers.reserve(options_.threads);
    for (unsigned i = 0; i < options_.threads; ++i) {
      workers.emplace_back(round_, i, mix(options_.seed) ^ mix(rounds_ * options_.threads + i));
      workers.back().kept.swap(left_[i]);
    }
    run_threads(workers);
    collect(workers);
  }

  void run_threads(std::vector<Worker>& workers) {
    std::vector<std::thread> threads;
    threads.reserve(workers.size());
    for (Worker& worker : workers) {
      threads.emplace_back([this, &worker] {
        try {
          scenario_->work(worker);
        } catch (const Failure& failure) {
          worker.abandon(failure);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  /// What a thread has left behind goes to its neighbour in the next round.
  void collect(std::vector<Worker>& workers) {
    for (Worker& worker : workers) {
      operations_ += worker.operations;
      worker.kept.swap(left_[(worker.index + 1) % options_.threads]);
    }
    for (const Worker& worker : workers) {
      if (!worker.failure.empty()) throw Failure(worker.failure);
    }
  }

  /// Between two rounds the harness knows exactly what is out; the allocator must agree.
  void check_books() {
    if (const auto footprint = allocator_->footprint()) check_footprint(*footprint);
    std::uint64_t held = scenario_->slots().occupied();
    for (const auto& blocks : left_) held += blocks.size();
    const auto out = allocator_->blocks_out();
    if (out.has_value() && *out != held) {
      throw Failure(fmt::format("the threads hold {} blocks, but the heap counts {} as out", held, *out));
    }
  }

  void check_footprint(const Footprint& footprint) const {
    // At any moment each thread has a context or borrows one, and so may the one that it starts.
    const std::uint64_t most_contexts = 4 * options_.threads + 4;
    if (footprint.contexts > most_contexts) {
      throw Failure(fmt::format("{} thread contexts were made for {} threads at a time, more than {}",
                                footprint.contexts, options_.threads, most_contexts));
    }
    const auto bound = scenario_->memory_bound(round_);
    const std::uint64_t used = footprint.superslabs * footprint.superslab_bytes;
    if (bound.has_value() && used > *bound + footprint.superslab_bytes) {
      throw Failure(fmt::format("{} SuperSlabs ({} KiB) were in use at once, more than {} KiB", footprint.superslabs,
                                used >> 10, *bound >> 10));
    }
  }

  /// A last thread frees what is left.
  void free_everything() {
    round_.start(~std::uint64_t{0}, Clock::time_point::max());
    Worker last(round_, 0, options_.seed);
    last.attach();
    for (auto& blocks : left_) {
      for (const Held& held : blocks) last.free(held);
      blocks.clear();
    }
    Slots& slots = scenario_->slots();
    for (std::size_t place = 0; place < slots.count(); ++place) {
      Held held;
      if (last.take(slots, place, held)) last.free(held);
    }
    last.exit();
  }

  const Options& options_;
  const Quota quota_;
  OwnershipMap map_;
  std::unique_ptr<Allocator> allocator_;
  Round round_;
  std::unique_ptr<Scenario> scenario_;
  std::vector<std::vector<Held>> left_;
  std::uint64_t operations_ = 0;
  std::uint64_t rounds_ = 0;
};

std::string command_of(const ScenarioEntry& entry, Target target, const Options& options) {
  return fmt::format("--scenario {} --threads {} --seed {} on target '{}'", entry.name, options.threads, options.seed,
                     suffix_of(target));
}

}  // namespace

Result plan_run(const ScenarioEntry& entry, Target target, const Options& options) {
  Result result;
  result.scenario = std::string(entry.name) + suffix_of(target);
  result.threads = options.threads;
  result.seed = options.seed;
  return result;
}

Result run_scenario(const ScenarioEntry& entry, Target target, const Options& options, Quota quota) {
  Result result = plan_run(entry, target, options);
  const auto start = Clock::now();
  LastWords::set(fmt::format("stress: the process ended, or was stuck, in {}\n", command_of(entry, target, options)));
  std::uint64_t operations = 0;
  try {
    Run run(entry, target, options, quota);
    try {
      run.go(result);
      result.passed = run.operations() != 0;
      if (!result.passed) result.message = "no operation was done";
    } catch (const Failure& failure) {
      result.message = failure.what();
    }
    operations = run.operations();
  } catch (const Failure& failure) {
    result.message = failure.what();
  }
  result.operations = operations;
  result.seconds = seconds_since(start);
  return result;
}

}  // namespace hakmem::stress
