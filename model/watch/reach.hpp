#pragma once
/// Which suites reach which functions of the shipping headers, known before anything is built again.

#include <string>

#include "model/watch/concern.hpp"

namespace hakmem::model {

/// Reads the map of an earlier run, or runs each suite for a moment and keeps what it has met.
/// \param path of the map; one of another program is made anew. \param jobs processes at a time
ReachMap reach_of_all(const std::string& path, unsigned jobs);

}  // namespace hakmem::model
