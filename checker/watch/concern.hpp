#pragma once
/// What an edit concerns: which suites and broken variants reach what has changed, and in which order to look.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/scenario.hpp"
#include "watch/anatomy.hpp"

namespace check {

/// An atomic operation as suites reach it, whatever its line: "src/queue/word.hpp push load".
struct ReachedSite {
  std::string file;
  std::string function;
  std::string operation;
  friend auto operator<=>(const ReachedSite&, const ReachedSite&) = default;
};

using Reached = std::set<ReachedSite>;

/// The sites of each suite.
using ReachMap = std::map<std::string, Reached>;

/// How much an edit concerns a suite: 0 not known to; above 1 it reaches a file that has changed, above 2 a function
/// that has. The more of what it does is there, the more.
double concern(const Reached& reached, const std::vector<Change>& changes);

/// Whether the variant changes an operation of a function that has changed.
bool is_about(const Variant& variant, const std::vector<Change>& changes);

/// The suites of one scenario file, which make one program.
struct Stem {
  std::string name;                 ///< "word" of scenarios/word.cpp
  double concern = 0;               ///< the most of a suite
  std::vector<std::string> suites;  ///< what concerns most comes first
  std::vector<std::string> first;   ///< of what the edit concerns: suites and broken variants, in the order to run
};

/// All suites by the file that registers them, in the order in which to look.
std::vector<Stem> stems_by_concern(const std::vector<const Suite*>& suites, const ReachMap& map,
                                   const std::vector<Change>& changes);

}  // namespace check
