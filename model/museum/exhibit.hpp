#pragma once
/// The museum: bugs that an allocator of this design had or nearly had, each as a faulty variant that must be caught.

#include <optional>
#include <string>
#include <vector>

#include "model/check.hpp"

namespace hakmem::model {

/// One bug. It is shown by a broken variant of a suite, or by a scenario, or by a plain program; scenario and program
/// have a sound twin, which the same judge must pass.
struct Exhibit {
  unsigned number;
  std::string title;
  std::string story;     ///< what the bug did
  std::string fault;     ///< the few lines that make the variant faulty, in words
  std::string expected;  ///< part of the problem that must be found
  std::string guard;     ///< the unit test of what ships: "program Filter"

  std::string variant = {};  ///< "suite~variant"
  std::optional<ScenarioType> faulty = {};
  std::optional<ScenarioType> sound = {};
  std::string (*program)(bool faulty) = nullptr;  ///< \return what is wrong, or nothing
  std::string preloaded = {};  ///< what proves it of the library under LD_PRELOAD: "edges NAME" or "conformance REGEX"
  char part = 0;               ///< 'b', 'c', ... where a bug shows itself in several ways

  /// Such as "20" or "20b".
  [[nodiscard]] std::string label() const { return std::to_string(number) + (part == 0 ? "" : std::string(1, part)); }
};

/// All exhibits of the program, by number and part.
const std::vector<Exhibit>& exhibits();

/// Makes exhibits known to the program: a constant at namespace scope in their source file.
struct Exhibited {
  explicit Exhibited(std::vector<Exhibit> exhibits);
};

/// Of those that are shown by a program.
std::string forgets_the_lock_at_fork(bool faulty);
std::string moves_a_cap_to_and_fro(bool faulty);
std::string moves_the_waste_to_and_fro(bool faulty);
std::string keeps_slots_for_their_class(bool faulty);

struct MuseumOptions {
  std::string pattern;           ///< part of a title, or a number; empty: all
  std::string engine = "graph";  ///< that explores what has a schedule: "graph" or "relacy"
  unsigned jobs = 1;
  std::string tests;  ///< folder of the built unit tests; empty: the guards are left out, which is said
  std::string page;   ///< file of the page to write; empty: none
  std::string json;   ///< file of the report; empty: none
};

/// Shows all exhibits. \return the exit code: 0 when each is caught and each guard passes, 1 when one is not or does
/// not, 2 when the call was wrong, 3 when something was cut off or is not built.
int museum(const MuseumOptions& options);

}  // namespace hakmem::model
