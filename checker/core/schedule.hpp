#pragma once
/// How a search chooses executions, and how many of them: the words of which plans are made.

#include <cstdint>
#include <string>
#include <string_view>

namespace check {

/// How executions are chosen. The kinds that explore all of them come first.
struct Strategy {
  enum class Kind : std::uint8_t {
    kFull,    ///< every execution
    kGraph,   ///< every execution, as a graph: of those that differ in nothing but the order of steps, one
    kNear,    ///< of these graphs, every one in which at most `parameter` operations stray; see Explorer
    kBound,   ///< every execution with at most `parameter` preemptions
    kRandom,  ///< uniform choices
    kPct,     ///< random priorities with `parameter` - 1 change points
  };
  Kind kind = Kind::kFull;
  unsigned parameter = 0;
  unsigned failures = 0;  ///< by graphs: so often in an execution weak compare-and-swaps fail for no reason, at most

  [[nodiscard]] bool exhaustive() const noexcept { return kind <= Kind::kBound; }
  [[nodiscard]] bool by_graphs() const noexcept { return kind == Kind::kGraph || kind == Kind::kNear; }
  friend bool operator==(const Strategy&, const Strategy&) = default;
};

/// "full", "graph", "graph=3", "graph+1" with one failure for no reason, "graph=3+1", "bound=3", "random", "pct=3".
std::string to_string(const Strategy& strategy);
/// Whether a strategy, by its text, is one of the graph engine.
inline bool is_by_graphs(std::string_view text) { return text.starts_with("graph"); }
/// The strategy that a text names; the problem in `problem` if it names none.
Strategy parse_strategy(const std::string& text, std::string& problem);

/// A piece of work that ends by itself: a plan has no time in it, so that every machine comes to the same verdict.
struct Search {
  Strategy strategy;
  std::uint64_t executions = 0;  ///< how many, at most; 0 = no limit
  double seconds = 0;            ///< 0 = no limit; only where somebody bounds by time, see within()
  bool plain = false;            ///< exhaustive searches: without the reduction of visibility.hpp
};

/// "full" and so on, with "-plain" behind it for an exhaustive search without reduction.
std::string to_string(const Search& search);

inline Search full() { return {{Strategy::Kind::kFull, 0}}; }
inline Search graphs() { return {{Strategy::Kind::kGraph, 0}}; }
inline Search graphs_near(unsigned straying) { return {{Strategy::Kind::kNear, straying}}; }
inline Search bound(unsigned preemptions) { return {{Strategy::Kind::kBound, preemptions}}; }
inline Search random(std::uint64_t executions) { return {{Strategy::Kind::kRandom, 0}, executions}; }
inline Search pct(unsigned depth, std::uint64_t executions) { return {{Strategy::Kind::kPct, depth}, executions}; }
/// By graphs: weak compare-and-swaps fail for no reason too, all together at most so often in an execution.
inline Search failing_for_no_reason(unsigned times, Search search) {
  search.strategy.failures = times;
  return search;
}
/// As far as so much time allows, for those who have asked for that; never part of a plan.
inline Search within(double seconds, Search search) {
  search.seconds = seconds;
  return search;
}
/// No more than so many executions. An exhaustive search that has not ended by then counts as cut.
inline Search at_most(std::uint64_t executions, Search search) {
  search.executions = executions;
  return search;
}

enum class Tier : std::uint8_t { kQuick, kDefault };

/// Who explores.
enum class Engine : std::uint8_t {
  kPlanned,  ///< the graph engine where it comes to an end, else the searches that the suite names
  kGraph,
  kRelacy,
};

}  // namespace check
