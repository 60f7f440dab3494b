#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <string>

/// Command lines of the benchmarks: one clear line, usage and exit code 2 for a wrong one.
namespace hakmem::bench {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// Prints what is wrong with the command line, and the usage, on standard error. Returns kExitUsage.
inline int wrong_call(const CLI::App& app, const std::string& problem) {
  std::cerr << app.get_name() << ": " << problem << "\n" << app.help();
  return kExitUsage;
}

/// Parses the command line into the variables bound to `app`. Nothing if the program is to go on; otherwise the exit
/// code: 0 after --help, kExitUsage after a wrong call. Numbers are decimal.
inline std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return 0;
  } catch (const CLI::ParseError& error) {
    return wrong_call(app, error.what());
  }
}

/// Calls `run`, and reports an exception that leaves it as a failure. For main.
inline int guarded(const char* program, int (*run)(int, char**), int argc, char** argv) noexcept {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: FAILED: %s\n", program, error.what());
  } catch (...) {
    std::fprintf(stderr, "%s: FAILED: unknown exception\n", program);
  }
  return kExitFailed;
}

}  // namespace hakmem::bench
