#pragma once
/// What the graph engine explores.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/graph/event.hpp"

namespace check::graph {

/// What a thread does next.
struct Operation {
  enum class What : std::uint8_t { kEnd, kRead, kWrite, kUpdate, kCompareExchange, kFence };

  What what = What::kEnd;
  bool plain = false;  ///< of a read or a write: no atomic
  Location location = 0;
  std::memory_order order = std::memory_order_relaxed;
  std::memory_order failure_order = std::memory_order_relaxed;  ///< of a compare-and-swap
  Value value = 0;                                              ///< written; of an update, its operand
  Value expected = 0;                                           ///< by a compare-and-swap
  Value (*update)(Value before, Value operand) = nullptr;       ///< what an update writes
};

/// Threads, each a function of what it has read: the same values lead to the same next operation.
class Program {
 public:
  virtual ~Program() = default;
  /// 1 to kMostThreads.
  [[nodiscard]] virtual unsigned threads() const = 0;
  /// \param done how many operations the thread has done \param read the values that it has read by them, in its order,
  /// those of read-modify-writes too
  [[nodiscard]] virtual Operation next(unsigned thread, std::size_t done, std::span<const Value> read) const = 0;
  [[nodiscard]] virtual Value initial(Location) const { return 0; }
};

}  // namespace check::graph
