#pragma once
/// Runs suites in processes of their own and watches them.

#include <functional>
#include <string>
#include <vector>

#include "model/suite.hpp"

namespace hakmem::model {

struct RunOptions {
  bool quick = false;
  double seconds = 0;          ///< per run; 0: the tier's default
  unsigned jobs = 2;           ///< processes at a time
  std::vector<Plan> override_plans;  ///< instead of the suites' own
  bool progress = false;       ///< a live line on standard error
};

/// One row of the report.
struct Row {
  std::string suite;
  std::string proves;
  std::string scheduler;  ///< full | bound=N | random
  std::uint64_t executions = 0;
  double seconds = 0;
  std::string verdict;  ///< COMPLETE | BOUNDED(b) | SAMPLED(n) | TRUNCATED; for a broken variant CAUGHT or MISSED
  bool passed = false;
  bool broken_variant = false;
  std::string message;  ///< why not, in a few words
  std::string replay;   ///< token for `hakmem-check replay`
  std::string trace;
};

std::string scheduler_name(const Plan& plan);

/// Runs all given suites. `report` is called for each finished row. Stops early, keeping what is finished, when
/// `g_interrupted` becomes non-zero. \return whether every row passed and none is missing.
bool run_suites(const std::vector<const Suite*>& chosen, const RunOptions& options,
                const std::function<void(const Row&)>& report);

/// Runs one execution again, with history. \return the row, its trace filled.
Row replay(const Suite& suite, const Plan& plan, const std::string& state);

extern volatile int g_interrupted;

}  // namespace hakmem::model
