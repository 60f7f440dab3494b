#pragma once
/// Litmus tests of the checker: tiny programs whose outcomes the language fixes. They say what the checker sees, and
/// what it never shows though the language allows it: its blind spots.

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/scenario.hpp"
#include "runner/job.hpp"

namespace check {

/// What the shapes work on, in the checker and on real threads: three atomics and four registers.
template <template <class> class Atomic>
struct LitmusMemory {
  Atomic<int> x{0};
  Atomic<int> y{0};
  Atomic<int> z{0};
  int r[4] = {};
  /// Notes the outcome of an execution: one digit per value.
  static void record(std::initializer_list<int> values);
};

/// What all executions come to that RC11 allows, by the graph engine.
struct GraphOutcomes {
  std::set<std::string> shown;
  std::uint64_t executions = 0;
};

struct Litmus {
  std::string name;
  std::string what;
  ScenarioType type;
  std::set<std::string> (*on_hardware)(double seconds);  ///< the outcomes that this processor shows
  std::set<std::string> allowed;                         ///< by C++20
  std::set<std::string> unseen;                          ///< allowed, but never produced by the checker
  GraphOutcomes (*by_graphs)();
  std::set<std::string> beyond;  ///< allowed, but not by RC11: what is read comes from a write that follows
};

const std::vector<Litmus>& litmus_tests();

/// The tests as a table in Markdown: what C++20 allows, what the checker produces and what it is blind to. `litmus`
/// proves it. \param shown what this processor has shown in each test, by name; empty: nothing is said of that
std::string litmus_table(const std::map<std::string, std::string>& shown = {});

/// Passes when exactly the outcomes are produced that are allowed and not listed as unseen.
Job job_for(const Litmus& litmus, const Search& search);

/// The same by the graph engine: passes when exactly what RC11 allows is produced.
Job graph_job_for(const Litmus& litmus);

/// The test on real threads. Passes when no outcome is shown that the language forbids.
Job hardware_job_for(const Litmus& litmus, double seconds);

/// What proves that the runs on real threads see something: store buffering, which every processor of this kind shows,
/// must be shown, and a shape of whose outcomes all are called forbidden must fail.
std::vector<Job> hardware_controls();

}  // namespace check
