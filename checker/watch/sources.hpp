#pragma once
/// The sources as texts: as they are, and as they were at a revision.

#include <map>
#include <string>
#include <vector>

#include "watch/anatomy.hpp"

namespace check {

/// Path from the root of the source, and text.
using Texts = std::map<std::string, std::string>;

/// All C++ files of the sources. \param root of the source tree
Texts texts_now(const std::string& root);

/// The same files at a revision. \param problem why they cannot be told: no checkout, no such revision
Texts texts_at(const std::string& root, const std::string& revision, const Texts& now, std::string& problem);

/// What has become of each file; comments-only edits are among them.
std::vector<Change> changes_between(const Texts& before, const Texts& after);

/// Waits for changes of the sources.
class Eye {
 public:
  explicit Eye(std::string root);
  ~Eye();
  Eye(const Eye&) = delete;
  Eye& operator=(const Eye&) = delete;

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  /// Becomes readable when something may have changed.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Takes note of what has happened, and of new folders.
  void blink();

 private:
  void watch_folders();
  std::string root_;
  std::string problem_;
  int fd_ = -1;
};

}  // namespace check
