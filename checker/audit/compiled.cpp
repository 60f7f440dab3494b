#include "audit/compiled.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "audit/content.hpp"

namespace check {

namespace {

constexpr int kVersion = 1;

std::string cell_of(const std::vector<std::string>& instructions) {
  std::string text;
  for (const std::string& one : instructions) text += (text.empty() ? "`" : " or `") + one + "`";
  return text.empty() ? "–" : text;
}

}  // namespace

Compiled::Compiled(const std::string& path) {
  if (path.empty()) return;
  std::string text;
  if (!read_text(path, text)) {
    problem_ = "cannot read " + path;
    return;
  }
  try {
    const nlohmann::json file = nlohmann::json::parse(text);
    if (file.at("version") != kVersion) throw std::invalid_argument("another version");
    file.at("machines").get_to(machines_);
    file.at("operations").get_to(operations_);
    const auto fits = [&](const auto& one) { return one.second.size() == machines_.size(); };
    if (!std::all_of(operations_.begin(), operations_.end(), fits)) throw std::invalid_argument("a machine is missing");
  } catch (const std::exception&) {
    problem_ = path + " does not say what operations compile to";
  }
}

std::vector<std::string> Compiled::cells_of(const std::string& operation) const {
  const auto at = operations_.find(operation);
  std::vector<std::string> cells(machines_.size(), "?");
  if (at != operations_.end()) std::transform(at->second.begin(), at->second.end(), cells.begin(), cell_of);
  return cells;
}

std::string name_in(const std::vector<WrittenOperation>& written, const AuditSite& site) {
  AuditSite alone = site;
  alone.occurrence = 0;
  const std::string name = alone.id();
  for (const WrittenOperation& one : written) {
    WrittenOperation plain = one;
    plain.occurrence = 0;
    // An operation that is broken over lines is met on one of them.
    const bool here = site.file == one.file && (site.line == one.line || site.line == one.line + 1);
    if (here && plain.id() == name) return one.id();
  }
  return site.id();
}

}  // namespace check
