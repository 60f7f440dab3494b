#pragma once
/// Litmus shapes on real threads: what this processor, with this compiler, shows of what the language allows.

#include <atomic>
#include <set>
#include <string>

#include "litmus/litmus.hpp"

namespace check {

/// The outcomes of all runs so far, and how many runs there were.
std::set<std::string>& hardware_outcomes();
std::uint64_t& hardware_runs();

/// Compilers object to a failure order that is stronger than the success order, which the language allows: here they do
/// not see the orders.
template <class T>
struct HardwareAtomic : std::atomic<T> {
  using std::atomic<T>::atomic;
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) {
    const volatile std::memory_order hidden_success = success;
    const volatile std::memory_order hidden_failure = failure;
    // The orders under test.
    return std::atomic<T>::compare_exchange_strong(expected, desired, hidden_success, hidden_failure);
  }
};

/// A shape on real threads.
struct HardwareShape {
  using Memory = LitmusMemory<HardwareAtomic>;
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

}  // namespace check
