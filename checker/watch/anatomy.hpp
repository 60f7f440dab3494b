#pragma once
/// A C++ file as the functions that it defines, and what of them an edit has changed. Comments, layout and the place
/// of a function do not count.

#include <string>
#include <vector>

namespace check {

struct Token {
  std::string text;
  unsigned line;  ///< from 1 on
};

/// The code of a file: no comments; a preprocessor line is one token.
std::vector<Token> tokens_of(const std::string& text);

struct FunctionText {
  std::string name;  ///< as __builtin_FUNCTION says it: without class, parameters and template arguments
  std::vector<Token> tokens;
};

struct Anatomy {
  std::vector<FunctionText> functions;  ///< in order; a name may be there several times
  std::vector<Token> rest;              ///< what is in none: types, members, constants, includes
};

/// Good enough for code that is laid out by rule; what it takes for no function is part of the rest.
Anatomy anatomy_of(const std::string& text);

/// What an edit has changed in a file.
struct Change {
  std::string file;  ///< from the root of the source: "src/queue/word.hpp"
  std::vector<std::string> functions;
  bool outside = false;  ///< code outside of functions, too
  unsigned line = 0;     ///< of the first change, in the file as it is now

  /// Nothing but comments and layout.
  [[nodiscard]] bool is_idle() const noexcept { return functions.empty() && !outside; }
};

/// \param before, after the file's text; empty where there is none
Change change_of(const std::string& file, const std::string& before, const std::string& after);

/// "src/queue/word.hpp:58: push, take"
std::string describe(const Change& change);

}  // namespace check
