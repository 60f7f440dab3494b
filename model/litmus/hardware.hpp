#pragma once
/// Litmus shapes on real threads: what this processor, with this compiler, shows of what the language allows.

#include <set>
#include <string>

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

/// A shape on real threads.
struct HardwareShape {
  using Memory = LitmusMemory<HardwareSync>;
  unsigned threads;
  void (*thread)(Memory& memory, unsigned index);
  void (*after)(Memory& memory);

  template <class Shape>
  static constexpr HardwareShape of() {
    return {Shape::kThreads, [](Memory& memory, unsigned index) { Shape::thread(memory, index); },
            [](Memory& memory) { Shape::after(memory); }};
  }
};

/// Runs a shape again and again, each time in memory of its own. In every other batch the threads meet before each run,
/// and then wait for a little while, so that they do not always meet in the same way; in the others they only begin
/// together, which lets them drift past each other.
std::set<std::string> on_hardware(const HardwareShape& shape, double seconds);

}  // namespace hakmem::model
