#pragma once
/// Faults that a run can be told to commit, so that it is known to find them.

#include <array>
#include <memory>
#include <string_view>

#include "allocator.hpp"

namespace hakmem::stress {

enum class Fault {
  kNone,
  kDoubleHandout,       ///< a block that is out is handed out again
  kLostBlock,           ///< a free block never comes back to the allocator
  kWriteAfterFree,      ///< a thread writes into a block that it has freed some time ago
  kHoard,               ///< frees are held back until the thread exits
  kLostThread,          ///< a thread exits without telling the allocator
  kTouchAfterHandover,  ///< a thread rewrites a block's last bytes, unchanged, after it has handed the block over
  kMissingRelease,      ///< the heap's atomics release nothing
  kMissingAcquire,      ///< the heap's atomics acquire nothing
  kTornExchange,        ///< the heap's exchanges are a load and a store
  kTornFetch,           ///< the heap's fetch_or and fetch_and are a load and a store
  kTornCompare,         ///< the heap's compare-and-swaps are a load and a store
  kWildCap,             ///< a cap leaves the learner's bounds
};

struct FaultName {
  Fault fault;
  std::string_view name;
  std::string_view description;
};

inline constexpr std::array kFaults{
    FaultName{Fault::kNone, "none", "no fault"},
    FaultName{Fault::kDoubleHandout, "double-handout", "hand out a block that is out"},
    FaultName{Fault::kLostBlock, "lost-block", "drop a freed block"},
    FaultName{Fault::kWriteAfterFree, "write-after-free", "write into a block some time after freeing it"},
    FaultName{Fault::kHoard, "hoard", "hold all frees back until the thread exits"},
    FaultName{Fault::kLostThread, "lost-thread", "let threads exit without telling the heap"},
    FaultName{Fault::kTouchAfterHandover, "touch-after-handover", "race on the contents of a block handed over"},
    FaultName{Fault::kMissingRelease, "missing-release", "release nothing in the heap's atomics (toy, noise)"},
    FaultName{Fault::kMissingAcquire, "missing-acquire", "acquire nothing in the heap's atomics (toy, noise)"},
    FaultName{Fault::kTornExchange, "torn-exchange", "exchange by a load and a store (toy, noise)"},
    FaultName{Fault::kTornFetch, "torn-fetch", "set and clear bits by a load and a store (toy, noise)"},
    FaultName{Fault::kTornCompare, "torn-compare", "compare-and-swap by a load and a store (toy, noise)"},
    FaultName{Fault::kWildCap, "wild-cap", "let a cap leave the learner's bounds"},
};

/// Whether it is one of the heap's atomics, which DisturbedSync has.
constexpr bool changes_the_heap(Fault fault) noexcept {
  switch (fault) {
    case Fault::kMissingRelease:
    case Fault::kMissingAcquire:
    case Fault::kTornExchange:
    case Fault::kTornFetch:
    case Fault::kTornCompare: return true;
    default: return false;
  }
}

/// `thread` with a fault between it and its user; `thread` itself when the fault is not one of a thread's.
[[nodiscard]] std::unique_ptr<ThreadAllocator> with_fault(std::unique_ptr<ThreadAllocator> thread, Fault fault);

}  // namespace hakmem::stress
