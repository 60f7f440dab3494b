#include "watch/anatomy.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace check {

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_word(const Token& token) {
  return !token.text.empty() && (std::isalpha(static_cast<unsigned char>(token.text[0])) != 0 || token.text[0] == '_');
}

/// Reads a text token by token.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Token> all() {
    std::vector<Token> tokens;
    while (skip_to_token()) {
      const std::size_t begin = at_;
      const unsigned line = line_;
      take();
      tokens.push_back({std::string(text_.substr(begin, at_ - begin)), line});
    }
    return tokens;
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] bool sees(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void step() {
    if (!done() && text_[at_++] == '\n') ++line_;
  }
  void step_behind(std::string_view end) {
    while (!done() && !sees(end)) step();
    for (std::size_t i = 0; i < end.size(); ++i) step();
  }

  /// Behind spaces and comments. \return whether there is something.
  bool skip_to_token() {
    for (;;) {
      if (done()) return false;
      if (sees("//")) {
        while (!done() && text_[at_] != '\n') step();
      } else if (sees("/*")) {
        step_behind("*/");
      } else if (std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
        step();
      } else {
        return true;
      }
    }
  }

  void take() {
    const char c = text_[at_];
    if (c == '#') return take_preprocessor_line();
    if (sees("R\"")) return take_raw_string();
    if (c == '"' || c == '\'') return take_quoted(c);
    if (sees("::") || sees("->")) {
      at_ += 2;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      // A quote between digits is part of the number.
      while (!done() && (is_word(text_[at_]) || text_[at_] == '.' || text_[at_] == '\'')) ++at_;
    } else if (is_word(c)) {
      while (!done() && is_word(text_[at_])) ++at_;
    } else {
      ++at_;
    }
  }

  void take_preprocessor_line() {
    while (!done() && text_[at_] != '\n' && !sees("//") && !sees("/*")) {
      if (sees("\\\n")) step();
      step();
    }
  }

  void take_quoted(char quote) {
    step();
    while (!done() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\') step();
      step();
    }
    step();
  }

  void take_raw_string() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return take_quoted('"');
    step_behind(fmt::format("){}\"", text_.substr(at_ + 2, open - at_ - 2)));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
};

using Tokens = std::vector<Token>;

bool is(const Token& token, std::string_view text) { return token.text == text; }

/// Behind the bracket that closes the one at `open`.
std::size_t behind_closing(const Tokens& tokens, std::size_t open, std::string_view opens, std::string_view closes) {
  unsigned depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (is(tokens[i], opens)) ++depth;
    if (is(tokens[i], closes) && --depth == 0) return i + 1;
  }
  return tokens.size();
}

/// Behind the template parameters that begin at `open`. What stands in round brackets may be a shift.
std::size_t behind_parameters(const Tokens& tokens, std::size_t open) {
  unsigned depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (is(tokens[i], "(")) {
      i = behind_closing(tokens, i, "(", ")") - 1;
    } else if (is(tokens[i], "<")) {
      ++depth;
    } else if (is(tokens[i], ">") && --depth == 0) {
      return i + 1;
    }
  }
  return tokens.size();
}

/// The beginning of a declaration without what may hold brackets that mean nothing: template parameters, attributes.
Tokens without_ornaments(const Tokens& head) {
  Tokens plain;
  for (std::size_t i = 0; i < head.size();) {
    const bool has_next = i + 1 < head.size();
    if (is(head[i], "template") && has_next && is(head[i + 1], "<")) {
      i = behind_parameters(head, i + 1);
    } else if (is(head[i], "[") && has_next && is(head[i + 1], "[")) {
      i = behind_closing(head, i, "[", "]");
    } else {
      plain.push_back(head[i++]);
    }
  }
  return plain;
}

/// What stands before a bracket without being the name of a function.
bool takes_brackets(const std::string& word) {
  static constexpr std::array kWords{"requires", "noexcept",      "decltype", "alignas", "explicit",  "__attribute__",
                                     "if",       "sizeof",        "void",     "bool",    "int",       "char",
                                     "unsigned", "while",         "for",      "switch",  "constexpr", "return",
                                     "catch",    "static_assert", "double"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

/// The position of the bracket behind the name of the function that begins so; 0 if none does.
std::size_t parameters_of(const Tokens& head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (is(head[i], "operator")) {
      std::size_t open = i + 1;
      if (open + 1 < head.size() && is(head[open], "(")) open += 2;  // operator()
      while (open < head.size() && !is(head[open], "(")) ++open;
      return open < head.size() ? open : 0;
    }
    if (is(head[i], "=")) return 0;
    if (i != 0 && is(head[i], "(") && is_word(head[i - 1]) && !takes_brackets(head[i - 1].text)) return i;
  }
  return 0;
}

std::string name_before(const Tokens& head, std::size_t open) {
  for (std::size_t i = 0; i < open; ++i) {
    if (!is(head[i], "operator")) continue;
    std::string name = head[i].text;
    for (std::size_t j = i + 1; j < open; ++j) name += head[j].text;
    return name;
  }
  return (open > 1 && is(head[open - 2], "~") ? "~" : "") + head[open - 1].text;
}

/// Takes a file apart.
class Dissection {
 public:
  explicit Dissection(const Tokens& tokens) : tokens_(tokens) {}

  Anatomy all() {
    while (at_ < tokens_.size()) {
      const Token& token = tokens_[at_];
      if (is(token, "(") || is(token, "[")) {
        take_until(behind_closing(tokens_, at_, token.text, is(token, "(") ? ")" : "]"));
      } else if (is(token, "{")) {
        open();
      } else {
        head_.push_back(token);
        ++at_;
        if (is(token, ";") || is(token, "}") || token.text[0] == '#') flush();
      }
    }
    flush();
    return std::move(anatomy_);
  }

 private:
  void take_until(std::size_t end) {
    for (; at_ < end; ++at_) head_.push_back(tokens_[at_]);
  }
  void flush() {
    anatomy_.rest.insert(anatomy_.rest.end(), head_.begin(), head_.end());
    head_.clear();
  }

  /// A brace: of a scope, of a function, of a member's initializer before its body, or of a value.
  void open() {
    const Tokens plain = without_ornaments(head_);
    const std::size_t parameters = parameters_of(plain);
    const std::size_t behind = behind_closing(tokens_, at_, "{", "}");
    if (parameters == 0) {
      const auto scope = [](const Token& token) {
        return is(token, "namespace") || is(token, "class") || is(token, "struct") || is(token, "union") ||
               is(token, "extern");
      };
      if (std::none_of(plain.begin(), plain.end(), scope)) return take_until(behind);
      head_.push_back(tokens_[at_++]);
      return flush();
    }
    const std::size_t closed = behind_closing(plain, parameters, "(", ")");
    const bool has_members = std::any_of(plain.begin() + static_cast<std::ptrdiff_t>(closed), plain.end(),
                                         [](const Token& token) { return is(token, ":"); });
    const bool initializes = has_members && (is_word(plain.back()) || is(plain.back(), ">"));
    take_until(behind);
    if (initializes) return;
    anatomy_.functions.push_back({name_before(plain, parameters), std::move(head_)});
    head_.clear();
  }

  const Tokens& tokens_;
  std::size_t at_ = 0;
  Tokens head_;
  Anatomy anatomy_;
};

/// All code of the functions of one name, and of the rest under the empty name.
Tokens code_of(const Anatomy& anatomy, const std::string& name) {
  if (name.empty()) return anatomy.rest;
  Tokens code;
  for (const FunctionText& function : anatomy.functions) {
    if (function.name == name) code.insert(code.end(), function.tokens.begin(), function.tokens.end());
  }
  return code;
}

/// The line of the first token of `after` that differs; 0 if none does.
unsigned first_difference(const Tokens& before, const Tokens& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (i >= before.size() || before[i].text != after[i].text) return after[i].line;
  }
  if (before.size() == after.size()) return 0;
  return after.empty() ? 1 : after.back().line;
}

}  // namespace

std::vector<Token> tokens_of(const std::string& text) { return Lexer(text).all(); }

Anatomy anatomy_of(const std::string& text) { return Dissection(tokens_of(text)).all(); }

Change change_of(const std::string& file, const std::string& before, const std::string& after) {
  Change change;
  change.file = file;
  const Anatomy old = anatomy_of(before);
  const Anatomy current = anatomy_of(after);
  std::vector<std::string> names{""};
  for (const Anatomy* anatomy : {&current, &old}) {
    for (const FunctionText& function : anatomy->functions) {
      if (std::find(names.begin(), names.end(), function.name) == names.end()) names.push_back(function.name);
    }
  }
  for (const std::string& name : names) {
    const unsigned line = first_difference(code_of(old, name), code_of(current, name));
    if (line == 0) continue;
    if (change.line == 0 || line < change.line) change.line = line;
    if (name.empty()) {
      change.outside = true;
    } else {
      change.functions.push_back(name);
    }
  }
  return change;
}

std::string describe(const Change& change) {
  if (change.is_idle()) return change.file + ": comments and layout only";
  std::vector<std::string> what = change.functions;
  if (change.outside) what.push_back(what.empty() ? "outside of functions" : "and outside of functions");
  return fmt::format("{}:{}: {}", change.file, change.line, fmt::join(what, ", "));
}

}  // namespace check
