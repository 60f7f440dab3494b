#pragma once
/// What the audit's processes do: a suite as it is, and a mutant against suites.

#include <string>
#include <vector>

#include "audit/mutant.hpp"
#include "core/scenario.hpp"
#include "runner/job.hpp"

namespace check {

constexpr char kMutantMark = '@';  ///< between suite and mutant in a replay token

/// A suite, what it reaches and what its searches cost.
struct Known {
  const Suite* suite = nullptr;
  std::string key;
  std::vector<AuditSite> sites;
  std::vector<double> seconds;            ///< of processor time, of each quick search
  std::vector<std::uint64_t> executions;  ///< of each quick search
  std::string problem;                    ///< why it is of no use
  bool open = false;                      ///< as it was not measured to its end

  [[nodiscard]] double cost() const {
    double sum = 0;
    for (const double one : seconds) sum += one;
    return sum;
  }
};

/// The suite as it is. In the details: the sites it reaches, what each search costs, and the problem if it fails.
Result measure(const Suite& suite, Limits limits);

/// A mutant against suites, until one kills it; a short look with each comes first. In the details: a list of
/// {suite, verdict, and for a kill: scheduler, execution, problem, token}.
Result attack(const Mutant& mutant, const std::vector<const Known*>& suites, Limits limits);

}  // namespace check
