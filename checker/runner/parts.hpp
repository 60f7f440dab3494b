#pragma once
/// One search on several machines: each explores a part of its tree, and the reports are united.

#include <string>
#include <vector>

#include "core/scenario.hpp"
#include "core/search.hpp"
#include "runner/result.hpp"

namespace check {

/// What the parts of one search begin with: what is known of the scenario, see visibility.hpp, and whether its yields
/// wait. Parts add up only when all of them end with the same.
struct Prior {
  std::string knowledge;
  bool waits = false;
};

/// What earlier parts have learned, from their united report.
class Priors {
 public:
  /// \param path of a report; empty: nothing is known
  /// \param problem what is wrong with it
  Priors(const std::string& path, std::string& problem);
  [[nodiscard]] Prior of(const Suite& suite, const Search& search) const;

 private:
  std::vector<Result> rows_;
};

/// The results of reports, with the parts of each search as one row. A search whose parts do not make a whole is
/// TRUNCATED, with what is missing or what has to be run again.
/// \param problem why the reports cannot be read or united at all
std::vector<Result> united_reports(const std::vector<std::string>& paths, std::string& problem);

}  // namespace check
