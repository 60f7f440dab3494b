#pragma once
/// Tables for the documentation, in Markdown.

#include <map>
#include <string>

namespace hakmem::model {

/// The suites and what a run has proved of them. \param path a report of `run --json`. \param problem what is wrong
/// with it. \return the table.
std::string suite_table(const std::string& path, std::string& problem);

/// The litmus tests: what C++20 allows, what the checker produces and what it is blind to. `litmus` proves it.
std::string litmus_table(const std::map<std::string, std::string>& shown = {});

}  // namespace hakmem::model
