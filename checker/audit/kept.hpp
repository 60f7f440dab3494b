#pragma once
/// Verdicts kept from a former audit, so that a change of one header costs the mutants of that header alone.
///
/// The file lies beside the ledger and is written with it:
///
///     {"version": 1, "mutants": {"<site>/<change>": {"suites": ["...", ...], "verdict": "killed", "suite": "...",
///      "scheduler": "...", "execution": 1, "problem": "..."}}}

#include <nlohmann/json.hpp>
#include <string>

#include "audit/audit.hpp"

namespace check {

class Kept {
 public:
  /// Keeps nothing.
  Kept() = default;
  /// Reads what there is. \param path empty: keeps nothing
  explicit Kept(const std::string& path);

  /// Gives a mutant the verdict that it had, if that still stands: a suite that has come to reach its site since might
  /// kill it, and one that has gone says nothing any more. \return whether it has one now
  bool restore(Audited& audited) const;

  /// What is wrong with the file, or nothing.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  nlohmann::json mutants_ = nlohmann::json::object();
  std::string problem_;
};

/// The text of the file for an audit that is complete.
std::string kept_of(const AuditReport& report);

/// Where it lies for a ledger: ledger.json beside ledger.md.
std::string kept_beside(const std::string& ledger);

}  // namespace check
