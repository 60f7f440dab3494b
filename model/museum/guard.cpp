#include "model/museum/guard.hpp"

#include <fmt/core.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>

namespace hakmem::model {

namespace {

struct Program {
  std::string path;
  std::string command;
  std::string some;  ///< what the output has when a test was run and held
  std::string none;  ///< what it has when there was no test to run; empty: its exit code says so
};

/// Against hanging alone: processor time, and passed time for what does not use any.
constexpr const char* kLimits = "ulimit -t 600; timeout 3600 ";
constexpr const char* kPreloaded = "preloaded ";

Program program_of(const std::string& guard, const std::string& folder) {
  const bool preloaded = guard.rfind(kPreloaded, 0) == 0;
  const std::string words = preloaded ? guard.substr(std::string(kPreloaded).size()) : guard;
  const std::size_t space = words.find(' ');
  const std::string name = words.substr(0, space);
  const std::string what = words.substr(space + 1);
  const std::string path = folder + "/" + name;
  const std::string library = folder + "/../libhakmem.so";
  if (!preloaded) return {path, fmt::format("'{}' --gtest_filter='{}'", path, what), "[  PASSED  ] ", "] 0 tests"};
  if (!std::filesystem::exists(library)) return {};
  if (name == "conformance") {
    return {path, fmt::format("'{}' --preload '{}' --filter '{}'", path, library, what), "VERDICT: PASSED", {}};
  }
  return {path, fmt::format("env LD_PRELOAD='{}' '{}' '{}'", library, path, what), what + ": holds", {}};
}

}  // namespace

const char* name_of(GuardTest guard) {
  switch (guard) {
    case GuardTest::kNone: return "no guard";
    case GuardTest::kPassed: return "guard passes";
    case GuardTest::kFailed: return "guard FAILS";
    case GuardTest::kNotBuilt: return "guard is not built";
    case GuardTest::kLeftOut: return "guard left out";
  }
  return "?";
}

GuardTest run_guard(const std::string& guard, const std::string& folder) {
  if (guard.empty()) return GuardTest::kNone;
  if (folder.empty()) return GuardTest::kLeftOut;
  const Program program = program_of(guard, folder);
  if (program.path.empty() || !std::filesystem::exists(program.path)) return GuardTest::kNotBuilt;
  std::FILE* pipe = ::popen((std::string(kLimits) + program.command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return GuardTest::kFailed;
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  const bool none = !program.none.empty() && output.find(program.none) != std::string::npos;
  const bool some = !none && output.find(program.some) != std::string::npos;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 && some ? GuardTest::kPassed : GuardTest::kFailed;
}

}  // namespace hakmem::model
