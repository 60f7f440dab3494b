#pragma once
/// A trace as a graph, for Graphviz: what happens before what, thread by thread.

#include <string>

#include "core/event.hpp"

namespace check {

/// A cluster for each thread, with its events one after the other; solid edges where a write is read and orders what is
/// around it, dotted where it is read only, and the missing one dashed.
std::string dot_of(const Trace& trace, const std::string& title);

}  // namespace check
