#pragma once
/// Litmus tests of the checker: tiny programs whose outcomes the language fixes. They say what the checker sees, and
/// what it never shows though the language allows it: its blind spots.

#include <initializer_list>
#include <set>
#include <string>
#include <vector>

#include "model/engine/scenario.hpp"
#include "model/runner/job.hpp"

namespace hakmem::model {

struct Litmus {
  std::string name;
  std::string what;
  ScenarioType type;
  std::set<std::string> allowed;  ///< by C++20
  std::set<std::string> unseen;   ///< allowed, but never produced by the checker
};

/// Notes the outcome of an execution: one digit per value. For `after`.
void record_outcome(std::initializer_list<int> values);

const std::vector<Litmus>& litmus_tests();

/// Passes when exactly the outcomes are produced that are allowed and not listed as unseen.
Job job_for(const Litmus& litmus, const Search& search);

}  // namespace hakmem::model
