#pragma once
/// Runs jobs, each in a process of its own: a crash, a hang or a leak of one is a row of the report and harms nothing
/// else.

#include <vector>

#include "model/runner/job.hpp"

namespace hakmem::model {

class Pool {
 public:
  /// \param jobs at a time; \param deadline of now(), after which running jobs are told to stop and no more are
  /// started; 0 = none.
  Pool(unsigned jobs, double deadline);

  /// Runs all jobs, prints a line for each that is done and shows on a terminal what is under way.
  /// \return a result for every job, in the order in which they ended.
  std::vector<Result> run(std::vector<Job> jobs);

  /// Whether a signal has asked to stop.
  [[nodiscard]] static bool interrupted() noexcept;

 private:
  unsigned jobs_;
  double deadline_;
};

}  // namespace hakmem::model
