#pragma once
/// Where an exhaustive search that was cut goes on: a file for each search, in a folder that the user names.

#include <string>

#include "core/scenario.hpp"

namespace check {

/// A number for this very program: choices and positions of another build would name other executions.
std::string fingerprint();

class PositionFile {
 public:
  /// \param folder empty: nothing is kept
  PositionFile(const std::string& folder, const std::string& suite, const Search& search);

  /// What the file says; empty when there is none. \param problem says why it is no good
  [[nodiscard]] std::string read(std::string& problem) const;
  /// Keeps a position; an empty one removes the file. \return what went wrong, or nothing.
  [[nodiscard]] std::string write(const std::string& position) const;
  /// Where it is; empty when nothing is kept.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

}  // namespace check
