#include "audit/cache.hpp"

#include <sstream>

#include "audit/content.hpp"

namespace check {

Cache::Cache(const std::string& path) {
  if (path.empty()) return;
  std::string text;
  if (read_text(path, text)) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
      if (json.is_object() && json.contains("key") && json.contains("value")) values_[json["key"]] = json["value"];
    }
  }
  file_.open(path, std::ios::app);
  // Ends a line that was cut short.
  if (file_ && !text.empty() && text.back() != '\n') file_ << "\n";
  if (!file_) problem_ = "cannot write " + path;
}

const nlohmann::json* Cache::find(const std::string& key) const {
  const auto at = values_.find(key);
  return at == values_.end() ? nullptr : &at->second;
}

void Cache::put(const std::string& key, const nlohmann::json& value, bool lasting) {
  values_[key] = value;
  if (!lasting || !file_.is_open()) return;
  const nlohmann::json line{{"key", key}, {"value", value}};
  file_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n" << std::flush;
}

}  // namespace check
