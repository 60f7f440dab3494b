#pragma once
/// Results: lines for people while the run goes on, JSON for machines.

#include <cstdint>
#include <string>
#include <vector>

namespace hakmem::stress {

struct Result {
  std::string scenario;
  unsigned threads = 0;
  std::uint64_t operations = 0;
  double seconds = 0;
  std::uint64_t seed = 0;
  bool passed = false;
  std::string message;
};

/// Keeps the JSON file true at all times: a scenario under way is there as failed, so that a crash cannot leave a
/// report that looks complete.
class Report {
 public:
  /// \param json file to write, empty for none.
  explicit Report(std::string json) : json_(std::move(json)) {}

  /// A scenario starts.
  void start(const Result& planned);
  /// It has ended.
  void finish(const Result& result);

  [[nodiscard]] bool all_passed() const;

 private:
  /// \throws std::runtime_error when the file cannot be written.
  void write() const;

  std::string json_;
  std::vector<Result> results_;
};

/// Progress on the terminal, if standard error is one; nothing otherwise.
void show_progress(const std::string& text);

}  // namespace hakmem::stress
