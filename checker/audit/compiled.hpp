#pragma once
/// What the atomic operations compile to, as a script has read it from object files. The file:
///
///     {"version": 1, "machines": ["x86-64", ...],
///      "operations": {"queue/word.hpp/is_empty/load(relaxed)": [["mov"], ...]}}
///
/// has for each operation a list for each machine: the instructions of its copies, those that differ.

#include <map>
#include <string>
#include <vector>

#include "audit/mutant.hpp"
#include "audit/source_scan.hpp"

namespace check {

class Compiled {
 public:
  /// Knows nothing, of no machine.
  Compiled() = default;
  /// Reads what there is. \param path empty: knows nothing
  explicit Compiled(const std::string& path);

  [[nodiscard]] const std::vector<std::string>& machines() const noexcept { return machines_; }

  /// The instructions of an operation as cells of a table in Markdown, one for each machine: "–" for an operation that has
  /// left none there, "?" for one that the file does not know.
  [[nodiscard]] std::vector<std::string> cells_of(const std::string& operation) const;

  /// What is wrong with the file, or nothing.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  std::vector<std::string> machines_;
  std::map<std::string, std::vector<std::vector<std::string>>> operations_;
  std::string problem_;
};

/// The name of a site among the operations that are `written`: suites may reach only some of those that differ by nothing
/// but their place.
std::string name_in(const std::vector<WrittenOperation>& written, const AuditSite& site);

}  // namespace check
