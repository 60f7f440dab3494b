#pragma once
/// Runs jobs, each in a process of its own: a crash, a hang or a leak of one is a row of the report and harms nothing
/// else.

#include <functional>
#include <vector>

#include "runner/costs.hpp"
#include "runner/job.hpp"
#include "runner/report_file.hpp"

namespace check {

/// Of processor time: a process that uses so much without ending an execution hangs.
constexpr double kPatience = 60;

class JobPool {
 public:
  /// \param jobs at a time
  /// \param deadline of now(), after which running jobs are told to stop and no more are started; 0 = none
  /// \param patience seconds of processor time after which a job without progress hangs
  JobPool(unsigned jobs, double deadline, double patience = kPatience);

  /// Keeps a report up to date while jobs run. \param report must live as long
  void keep(ReportFile& report) { report_ = &report; }

  /// Runs all jobs, prints a line for each that is done and shows what is under way.
  /// \return a result for every job, in the order in which they ended.
  std::vector<Result> run(std::vector<Job> jobs, const std::function<void(const Result&)>& show = print);

  /// The line of a result, with the execution that shows a failure.
  static void print(const Result& result);

  /// Whether a signal has asked to stop.
  [[nodiscard]] static bool interrupted() noexcept;

 private:
  unsigned jobs_;
  double deadline_;
  double patience_;
  ReportFile* report_ = nullptr;
  Costs costs_;
};

}  // namespace check
