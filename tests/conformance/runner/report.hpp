#pragma once
/// What is printed and written about a run.

#include <map>
#include <string>
#include <vector>

#include "suite.hpp"

namespace hakmem::conformance {

/// Deviations that are known and explained: library label -> check -> reason.
using KnownDeviations = std::map<std::string, std::map<std::string, std::string>>;

/// Reads them. Throws Problem.
KnownDeviations read_known_deviations(const std::string& file);

/// One library and the outcome of every check, in the order of the checks.
struct Column {
  Library library;
  Level must = Level::kGlibc;  ///< checks up to this level decide
  std::vector<Outcome> outcomes{};
};

struct Run {
  std::vector<std::string> command;
  std::vector<Check> checks;
  std::vector<Column> columns;
  KnownDeviations known;
};

/// What keeps a run from being green, one line each: failures that decide and are not known, and known deviations that
/// no longer are.
std::vector<std::string> objections(const Run& run);

/// The table, the failures and the verdict, for a terminal.
std::string as_text(const Run& run);
std::string as_json(const Run& run);
std::string as_markdown(const Run& run);

}  // namespace hakmem::conformance
