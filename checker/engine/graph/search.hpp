#pragma once
/// Searches of scenarios by graphs, and one of their executions again: explore() and replay() of core/search.hpp.

#include <string>

#include "core/search.hpp"
#include "engine/graph/native.hpp"

namespace check::graph {

Outcome explore(const ScenarioType& type, unsigned depth, const Search& search, const Limits& limits,
                const Surroundings& surroundings);
/// Whether one thread comes to its end wherever the others stop for ever. What else happens is not judged.
Outcome explore_progress(const ScenarioType& type, unsigned depth, unsigned thread, const Search& search,
                         const Limits& limits, const Surroundings& surroundings);
Outcome replay(const ScenarioType& type, unsigned depth, const std::string& choices, const Surroundings& surroundings);

}  // namespace check::graph
