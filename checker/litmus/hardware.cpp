#include "litmus/hardware.hpp"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "core/search.hpp"

namespace check {

namespace {

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
  std::atomic<unsigned> arrived_{0};
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

}  // namespace

std::set<std::string>& hardware_outcomes() {
  static std::set<std::string> outcomes;
  return outcomes;
}

std::uint64_t& hardware_runs() {
  static std::uint64_t runs = 0;
  return runs;
}

template <>
void LitmusMemory<HardwareAtomic>::record(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>('0' + value);
  hardware_outcomes().insert(text);
}

std::set<std::string> on_hardware(const HardwareShape& shape, double seconds) {
  constexpr unsigned kBatch = 512;
  struct alignas(256) Instance {
    HardwareShape::Memory memory;
  };
  hardware_outcomes().clear();
  hardware_runs() = 0;
  for (const double end = now() + seconds; now() < end;) {
    const auto instances = std::make_unique<Instance[]>(kBatch);
    Meeting meeting(shape.threads);
    const bool meets = hardware_runs() / kBatch % 2 == 0;
    const auto seed = static_cast<unsigned>(hardware_runs());
    std::vector<std::thread> threads;
    for (unsigned index = 0; index < shape.threads; ++index) {
      threads.emplace_back([&, index] {
        Delay delay(seed + index);
        for (unsigned i = 0; i < kBatch; ++i) {
          if (i == 0 || meets) meeting.wait(i + 1);
          if (meets) delay();
          shape.thread(instances[i].memory, index);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (unsigned i = 0; i < kBatch; ++i) shape.after(instances[i].memory);
    hardware_runs() += kBatch;
  }
  return hardware_outcomes();
}

}  // namespace check
