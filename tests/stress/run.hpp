#pragma once
/// One scenario on one allocator: rounds of threads, with the books balanced in between.

#include "options.hpp"
#include "report.hpp"
#include "scenario.hpp"

namespace hakmem::stress {

/// How much one run does: a time, or a number of operations of all threads together; the other is 0.
struct Quota {
  double seconds;
  std::uint64_t operations;
};

/// What is known of a run before it starts.
[[nodiscard]] Result plan_run(const ScenarioEntry& entry, Target target, const Options& options);

/// Runs it. Everything that goes wrong is in the result, unless it ends the process: then a line on standard error
/// says which scenario it was and how to repeat it.
[[nodiscard]] Result run_scenario(const ScenarioEntry& entry, Target target, const Options& options, Quota quota);

}  // namespace hakmem::stress
