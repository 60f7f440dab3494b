#pragma once
/// The audit's memory: what a suite reaches and what it says of a mutant, by the content that both depend on.

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace check {

/// A file of lines, one JSON object {"key", "value"} each; a later line overrides an earlier one, and a line that an
/// interruption has cut short is skipped.
class Cache {
 public:
  /// Reads what there is. \param path empty: remembers nothing beyond this process
  explicit Cache(const std::string& path);

  [[nodiscard]] const nlohmann::json* find(const std::string& key) const;
  /// Remembers at once, on disk too unless `lasting` is false.
  void put(const std::string& key, const nlohmann::json& value, bool lasting = true);
  /// What is wrong with the file, or nothing.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  std::map<std::string, nlohmann::json> values_;
  std::ofstream file_;
  std::string problem_;
};

}  // namespace check
