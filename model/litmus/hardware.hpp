#pragma once
/// Litmus shapes on real threads: what this processor, with this compiler, shows of what the language allows.

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "model/engine/search.hpp"
#include "model/litmus/litmus.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::model {

/// The outcomes of all runs so far, and how many runs there were.
std::set<std::string>& hardware_outcomes();
std::uint64_t& hardware_runs();

/// Compilers object to a failure order that is stronger than the success order, which the language allows: here they do
/// not see the orders.
struct HardwareSync : StdSync {
  template <class T>
  struct HiddenOrders : StdSync::Atomic<T> {
    using StdSync::Atomic<T>::Atomic;
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) {
      const volatile std::memory_order hidden_success = success;
      const volatile std::memory_order hidden_failure = failure;
      // The orders under test.
      return StdSync::Atomic<T>::compare_exchange_strong(expected, desired, hidden_success, hidden_failure);
    }
  };
  template <class T>
  using Atomic = HiddenOrders<T>;
};

/// Where a few threads wait for each other, as closely as they can.
class Meeting {
 public:
  explicit Meeting(unsigned threads) : threads_(threads) {}
  /// \param round 1, 2, ...
  void wait(unsigned round) {
    // Release and acquire pair with each other's: a barrier, so no round begins before the one before it has ended.
    arrived_.fetch_add(1, std::memory_order_acq_rel);
    // Acquire pairs with the additions. Spinning meets closely; where there are more threads than processors somebody
    // has to make way.
    for (unsigned spins = 0; arrived_.load(std::memory_order_acquire) < round * threads_; ++spins) {
      if (spins % 512 == 511) std::this_thread::yield();
    }
  }

 private:
  unsigned threads_;
  StdSync::Atomic<unsigned> arrived_{0};
};

/// Spins for a while: 0 up to about a hundred cycles, evenly.
class Delay {
 public:
  explicit Delay(unsigned seed) : state_(seed * 2654435761u + 1) {}
  void operator()() {
    state_ = state_ * 1664525u + 1013904223u;
    for (volatile unsigned i = state_ >> 27; i != 0;) i = i - 1;
  }

 private:
  unsigned state_;
};

/// Runs a shape again and again, each time in memory of its own. In every other batch the threads meet before each run,
/// and then wait for a little while, so that they do not always meet in the same way; in the others they only begin
/// together, which lets them drift past each other.
template <class Shape>
std::set<std::string> on_hardware(double seconds) {
  constexpr unsigned kBatch = 512;
  struct alignas(256) Instance {
    LitmusMemory<HardwareSync> memory;
  };
  hardware_outcomes().clear();
  hardware_runs() = 0;
  for (const double end = now() + seconds; now() < end;) {
    const auto instances = std::make_unique<Instance[]>(kBatch);
    Meeting meeting(Shape::kThreads);
    const bool meets = hardware_runs() / kBatch % 2 == 0;
    const auto seed = static_cast<unsigned>(hardware_runs());
    std::vector<std::thread> threads;
    for (unsigned index = 0; index < Shape::kThreads; ++index) {
      threads.emplace_back([&, index] {
        Delay delay(seed + index);
        for (unsigned i = 0; i < kBatch; ++i) {
          if (i == 0 || meets) meeting.wait(i + 1);
          if (meets) delay();
          Shape::thread(instances[i].memory, index);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (unsigned i = 0; i < kBatch; ++i) Shape::after(instances[i].memory);
    hardware_runs() += kBatch;
  }
  return hardware_outcomes();
}

}  // namespace hakmem::model
