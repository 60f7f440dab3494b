#pragma once
/// The way to an execution: its steps one by one, in an order in which each write comes before who reads it.

#include <cstddef>
#include <vector>

#include "engine/graph/graph.hpp"

namespace check::graph {

struct Way {
  /// Which thread goes on, and among what has come: the position of what it reads, or behind which it writes; or what it
  /// chooses.
  struct Step {
    unsigned thread;
    std::size_t position;
    bool fails = false;  ///< a compare-and-swap, for no reason
  };
  std::vector<Step> steps;

  [[nodiscard]] static Way to(const Graph& graph);
};

}  // namespace check::graph
