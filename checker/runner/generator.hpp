#pragma once
/// Programs that are no suites: a user's generator makes them, of texts or seeds.

#include <memory>
#include <string>
#include <vector>

#include "core/schedule.hpp"
#include "runner/job.hpp"

namespace check {

/// One program of a generator.
class GeneratedProgram {
 public:
  virtual ~GeneratedProgram() = default;
  /// As people read it.
  [[nodiscard]] virtual std::string text() const = 0;
  /// The searches, unless others are asked for.
  [[nodiscard]] virtual std::vector<Search> searches() const = 0;
  /// Searches until one fails. The job must not need the program to live on.
  [[nodiscard]] virtual Job job(const std::vector<Search>& searches, std::uint64_t seed) const = 0;
};

class Generator {
 public:
  virtual ~Generator() = default;
  /// What help says of the option that names a program.
  [[nodiscard]] virtual std::string help() const = 0;
  /// The programs that an argument names, one or many. \param problem why there is none
  [[nodiscard]] virtual std::vector<std::unique_ptr<GeneratedProgram>> programs(const std::string& argument,
                                                                                std::string& problem) const = 0;
  /// Whether the first part of a replay token names one of its programs.
  [[nodiscard]] virtual bool is_name(const std::string& name) const = 0;
  /// Replays an execution of the program that the token's first part names.
  [[nodiscard]] virtual Replayed replay(const std::string& name, const Strategy& strategy,
                                        const std::string& choices) const = 0;
};

/// The generator of the user; null when none is registered.
const Generator* generator();

/// Makes a generator known, which must live as long as the program: a constant at namespace scope.
struct RegisteredGenerator {
  explicit RegisteredGenerator(const Generator& generator);
};

}  // namespace check
