#pragma once
/// Runs jobs, each in a process of its own: a crash, a hang or a leak of one is a row of the report and harms nothing
/// else.

#include <functional>
#include <vector>

#include "model/runner/job.hpp"

namespace hakmem::model {

class JobPool {
 public:
  /// \param jobs at a time
  /// \param deadline of now(), after which running jobs are told to stop and no more are started; 0 = none
  JobPool(unsigned jobs, double deadline);

  /// Runs all jobs, prints a line for each that is done and shows on a terminal what is under way.
  /// \return a result for every job, in the order in which they ended.
  std::vector<Result> run(std::vector<Job> jobs, const std::function<void(const Result&)>& show = print);

  /// The line of a result, with the execution that shows a failure.
  static void print(const Result& result);

  /// Whether a signal has asked to stop.
  [[nodiscard]] static bool interrupted() noexcept;

 private:
  unsigned jobs_;
  double deadline_;
};

}  // namespace hakmem::model
