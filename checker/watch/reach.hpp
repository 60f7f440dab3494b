#pragma once
/// Which suites reach which functions of the sources, known before anything is built again.

#include <string>

#include "watch/concern.hpp"

namespace check {

/// Reads the map of an earlier run, or runs each suite for a moment and keeps what it has met.
/// \param path of the map; one of another program is made anew. \param jobs processes at a time
ReachMap reach_of_all(const std::string& path, unsigned jobs);

}  // namespace check
