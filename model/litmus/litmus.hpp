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

/// What the shapes work on, in the model and on real threads: three atomics and four registers.
template <class Sync>
struct LitmusMemory {
  typename Sync::template Atomic<int> x{0};
  typename Sync::template Atomic<int> y{0};
  typename Sync::template Atomic<int> z{0};
  int r[4] = {};
  /// Notes the outcome of an execution: one digit per value.
  static void record(std::initializer_list<int> values);
};

struct Litmus {
  std::string name;
  std::string what;
  ScenarioType type;
  std::set<std::string> (*on_hardware)(double seconds);  ///< the outcomes that this processor shows
  std::set<std::string> allowed;                         ///< by C++20
  std::set<std::string> unseen;                          ///< allowed, but never produced by the checker
};

const std::vector<Litmus>& litmus_tests();

/// Passes when exactly the outcomes are produced that are allowed and not listed as unseen.
Job job_for(const Litmus& litmus, const Search& search);

/// The test on real threads. Passes when no outcome is shown that the language forbids.
Job hardware_job_for(const Litmus& litmus, double seconds);

/// What proves that the runs on real threads see something: store buffering, which every processor of this kind shows,
/// must be shown, and a shape of whose outcomes all are called forbidden must fail.
std::vector<Job> hardware_controls();

}  // namespace hakmem::model
