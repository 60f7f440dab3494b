#pragma once
/// What the graph engine explores.

#include <cstddef>
#include <span>

#include "engine/graph/event.hpp"

namespace check::graph {

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
