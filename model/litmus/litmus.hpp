#pragma once
/// Litmus tests of the engine itself: which outcomes it produces, against what C++20 allows.

#include <nlohmann/json_fwd.hpp>

namespace hakmem::model {

/// Runs all shapes, prints the table, fills `report`. \return whether nothing forbidden was produced and everything that
/// the mended engine is known to produce was produced.
bool run_litmus(nlohmann::json& report);

}  // namespace hakmem::model
