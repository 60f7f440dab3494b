#pragma once
/// A table for the documentation, in Markdown.

#include <string>
#include <vector>

#include "runner/result.hpp"

namespace check {

/// The suites and what a run has proved of them, as a table.
std::string suite_table(const std::vector<Result>& results);

}  // namespace check
