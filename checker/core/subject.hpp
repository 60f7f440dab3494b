#pragma once
/// What is checked: the program that a user of the checker builds, and where the sources are that it was built from. The
/// user registers it once; whatever the checker says or reads of it comes from here.

#include <string>
#include <string_view>
#include <vector>

namespace check {

struct Subject {
  std::string program = "check";  ///< the name of the program, in what it says and in the commands that it names
  std::string about = "Runs suites under a model checker.";  ///< the head of its help
  std::string tree = ".";            ///< root of the source tree that the program was built from
  std::string sources = "src";       ///< a folder of the root: its atomic operations are audited, its edits watched
  std::vector<std::string> places;   ///< folders below the root in which includes are found, the first one first
  std::string checker = "checker";   ///< folder below the root that holds the checker itself
  std::string ledger = "ledger.md";  ///< file below the root: the page that the audit writes
  std::string ledger_note;           ///< what the head of that page says besides, in Markdown
  std::string compiled;              ///< file below the root: what operations compile to; empty: none
  std::string compiled_note;         ///< what the head of the page says of its columns besides, in Markdown
  std::string example = "word";      ///< part of the names of a header's mutants, for the help
  std::string example_header = "word.hpp/";  ///< and the part that all of them begin with
  /// Whether suites have to reach the atomic operations of a header. \param header from the root; null: of each
  bool (*is_audited)(const std::string& header) = nullptr;
};

/// What is registered; the words above when nothing is.
const Subject& subject();

/// Makes a subject known: a constant at namespace scope of one source file.
struct RegisteredSubject {
  explicit RegisteredSubject(Subject subject);
};

/// Whether a file, from the root, is one of the audited sources.
bool is_source(std::string_view file);

/// Says what is wrong, in one line on standard error behind the program's name.
void say_problem(std::string_view problem) noexcept;

/// The file without the folder of the sources: "queue/word.hpp" of "src/queue/word.hpp".
std::string below_sources(std::string_view file);

}  // namespace check
