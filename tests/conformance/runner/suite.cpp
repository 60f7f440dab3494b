#include "suite.hpp"

#include <fmt/format.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

namespace hakmem::conformance {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::array<const char*, 3> kLevelNames = {"required", "glibc", "hakmem"};
constexpr int kWrongLibrary = 3;
constexpr const char* kSystem = "system";

std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

/// "jemalloc" for "libjemalloc.so.2"
std::string label_of(const fs::path& path) {
  std::string name = path.filename().string();
  if (name.starts_with("lib")) name.erase(0, 3);
  return name.substr(0, name.find(".so"));
}

/// What the check's process has written to its report.
struct Report {
  bool passed = false;
  bool absent = false;
  std::string failure;  ///< the first
};

Report parsed(const std::string& text) {
  Report report;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line, nullptr, false);
    if (entry.is_discarded()) continue;
    const std::string outcome = entry.value("outcome", "");
    if (outcome == "pass") report.passed = true;
    if (outcome == "absent") report.absent = true;
    if (outcome == "fail" && report.failure.empty()) report.failure = entry.value("message", "");
  }
  return report;
}

Outcome failure(const Ended& ended, std::string how, const std::string& message) {
  return {Status::kFail, std::move(how), message.empty() ? last_line(ended.error_output) : message, ended.seconds};
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

}  // namespace

std::string name_of(Level level) { return kLevelNames.at(static_cast<std::size_t>(level)); }

std::optional<Level> level_named(const std::string& name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (name == kLevelNames.at(i)) return static_cast<Level>(i);
  }
  return std::nullopt;
}

bool Library::brings(const std::string& function) const {
  const auto found = origins.find(function);
  return found != origins.end() && found->second == file;
}

Command Suite::command(const Library& library, std::string argument) const {
  Command command;
  if (!library.file.empty()) command.environment["CONFORMANCE_LIBRARY"] = library.file;
  if (!emulator_.front().empty()) {
    command.arguments = emulator_;
    if (!library.path.empty()) command.arguments.insert(command.arguments.end(), {"-E", "LD_PRELOAD=" + library.path});
  } else if (!library.path.empty()) {
    command.environment["LD_PRELOAD"] = library.path;
  }
  command.arguments.insert(command.arguments.end(), {program_, std::move(argument)});
  return command;
}

std::vector<Check> Suite::checks() const {
  const Ended ended = conformance::run(command({}, "--describe"));
  const Json described = Json::parse(ended.output, nullptr, false);
  if (!described.is_array()) {
    throw Problem{
        emulator_.front().empty()
            ? fmt::format("cannot run {}; build the target conformance_checks", program_)
            : fmt::format("--emulator: {} does not run {}: {}", emulator_.front(), program_,
                          ended.error_output.empty() ? "is it a path of a program?" : last_line(ended.error_output))};
  }
  std::vector<Check> checks;
  for (const auto& entry : described) {
    checks.push_back({.name = entry.at("check"),
                      .level = level_named(entry.at("level")).value(),
                      .clause = entry.at("clause"),
                      .address_space_mib = entry.at("address_space_mib"),
                      .may_be_absent = entry.at("may_be_absent")});
  }
  if (!emulator_.front().empty())
    std::erase_if(checks, [](const Check& check) { return check.address_space_mib != 0; });
  return checks;
}

Library Suite::library(const std::string& path) const {
  Library library;
  library.path = path == kSystem ? "" : path;
  if (!library.path.empty()) {
    std::error_code error;
    library.path = fs::absolute(path, error);
    library.file = fs::canonical(path, error);
    if (error) throw Problem{fmt::format("there is no library {}", path)};
  }
  Library asked = library;
  asked.file.clear();
  const Ended ended = conformance::run(command(asked, "--origins"));
  const Json origins = Json::parse(ended.output, nullptr, false);
  if (!origins.is_object()) {
    throw Problem{fmt::format("no program starts with {}: {}", path, last_line(ended.error_output))};
  }
  library.origins = origins.get<std::map<std::string, std::string>>();
  const std::string& actual = library.origins["malloc"];
  if (library.path.empty()) library.file = actual;
  if (actual != library.file) {
    throw Problem{fmt::format("{} does not take malloc's place: malloc comes from {}", path, actual)};
  }
  library.label = library.path.empty() ? "glibc" : label_of(path);
  library.is_hakmem = library.brings("hak_init");
  return library;
}

Outcome Suite::run(const Check& check, const Library& library) const {
  Command one = command(library, "--gtest_filter=" + check.name);
  one.arguments.emplace_back("--gtest_color=no");
  one.address_space_mib = check.address_space_mib;
  one.seconds = seconds_;
  const Ended ended = conformance::run(one);
  const Report report = parsed(ended.report);
  switch (ended.how) {
    case Ended::How::kNotStarted: return failure(ended, "not started", "no process could be made");
    case Ended::How::kTimeOut:
      return failure(ended, "time-out", fmt::format("not done after {:.1f} s. {}", ended.seconds, report.failure));
    case Ended::How::kSignal: return failure(ended, signal_name(ended.code), report.failure);
    case Ended::How::kExit: break;
  }
  if (ended.code == kWrongLibrary) return failure(ended, "not in use", "");
  if (!report.failure.empty()) return failure(ended, "assertion", report.failure);
  if (ended.code != 0) return failure(ended, fmt::format("exit code {}", ended.code), "");
  // hakmem has them all, so there it would be a loss.
  if (report.absent && check.may_be_absent && !library.is_hakmem) return {Status::kAbsent, "", "", ended.seconds};
  if (report.absent) return failure(ended, "absent", "the function is not there");
  if (!report.passed) return failure(ended, "no report", "the process ended before the check did");
  return {Status::kPass, "", "", ended.seconds};
}

}  // namespace hakmem::conformance
