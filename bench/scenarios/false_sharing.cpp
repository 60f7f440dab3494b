/// Counters of different threads that may lie on one cache line. Active sharing: the allocator gives neighbours to threads
/// that allocate at the same time. Passive: one thread allocates neighbours for all, and who frees one gets it again.

#include <array>
#include <cstdlib>
#include <thread>
#include <vector>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

constexpr int kWritesPerBlock = 500;

/// A block of eight bytes that is written often.
class Counter {
 public:
  void acquire(std::uint64_t first) {
    number_ = static_cast<volatile std::uint64_t*>(std::malloc(sizeof(std::uint64_t)));
    demand(number_ != nullptr, "malloc returned null");
    *number_ = first;
    last_ = first;
  }

  void count() {
    for (int i = 0; i < kWritesPerBlock; ++i) *number_ = *number_ + 1;
    last_ += kWritesPerBlock;
  }

  /// What it has counted to; 0 if there is none.
  std::uint64_t release() {
    if (number_ == nullptr) return 0;
    demand(*number_ == last_, "a counter was overwritten");
    std::free(const_cast<std::uint64_t*>(number_));
    number_ = nullptr;
    return last_;
  }

 private:
  volatile std::uint64_t* number_ = nullptr;
  std::uint64_t last_ = 0;
};

/// Two of them, so that a thread notices by itself when both lie at one place.
using Counters = std::array<Counter, 2>;

/// Replaces one after the other, and counts with it. `counters` are there already in the passive case.
Outcome replace_counters(Counters counters, const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    Counter& counter = counters[outcome.operations % counters.size()];
    outcome.checksum += counter.release();
    counter.acquire(random.next());
    counter.count();
  }
  for (Counter& counter : counters) outcome.checksum += counter.release();
  return outcome;
}

}  // namespace

/// An operation is a counter.
Outcome active_sharing_worker(const Work& work, std::uint32_t thread) { return replace_counters({}, work, thread); }

Outcome run_passive_sharing(const Work& work) {
  std::vector<Counters> dealt(work.threads);
  for (std::size_t i = 0; i < Counters().size(); ++i) {
    for (std::uint32_t thread = 0; thread < work.threads; ++thread) dealt[thread][i].acquire(thread);
  }
  std::vector<Outcome> outcomes(work.threads);
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < work.threads; ++i) {
    start_thread(threads, [&, i] { outcomes[i] = replace_counters(dealt[i], work, i); });
  }
  threads.clear();
  Outcome sum;
  for (const Outcome& outcome : outcomes) {
    sum.operations += outcome.operations;
    sum.checksum += outcome.checksum;
  }
  return sum;
}

}  // namespace hakmem::bench
