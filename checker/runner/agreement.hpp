#pragma once
/// Whether both engines say the same of what both have explored.

#include <vector>

#include "runner/result.hpp"

namespace check {

/// A row for each suite or broken variant of which one engine says that it holds, or is caught, and the other that it is
/// not; but for what the one that has found nothing is blind to.
std::vector<Result> disagreements(const std::vector<Result>& results);

}  // namespace check
