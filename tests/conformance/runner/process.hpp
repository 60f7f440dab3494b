#pragma once
/// Runs one program to its end, or to the end of patience with it, and tells what became of it.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace hakmem::conformance {

struct Command {
  std::vector<std::string> arguments;                ///< the first is the program's path
  std::map<std::string, std::string> environment{};  ///< added to, or in place of, the caller's
  std::size_t address_space_mib = 0;                 ///< RLIMIT_AS; 0 is none
  double seconds = 60;                               ///< patience: the program and its children are killed after that
};

struct Ended {
  enum class How { kExit, kSignal, kTimeOut, kNotStarted };
  How how = How::kNotStarted;
  int code = 0;  ///< exit code or signal
  double seconds = 0;
  std::string output;        ///< standard output
  std::string error_output;  ///< standard error
  std::string report;        ///< what was written to the file descriptor named in CONFORMANCE_REPORT_FD
};

/// Thread-safe. What the program has started and left behind is killed too.
Ended run(const Command& command);

}  // namespace hakmem::conformance
