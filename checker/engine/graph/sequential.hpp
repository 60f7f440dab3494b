#pragma once
/// The axiom of RC11 about sequentially consistent operations.

#include "engine/graph/graph.hpp"

namespace check::graph {

/// Whether some order of the graph's seq_cst events agrees with all that it must agree with: the relation psc of Lahav et
/// al. (PLDI 2017) is acyclic. Looks at the whole graph.
[[nodiscard]] bool is_sequentially_consistent(const Graph& graph);

}  // namespace check::graph
