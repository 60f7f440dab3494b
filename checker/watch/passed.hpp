#pragma once
/// What is known to have passed, kept from one watch to the next.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runner/result.hpp"

namespace check {

/// Programs that have passed, by their content: what is built anew and comes out the same need not run again.
struct Passed {
  std::uint64_t content = 0;
  std::vector<Result> rows;
};
using PassedPrograms = std::map<std::string, Passed>;

/// What the file at `path` says; nothing where there is none, or none that can be read.
PassedPrograms read_passed(const std::string& path);

/// Replaces the file; one that cannot be written is no harm: everything runs again.
void write_passed(const std::string& path, const PassedPrograms& programs);

}  // namespace check
