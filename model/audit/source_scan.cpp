#include "model/audit/source_scan.hpp"

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>
#include <tuple>

#include "model/audit/content.hpp"

namespace hakmem::model {

namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

Lines lines_of(const fs::path& path) {
  std::string text;
  Lines lines;
  if (!read_text(path, text)) return lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t") - first + 1);
}

std::string code_of(const std::string& line) { return trimmed(line.substr(0, line.find("//"))); }

bool is_comment(const std::string& line) { return trimmed(line).starts_with("//"); }

bool uses_a_policy(const fs::path& path) {
  const std::string folder = path.parent_path().filename();
  if (path.extension() != ".hpp" || folder == "os" || folder == "api") return false;
  const std::string name = path.stem();
  return folder != "sync" || (name != "sync_concept" && !name.ends_with("_sync"));
}

}  // namespace

std::vector<WrittenOperation> written_operations(const fs::path& root) {
  static const std::regex operation(R"((?:\.|->)(load|store|exchange|compare_exchange_\w+|fetch_\w+)\()");
  std::vector<WrittenOperation> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / "src")) {
    if (!entry.is_regular_file() || !uses_a_policy(entry.path())) continue;
    const Lines lines = lines_of(entry.path());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string text = code_of(lines[i]);
      const std::string both = i + 1 < lines.size() ? text + code_of(lines[i + 1]) : text;
      // An operation that is broken over two lines names its order on the second.
      if (!std::regex_search(text, operation) || both.find("memory_order") == std::string::npos) continue;
      found.push_back({fs::relative(entry.path(), root).string(), static_cast<unsigned>(i + 1), text});
    }
  }
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return std::tie(a.file, a.line) < std::tie(b.file, b.line); });
  return found;
}

std::string comment_above(const fs::path& root, const std::string& file, unsigned line) {
  constexpr unsigned kFarthest = 5;
  static std::map<std::string, Lines> known;
  const auto [at, fresh] = known.try_emplace((root / file).string());
  if (fresh) at->second = lines_of(root / file);
  const Lines& lines = at->second;
  std::size_t last = std::min<std::size_t>(line, lines.size());  // one past the candidate
  for (unsigned steps = 0; last != 0 && !is_comment(lines[last - 1]); --last) {
    if (++steps > kFarthest) return {};
  }
  std::size_t first = last;
  while (first != 0 && is_comment(lines[first - 1])) --first;
  std::string text;
  for (std::size_t i = first; i < last; ++i) {
    const std::string one = trimmed(lines[i]);
    const std::size_t begin = one.find_first_not_of("/ ");
    if (begin == std::string::npos) continue;
    if (!text.empty()) text += ' ';
    text += one.substr(begin);
  }
  return text;
}

}  // namespace hakmem::model
