#pragma once
/// The report of a run while it goes on: what is done, and as incomplete what is not. So what was found is there
/// whatever happens to the process.

#include <string>
#include <vector>

#include "runner/result.hpp"

namespace check {

class ReportFile {
 public:
  /// \param path empty: nothing is written
  explicit ReportFile(std::string path);

  /// Writes the report of a run that has not done anything yet. \return why it cannot be written, or nothing
  std::string begin();

  /// Whether an update is to be written: a few times in a second, and no more than a thirtieth of the time.
  [[nodiscard]] bool is_due() const;
  /// What is done and what is open at this moment.
  void update(const std::vector<Result>& done, const std::vector<Result>& open);

  /// Rows that stay, whatever comes after them.
  void add(const std::vector<Result>& done);

  /// The report of the whole run. \return why it cannot be written, or nothing
  std::string end(Status verdict, const std::vector<Result>& results);

 private:
  std::string path_;
  std::vector<Result> earlier_;
  static constexpr double kRest = 0.3;  ///< seconds
  double written_ = 0;
  double rest_ = kRest;
};

}  // namespace check
