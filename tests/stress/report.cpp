#include "report.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace hakmem::stress {

namespace {

bool on_terminal() {
  static const bool answer = ::isatty(STDERR_FILENO) == 1;
  return answer;
}

void clear_progress() {
  if (on_terminal()) fmt::print(stderr, "\r\033[K");
}

nlohmann::json to_json(const Result& result) {
  return {{"scenario", result.scenario}, {"threads", result.threads}, {"operations", result.operations},
          {"seconds", result.seconds},   {"seed", result.seed},       {"status", result.passed ? "pass" : "fail"},
          {"message", result.message}};
}

}  // namespace

void show_progress(const std::string& text) {
  if (!on_terminal()) return;
  fmt::print(stderr, "\r\033[K{}", text);
  std::fflush(stderr);
}

void Report::start(const Result& planned) {
  results_.push_back(planned);
  results_.back().passed = false;
  results_.back().message = "did not end: the program crashed, was stuck or was stopped";
  write();
}

void Report::finish(const Result& result) {
  results_.back() = result;
  write();
  clear_progress();
  fmt::print("{} {:<26} {} threads, {} operations, {:.1f} s, seed {}{}{}\n", result.passed ? "pass" : "FAIL",
             result.scenario, result.threads, result.operations, result.seconds, result.seed,
             result.message.empty() ? "" : ": ", result.message);
  std::fflush(stdout);
}

bool Report::all_passed() const {
  return !results_.empty() &&
         std::all_of(results_.begin(), results_.end(), [](const Result& result) { return result.passed; });
}

void Report::write() const {
  if (json_.empty()) return;
  nlohmann::json all = nlohmann::json::array();
  for (const Result& result : results_) all.push_back(to_json(result));
  const std::string fresh = json_ + ".new";
  std::ofstream file(fresh, std::ios::trunc);
  file << nlohmann::json{{"results", all}}.dump(2) << '\n';
  file.close();
  if (!file || std::rename(fresh.c_str(), json_.c_str()) != 0) {
    throw std::runtime_error("cannot write " + json_);
  }
}

}  // namespace hakmem::stress
