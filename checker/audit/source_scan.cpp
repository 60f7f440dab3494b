#include "audit/source_scan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <sstream>
#include <tuple>

#include "audit/content.hpp"
#include "core/subject.hpp"

namespace check {

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

bool is_audited(const fs::path& root, const fs::path& path) {
  if (path.extension() != ".hpp") return false;
  return subject().is_audited == nullptr || subject().is_audited(fs::relative(path, root).string());
}

/// Follows the braces of a file, and says which function each of its lines is in.
class FunctionFinder {
 public:
  std::vector<std::string> run(const Lines& lines) {
    std::vector<std::string> found;
    for (const std::string& line : lines) {
      const std::string code = code_of(line);
      const std::size_t outer = open_.size();
      std::string name = current();
      if (!code.starts_with('#')) {
        for (const char c : without_texts(code)) {
          take(c);
          if (name.empty()) name = current();  // the function may begin and end on this line
        }
      }
      head_ += ' ';
      found.push_back(open_.size() < outer && name.empty() ? current() : name);
    }
    return found;
  }

 private:
  /// Names of the functions around this place, outermost first; empty for a class or a namespace.
  std::vector<std::string> open_;
  std::string head_;    ///< what stands before the next brace
  int parameters_ = 0;  ///< parentheses that are open outside of functions
  std::string last_;    ///< the function that was closed last, if nothing but a member's initialiser closed it

  [[nodiscard]] std::string current() const {
    const auto at = std::find_if(open_.begin(), open_.end(), [](auto& name) { return !name.empty(); });
    return at == open_.end() ? std::string() : *at;
  }

  /// The code with its strings and characters emptied, so that no brace in them counts.
  static std::string without_texts(const std::string& code) {
    static const std::regex text(R"("(\\.|[^"\\])*"|'(\\.|[^'\\])+')");
    return std::regex_replace(code, text, "''");
  }

  void take(char c) {
    if (current().empty() && (c == '(' || c == ')')) parameters_ += c == '(' ? 1 : -1;
    const bool in_default_value = parameters_ > 0;
    if (in_default_value || (c != '{' && c != '}' && c != ';')) {
      head_ += c;
      return;
    }
    if (c == '{') open_.push_back(current().empty() ? function_in(head_) : current());
    if (c == ';') last_.clear();
    if (c == '}') {
      last_ = current();
      if (!open_.empty()) open_.pop_back();
    }
    head_.clear();
  }

  /// The name of the function that a brace behind `head` opens; empty when it opens something else.
  [[nodiscard]] std::string function_in(const std::string& head) const {
    const std::string text = trimmed(head);
    // Behind a member's initialiser, the rest of the list or the body.
    if (!last_.empty() && (text.empty() || text.starts_with(','))) return last_;
    static const std::regex scope(R"(^(?:.*\b)?(?:class|struct|union|enum|namespace)\b(?![^<]*>)[^()]*$)");
    static const std::regex name(R"((operator *[^\s\w(]+(?=\()|~?\w+) *\()");
    if (std::regex_search(text, scope)) return {};
    static const std::regex skipped(R"(^(?:requires|decltype|noexcept|alignas|explicit|gnu|sizeof)$)");
    for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at) {
      if (const std::string found = (*at)[1]; !std::regex_match(found, skipped)) return found;
    }
    return {};
  }
};

/// "compare_exchange(acq_rel,relaxed)" of an operation's text, and "load" of a "load(": the name as sites have it.
std::string operation_in(const std::string& text, const std::string& name) {
  static const std::regex order("memory_order(?:_|::)(\\w+)");
  std::string orders;
  for (std::sregex_iterator at(text.begin(), text.end(), order), end; at != end; ++at) {
    orders += (orders.empty() ? "" : ",") + (*at)[1].str();
  }
  const std::string strong = name.starts_with("compare_exchange") ? "compare_exchange" : name;
  return fmt::format("{}({})", strong, orders);
}

/// An operation's call without the calls in its arguments, over several lines when it is broken.
std::string call_of(const Lines& lines, std::size_t line, const std::string& name) {
  constexpr std::size_t kMost = 4;
  std::string text = code_of(lines[line]);
  text.erase(0, text.find(name + "("));
  for (std::size_t i = line + 1; i < lines.size() && i < line + kMost; ++i) text += ' ' + code_of(lines[i]);
  std::string own;
  int depth = 0;
  for (const char c : text) {
    if (c == ')' && --depth == 0) break;
    if (depth <= 1) own += c;
    if (c == '(') ++depth;
  }
  return own;
}

/// Counts the operations that differ by nothing but the line.
void number(std::vector<WrittenOperation>& operations) {
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<WrittenOperation*>> same;
  for (WrittenOperation& one : operations) same[{one.file, one.function, one.operation}].push_back(&one);
  for (auto& [_, all] : same) {
    for (std::size_t i = 0; all.size() > 1 && i < all.size(); ++i) all[i]->occurrence = static_cast<unsigned>(i) + 1;
  }
}

}  // namespace

std::string WrittenOperation::id() const {
  std::string name = fmt::format("{}/{}/{}", file.substr(file.find('/') + 1), function, operation);
  if (occurrence != 0) name += fmt::format("#{}", occurrence);
  return name;
}

std::vector<WrittenOperation> written_operations(const fs::path& root) {
  static const std::regex operation(R"((?:\.|->)(load|store|exchange|compare_exchange_\w+|fetch_\w+)\()");
  std::vector<WrittenOperation> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / subject().sources)) {
    if (!entry.is_regular_file() || !is_audited(root, entry.path())) continue;
    const Lines lines = lines_of(entry.path());
    const std::vector<std::string> functions = FunctionFinder().run(lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string text = code_of(lines[i]);
      const std::string both = i + 1 < lines.size() ? text + code_of(lines[i + 1]) : text;
      // An operation that is broken over two lines names its order on the second.
      std::smatch name;
      if (!std::regex_search(text, name, operation) || both.find("memory_order") == std::string::npos) continue;
      const std::string call = call_of(lines, i, name[1]);
      found.push_back({fs::relative(entry.path(), root).string(), static_cast<unsigned>(i + 1), text, functions[i],
                       operation_in(call, name[1])});
    }
  }
  std::sort(found.begin(), found.end(),
            [](auto& a, auto& b) { return std::tie(a.file, a.line) < std::tie(b.file, b.line); });
  number(found);
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

}  // namespace check
