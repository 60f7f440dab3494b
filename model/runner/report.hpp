#pragma once
/// Tables for the documentation, in Markdown.

#include <map>
#include <string>
#include <vector>

#include "model/runner/result.hpp"

namespace hakmem::model {

/// The suites and what a run has proved of them, as a table.
std::string suite_table(const std::vector<Result>& results);

/// The litmus tests: what C++20 allows, what the checker produces and what it is blind to. `litmus` proves it.
std::string litmus_table(const std::map<std::string, std::string>& shown = {});

}  // namespace hakmem::model
