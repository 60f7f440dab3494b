/// A peak and what remains of it: all threads allocate, all free at random, and then nothing happens. How much memory is
/// resident at the peak, after the frees, while the threads sleep, and after malloc_trim, is the result; the speed is
/// that of fresh memory.

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <latch>
#include <thread>
#include <utility>
#include <vector>

#include "scenarios/scenario.hpp"
#include "scenarios/signed_block.hpp"
#include "support/process_facts.hpp"
#include "support/random.hpp"
#include "support/stopwatch.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

constexpr double kSecondsPerSample = 0.5;

/// Mostly small, but all sizes have some part of the peak.
std::size_t random_bytes(Random& random) {
  const std::uint64_t kind = random.below(1000);
  if (kind == 0) return random.between(64 << 10, 2 << 20);
  return kind < 100 ? random.between(1025, 32 << 10) : random.between(SignedBlock::kSmallest, 1024);
}

/// Where the threads and the one that measures meet.
class Peak {
 public:
  explicit Peak(const Work& work) : work_(work), reached_(work.threads), freed_(work.threads), outcomes_(work.threads) {
    outcome_.rss_over_time.reserve(static_cast<std::size_t>(work.idle_seconds / kSecondsPerSample) + 8);
  }

  Outcome run() {
    std::vector<std::jthread> threads;
    for (std::uint32_t i = 0; i < work_.threads; ++i) {
      start_thread(threads, [this, i] { outcomes_[i] = rise_and_fall(i); });
    }
    reached_.wait();
    sample("peak");
    fall_.count_down();
    freed_.wait();
    sample("freed");
    idle();
    ::malloc_trim(0);
    sample("trimmed");
    end_.count_down();
    threads.clear();
    for (const Outcome& each : outcomes_) {
      outcome_.operations += each.operations;
      outcome_.checksum += each.checksum;
    }
    return std::move(outcome_);
  }

 private:
  /// The life of one thread. It stays there to the end of the run, and does nothing.
  Outcome rise_and_fall(std::uint32_t thread) {
    Random random(work_.seed, thread);
    Outcome outcome;
    std::vector<SignedBlock> blocks(work_.iterations);
    for (SignedBlock& block : blocks) {
      const std::size_t bytes = random_bytes(random);
      block.acquire(bytes, random.next());
      block.fill();
    }
    for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(i)]);
    reached_.count_down();
    fall_.wait();
    for (SignedBlock& block : blocks) outcome.checksum += block.release();
    outcome.operations = blocks.size();
    freed_.count_down();
    end_.wait();
    return outcome;
  }

  /// Sleeps, and measures now and then. Nothing is allocated meanwhile: no allocator is helped.
  void idle() {
    const double begin = clock_seconds(CLOCK_MONOTONIC);
    for (double left = work_.idle_seconds; left > 0; left -= kSecondsPerSample) {
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, kSecondsPerSample)));
      sample("idle");
    }
    outcome_.idle_seconds = clock_seconds(CLOCK_MONOTONIC) - begin;
  }

  void sample(const char* when) {
    outcome_.rss_over_time.push_back({when, stopwatch_.elapsed().seconds, resident_bytes()});
  }

  const Work& work_;
  Stopwatch stopwatch_;
  std::latch reached_;
  std::latch fall_{1};
  std::latch freed_;
  std::latch end_{1};
  std::vector<Outcome> outcomes_;
  Outcome outcome_;
};

}  // namespace

/// An operation is a block.
Outcome run_peak(const Work& work) { return Peak(work).run(); }

}  // namespace hakmem::bench
