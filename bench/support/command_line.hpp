#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// Command lines of the benchmarks: one clear line, usage and exit code 2 for a wrong one.
///
/// CLI11 stands behind them, in one file: its headers take longer to compile than the benchmarks.
namespace hakmem::bench {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// An option of a command line, for as long as that lives.
class Option {
 public:
  explicit Option(CLI::Option* option) noexcept : option_(option) {}

  Option& required();
  /// The value, or each of several, is in the range, both ends included.
  Option& between(std::uint64_t least, std::uint64_t most);
  Option& between_seconds(double least, double most);
  /// The value, or each of several, is one of these words.
  Option& one_of(const std::vector<std::string>& words);
  /// The other one is not given where this one is.
  Option& excludes(const Option& other);

 private:
  CLI::Option* option_;
};

class CommandLine {
 public:
  CommandLine(const std::string& description, const std::string& program);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  // An option, `--like-this`, or a word in its place, `LIKE_THIS`, whose value is stored in a variable that outlives the
  // command line. Numbers are decimal.
  Option add(const std::string& name, std::uint32_t& value, const std::string& help);
  Option add(const std::string& name, std::uint64_t& value, const std::string& help);
  Option add(const std::string& name, double& value, const std::string& help);
  Option add(const std::string& name, std::string& value, const std::string& help);
  Option add(const std::string& name, std::vector<std::uint64_t>& values, const std::string& help);
  Option add(const std::string& name, std::vector<std::string>& values, const std::string& help);
  /// An option without a value.
  void add_flag(const std::string& name, bool& value, const std::string& help);

  /// \return nothing if the program is to go on; otherwise the exit code: 0 after --help, kExitUsage after a wrong call.
  std::optional<int> parse(int argc, char** argv);
  /// Whether the option was given. After parse.
  [[nodiscard]] bool has(const std::string& name) const;
  /// Prints what is wrong with the call, and the usage, on standard error. \return kExitUsage
  [[nodiscard]] int wrong_call(const std::string& problem) const;

 private:
  std::unique_ptr<CLI::App> app_;
};

/// Calls `run`, and reports an exception that leaves it as a failure. For main.
int guarded(const char* program, int (*run)(int, char**), int argc, char** argv) noexcept;

}  // namespace hakmem::bench
