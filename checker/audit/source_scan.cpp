#include "audit/source_scan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <string_view>
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

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// The word that begins there; empty when none does.
std::string_view word_at(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(std::min(begin, text.size()), end - begin);
}

template <std::size_t kCount>
bool is_one_of(std::string_view word, const std::string_view (&words)[kCount]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

/// Where the string or character ends that begins there, behind its last quote; where it began when it never ends.
std::size_t end_of_text(std::string_view code, std::size_t begin) {
  for (std::size_t i = begin + 1; i < code.size(); ++i) {
    if (code[i] == '\\') {
      ++i;
    } else if (code[i] == code[begin]) {
      return code[i] == '\'' && i == begin + 1 ? begin : i + 1;
    }
  }
  return begin;
}

/// The name before a parenthesis, which opens at `open`: of a function, a destructor or an operator; or nothing.
std::string name_before(std::string_view text, std::size_t open) {
  constexpr std::string_view kOperator = "operator";
  std::size_t end = open;
  while (end != 0 && text[end - 1] == ' ') --end;
  std::size_t begin = end;
  while (begin != 0 && is_word(text[begin - 1])) --begin;
  if (begin != end) {
    if (begin != 0 && text[begin - 1] == '~') --begin;
    return std::string(text.substr(begin, end - begin));
  }
  const auto is_symbol = [](char c) {
    return !is_word(c) && c != '(' && std::isspace(static_cast<unsigned char>(c)) == 0;
  };
  if (end != open) return {};
  while (begin != 0 && is_symbol(text[begin - 1])) --begin;
  std::size_t word = begin;
  while (word != 0 && text[word - 1] == ' ') --word;
  if (begin == end || !text.substr(0, word).ends_with(kOperator)) return {};
  return std::string(text.substr(word - kOperator.size(), end - word + kOperator.size()));
}

/// Whether what stands before a brace opens a type or a namespace. Such a word among template parameters does not.
bool opens_scope(std::string_view text) {
  static constexpr std::string_view kWords[] = {"class", "struct", "union", "enum", "namespace"};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_word(text[i]) || (i != 0 && is_word(text[i - 1]))) continue;
    const std::string_view word = word_at(text, i);
    if (!is_one_of(word, kWords)) continue;
    const std::string_view rest = text.substr(i + word.size());
    const std::size_t angle = rest.find_first_of("<>");
    const bool is_parameter = angle != std::string_view::npos && rest[angle] == '>';
    if (!is_parameter && rest.find_first_of("()") == std::string_view::npos) return true;
  }
  return false;
}

/// The operation on an atomic that a line names first: ".load(" or "->fetch_add("; empty when it names none.
std::string operation_named_in(std::string_view text) {
  static constexpr std::string_view kWords[] = {"load", "store", "exchange"};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '.' && !text.substr(i).starts_with("->")) continue;
    const std::size_t begin = i + (text[i] == '.' ? 1 : 2);
    const std::string_view word = word_at(text, begin);
    const std::size_t end = begin + word.size();
    if (end >= text.size() || text[end] != '(') continue;
    const auto begins_with = [&](std::string_view start) {
      return word.starts_with(start) && word.size() > start.size();
    };
    if (is_one_of(word, kWords) || begins_with("compare_exchange_") || begins_with("fetch_")) return std::string(word);
  }
  return {};
}

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
    std::string rest;
    for (std::size_t i = 0; i < code.size();) {
      const std::size_t end = code[i] == '"' || code[i] == '\'' ? end_of_text(code, i) : i;
      rest += end == i ? std::string(1, code[i]) : "''";
      i = std::max(i + 1, end);
    }
    return rest;
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
    if (opens_scope(text)) return {};
    static constexpr std::string_view kSkipped[] = {"requires", "decltype", "noexcept", "alignas",
                                                    "explicit", "gnu",      "sizeof"};
    for (std::size_t open = text.find('('); open != std::string::npos; open = text.find('(', open + 1)) {
      const std::string found = name_before(text, open);
      if (!found.empty() && !is_one_of(found, kSkipped)) return found;
    }
    return {};
  }
};

/// "compare_exchange(acq_rel,relaxed)" of an operation's text, and "load" of a "load(": the name as sites have it.
std::string operation_in(const std::string& text, const std::string& name) {
  constexpr std::string_view kOrder = "memory_order";
  std::string orders;
  for (std::size_t at = text.find(kOrder); at != std::string::npos; at = text.find(kOrder, at + 1)) {
    const std::string_view rest = std::string_view(text).substr(at + kOrder.size());
    const std::size_t begin = rest.starts_with("_") ? 1 : rest.starts_with("::") ? 2 : 0;
    const std::string_view order = begin == 0 ? std::string_view() : word_at(rest, begin);
    if (!order.empty()) orders += (orders.empty() ? "" : ",") + std::string(order);
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
  std::vector<WrittenOperation> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / subject().sources)) {
    if (!entry.is_regular_file() || !is_audited(root, entry.path())) continue;
    const Lines lines = lines_of(entry.path());
    const std::vector<std::string> functions = FunctionFinder().run(lines);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string text = code_of(lines[i]);
      const std::string both = i + 1 < lines.size() ? text + code_of(lines[i + 1]) : text;
      // An operation that is broken over two lines names its order on the second.
      const std::string name = operation_named_in(text);
      if (name.empty() || both.find("memory_order") == std::string::npos) continue;
      const std::string call = call_of(lines, i, name);
      found.push_back({fs::relative(entry.path(), root).string(), static_cast<unsigned>(i + 1), text, functions[i],
                       operation_in(call, name)});
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
