#pragma once
/// What the watch shows: on a terminal one picture that is drawn anew, elsewhere line after line.

#include <optional>
#include <string>
#include <vector>

#include "runner/result.hpp"

namespace check {

class Screen {
 public:
  explicit Screen(bool terminal) : terminal_(terminal) {}

  /// Begins anew: what the picture is about.
  void begin(const std::vector<std::string>& about);
  /// Something that has happened.
  void happened(const std::string& line);
  /// A result that does not hold. Only the first is shown in full.
  void found(const Result& result, const std::string& replay);
  /// What is under way; on a terminal only.
  void under_way(const std::string& line);
  /// The closing line.
  void verdict(const std::string& line);

 private:
  void draw();

  bool terminal_;
  std::vector<std::string> about_;
  std::vector<std::string> events_;
  std::vector<std::string> counterexample_;
  std::string now_;
  double drawn_ = 0;
};

}  // namespace check
