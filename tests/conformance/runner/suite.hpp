#pragma once
/// The checks, the malloc libraries they run against, and what comes of it.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "process.hpp"

namespace hakmem::conformance {

/// Who makes a promise; each level includes the ones before it.
enum class Level { kRequired, kGlibc, kHakmem };

std::string name_of(Level level);
/// \return nothing for a name that is no level's
std::optional<Level> level_named(const std::string& name);

struct Check {
  std::string name;  ///< Subject.Behaviour
  Level level = Level::kRequired;
  std::string clause;
  std::size_t address_space_mib = 0;  ///< limit that the check's process starts with; 0 is none
  bool may_be_absent = false;
};

/// A malloc to check.
struct Library {
  std::string label;                           ///< "jemalloc" for .../libjemalloc.so.2
  std::string path;                            ///< as given; empty for the C library's own malloc
  std::string file;                            ///< the real path of what malloc comes from
  std::map<std::string, std::string> origins;  ///< function -> real path of the library it comes from, or empty
  bool is_hakmem = false;

  [[nodiscard]] bool brings(const std::string& function) const;
};

enum class Status { kPass, kFail, kAbsent };

struct Outcome {
  Status status = Status::kFail;
  std::string how;      ///< what a failure is: "assertion", "SIGSEGV", "time-out", "exit code 3", "no report"
  std::string message;  ///< one line or more, for a failure
  double seconds = 0;
};

/// Something that keeps the run from taking place; for the user.
struct Problem {
  std::string message;
};

class Suite {
 public:
  /// \param program path of the program that holds the checks
  /// \param seconds that each check may take
  /// \param emulator words of a command that runs the program; the first is empty where none is needed. It takes
  /// `-E NAME=VALUE` for what is set for the program alone
  Suite(std::string program, double seconds, std::vector<std::string> emulator)
      : program_(std::move(program)), seconds_(seconds), emulator_(std::move(emulator)) {}

  /// All, but under an emulator those that limit its address space. Throws Problem when the program cannot be asked.
  [[nodiscard]] std::vector<Check> checks() const;

  /// Finds out what a library brings. \param path of a shared library, or "system" for the C library's own malloc.
  /// Throws Problem when there is no such library or it does not take malloc's place.
  [[nodiscard]] Library library(const std::string& path) const;

  /// Thread-safe.
  [[nodiscard]] Outcome run(const Check& check, const Library& library) const;

 private:
  [[nodiscard]] Command command(const Library& library, std::string argument) const;

  std::string program_;
  double seconds_;
  std::vector<std::string> emulator_;
};

}  // namespace hakmem::conformance
