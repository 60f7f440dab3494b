#include "runner/report_file.hpp"

#include <algorithm>

#include "core/search.hpp"

namespace check {

ReportFile::ReportFile(std::string path) : path_(std::move(path)) {}

std::string ReportFile::begin() { return path_.empty() ? "" : write_report(path_, Status::kIncomplete, {}); }

bool ReportFile::is_due() const { return !path_.empty() && now() > written_ + rest_; }

void ReportFile::update(const std::vector<Result>& done, const std::vector<Result>& open) {
  const double start = now();
  std::vector<Result> rows = earlier_;
  rows.insert(rows.end(), done.begin(), done.end());
  rows.insert(rows.end(), open.begin(), open.end());
  // A disk that is full now is said at the end, when the whole report cannot be written either.
  (void)write_report(path_, worse(verdict_of(rows), Status::kIncomplete), rows);
  written_ = now();
  constexpr double kMostWork = 1.0 / 30;  // a long report takes a while to write
  rest_ = std::max(kRest, (written_ - start) / kMostWork);
}

void ReportFile::add(const std::vector<Result>& done) { earlier_.insert(earlier_.end(), done.begin(), done.end()); }

std::string ReportFile::end(Status verdict, const std::vector<Result>& results) {
  return path_.empty() ? "" : write_report(path_, verdict, results);
}

}  // namespace check
