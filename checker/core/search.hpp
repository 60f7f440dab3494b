#pragma once
/// One search of one scenario in this process, and the replay of one of its executions.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/event.hpp"
#include "core/scenario.hpp"

namespace check {

/// Part `index` of `count` of an exhaustive search. Parts are exact: their executions add up to those of the whole,
/// provided that all of them end with the same knowledge and way of yielding.
struct Part {
  unsigned index = 0;
  unsigned count = 1;
};

/// What a search has come to.
struct Outcome {
  bool failed = false;           ///< a counterexample, or no verdict is possible; `problem` says which
  bool cut = false;              ///< ended before it was done: by a limit, or because it was told to
  bool beyond = false;           ///< of a search by graphs with a bound: the bound has left something out
  std::uint64_t executions = 0;  ///< explored, the failing one included
  double seconds = 0;
  double processor_seconds = 0;
  Ending ending = Ending::kHolds;
  std::string detail;          ///< what was said about the ending: a require's text
  std::string problem;         ///< both for people, "DATA RACE (data race detected)"; empty unless failed
  Trace trace;                 ///< the failing execution, step by step
  std::string choices;         ///< the failing execution, for replay()
  std::string position;        ///< of an exhaustive search that was cut: where it can go on
  std::string knowledge;       ///< of an exhaustive search: what it has learned about the scenario, see visibility.hpp
  bool waits = false;          ///< of an exhaustive search: yields had to wait for other threads
  unsigned steps = 0;          ///< of pct: the longest execution
  std::uint64_t promised = 0;  ///< of pct: executions whose change points were drawn from so many steps

  /// Whether what was found is what is expected: the word of an ending, or a part of it or of what was said.
  [[nodiscard]] bool shows(std::string_view expected) const;
  /// There is no verdict. \param why for people
  void set_aside(std::string why);
};

/// Seconds of a monotonic clock.
double now() noexcept;
/// Seconds of processor time of this process.
double processor_time() noexcept;

/// What a search may use.
struct Limits {
  std::uint64_t seed = 0;
  const volatile bool* stop = nullptr;         ///< becomes true when the search shall end; never null
  volatile std::uint64_t* progress = nullptr;  ///< executions so far; never null
  volatile double* share = nullptr;            ///< part of an exhaustive search that is done; never null
  const std::string* position = nullptr;       ///< where an exhaustive search of the same scenario goes on
  Part part = {};                              ///< of an exhaustive search
  const std::string* knowledge = nullptr;      ///< what is known of the scenario already, from another part
  bool waits = false;                          ///< and whether yields have to wait
  void (*begins_anew)() = nullptr;             ///< called when what was explored does not count, and at the beginning
};

/// Explores. The variant's mutations must be in force; see Sites::mutate.
/// \param depth operations per execution before it counts as a livelock
Outcome explore(const ScenarioType& type, unsigned depth, const Search& search, const Limits& limits);

/// Whether one thread comes to its end wherever the others stop for ever, in all executions: then no loop of its program
/// waits for them. Nothing else is judged. \param search by graphs, with a number of executions or without
Outcome explore_progress(const ScenarioType& type, unsigned depth, unsigned thread, const Search& search,
                         const Limits& limits);

/// Runs one execution again.
/// \param choices as in an Outcome
/// \return its outcome with the trace; `problem` says so when the choices do not fit the scenario
Outcome replay(const ScenarioType& type, unsigned depth, const Strategy& strategy, const std::string& choices);

}  // namespace check
