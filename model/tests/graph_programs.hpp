#pragma once
/// Programs for the graph engine's tests: by hand, and generated.

#include <initializer_list>
#include <random>
#include <vector>

#include "model/tests/graph_oracle.hpp"

namespace check::graph::test {

inline constexpr auto kRelaxed = std::memory_order_relaxed;
inline constexpr auto kAcquire = std::memory_order_acquire;
inline constexpr auto kRelease = std::memory_order_release;
inline constexpr auto kBoth = std::memory_order_acq_rel;
inline constexpr auto kSequential = std::memory_order_seq_cst;
inline constexpr Location kX = 0, kY = 1, kZ = 2;

inline Step read(Location location, std::memory_order order = kRelaxed) {
  return {{.what = What::kRead, .location = location, .order = order}};
}
inline Step write(Location location, Value value, std::memory_order order = kRelaxed) {
  return {{.what = What::kWrite, .location = location, .order = order, .value = value}};
}
inline Step fence(std::memory_order order) { return {{.what = What::kFence, .order = order}}; }
inline Step plain(Step step) {
  step.operation.plain = true;
  return step;
}
inline Value sum(Value before, Value operand) { return before + operand; }
inline Step add(Location location, std::memory_order order = kRelaxed) {
  return {{.what = What::kUpdate, .location = location, .order = order, .value = 1, .update = sum}};
}
inline Step swap(Location location, Value expected, Value value, std::memory_order order = kRelaxed) {
  return {{.what = What::kCompareExchange, .location = location, .order = order, .value = value, .expected = expected}};
}

inline Step weak(Step swap) {
  swap.operation.weak = true;
  return swap;
}

/// 2 or 3 threads of up to 4 operations on up to 3 locations, one of which may be plain.
class Generator {
 public:
  /// \param atomics_alone without fences and plain accesses
  explicit Generator(unsigned seed, bool atomics_alone = false) : random_(seed), atomics_alone_(atomics_alone) {}

  Steps program() {
    for (;;) {
      Steps steps = draw();
      constexpr double kMost = 20'000;
      if (Oracle::candidates(steps) <= kMost) return steps;
    }
  }

 private:
  unsigned below(unsigned most) { return static_cast<unsigned>(random_() % most); }
  /// The last one is seq_cst, which shows only where most operations are.
  std::memory_order one_of(std::initializer_list<std::memory_order> orders) {
    const auto count = static_cast<unsigned>(orders.size());
    return *(orders.begin() + (is_sequential_ && below(8) != 0 ? count - 1 : below(count)));
  }

  Steps draw() {
    Steps steps(2 + below(2));
    const Location locations = 1 + below(kLocations);
    const bool has_plain = below(4) == 0 && !atomics_alone_;
    is_sequential_ = below(3) == 0;
    for (auto& thread : steps) {
      for (unsigned i = 1 + below(4); i-- != 0;) thread.push_back(step(below(locations), has_plain));
    }
    return steps;
  }

  Step step(Location location, bool has_plain) {
    if (has_plain && location == kX) return plain(below(2) == 0 ? read(kX) : grown(write(kX, 1)));
    switch (below(atomics_alone_ ? 7 : 8)) {
      case 0:
      case 1:
      case 2: return read(location, one_of({kRelaxed, kAcquire, kSequential}));
      case 3:
      case 4: return grown(write(location, 1 + below(2), one_of({kRelaxed, kRelease, kSequential})));
      case 5: return add(location, one_of({kRelaxed, kAcquire, kRelease, kBoth, kSequential}));
      case 6: {
        Step step =
            grown(swap(location, below(3), 1 + below(2), one_of({kRelaxed, kAcquire, kRelease, kBoth, kSequential})));
        step.operation.failure_order = one_of({kRelaxed, kAcquire, kSequential});
        step.operation.weak = step.operation.expected != 1;
        return step;
      }
      default: return fence(one_of({kAcquire, kRelease, kBoth, kSequential}));
    }
  }

  Step grown(Step step) {
    step.grows = below(3) == 0;
    return step;
  }

  std::mt19937 random_;
  bool atomics_alone_;
  bool is_sequential_ = false;
};

}  // namespace check::graph::test
