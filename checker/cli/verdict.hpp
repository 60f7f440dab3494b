#pragma once
/// The end of a run: what its results come to.

#include <string>
#include <vector>

#include "runner/report_file.hpp"
#include "runner/result.hpp"

namespace check::cli {

/// Whether a report can be written at all; said before hours of work, and in one line.
bool can_write(ReportFile& report);

/// Results by what they are.
struct Counted {
  std::size_t hold = 0;
  std::size_t fail = 0;
  std::size_t incomplete = 0;
  const Result* first_incomplete = nullptr;

  explicit Counted(const std::vector<Result>& results);
};

/// What the closing line says of them.
std::string summary_of(const std::vector<Result>& results, const Counted& counted);

/// The closing lines, the report and the exit code. \param started of now()
int conclude(const std::vector<Result>& results, ReportFile& report, double started);

}  // namespace check::cli
