#pragma once
/// Tables for the documentation, in Markdown.

#include <map>
#include <string>
#include <vector>

#include "model/runner/result.hpp"

namespace hakmem::model {

/// The rows of a report of `run --json`. \param problem what is wrong with it
std::vector<Result> read_results(const std::string& path, std::string& problem);

/// The suites and what a run has proved of them, as a table.
std::string suite_table(const std::vector<Result>& results);

/// The litmus tests: what C++20 allows, what the checker produces and what it is blind to. `litmus` proves it.
std::string litmus_table(const std::map<std::string, std::string>& shown = {});

}  // namespace hakmem::model
