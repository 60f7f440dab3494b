#pragma once
/// From an edit to a verdict: what it concerns is built and run first, then the rest of the quick tier.

#include <string>

namespace check {

struct WatchOptions {
  std::string since;          ///< a revision of git: one verdict on what has changed since; empty: waits for edits
  std::string source;         ///< root of the source tree
  std::string build;          ///< folder of the build: suites/<stem> are there
  std::string build_command;  ///< is followed by the names of targets; empty: cmake
  std::string json;           ///< file of the report of the latest verdict; empty: none
  unsigned jobs = 1;          ///< processes at a time
};

/// Runs until a signal comes, or with `since` until the verdict. \return the exit code of the latest verdict, 0 when
/// there was none; 2 when the call was wrong
int watch(const WatchOptions& options);

}  // namespace check
