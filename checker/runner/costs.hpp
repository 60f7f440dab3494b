#pragma once
/// What searches have cost before, for estimates and for the order of work that is bounded by time. Never part of a
/// verdict.

#include <map>
#include <string>

#include "runner/job.hpp"

namespace check {

class Costs {
 public:
  /// Reads what earlier runs have left beside the program, if they have.
  Costs();
  /// Processor seconds that the job may need.
  [[nodiscard]] double of(const Job& job) const;
  /// Remembers what it has needed.
  void note(const Job& job, double processor_seconds);
  /// Keeps that for later runs, if the program lies in a build and the folder lets us.
  void save() const;

 private:
  std::string path_;
  std::map<std::string, double> seconds_;
};

}  // namespace check
