#pragma once
/// A row of the report: what one search of one suite or broken variant has come to.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "runner/status.hpp"

namespace check {

struct Result {
  std::string suite;
  std::string scheduler;
  std::uint64_t executions = 0;
  double seconds = 0;
  double processor_seconds = 0;
  std::string verdict;  ///< COMPLETE, BOUNDED(b), SAMPLED(n), TRUNCATED; FAILED for a counterexample; CAUGHT
  Status status = Status::kIncomplete;
  bool broken_variant = false;
  std::string message;          ///< one line: what was found, or why there is no verdict
  Trace trace;                  ///< the execution that shows it
  std::string token;            ///< replays it
  std::string blind;            ///< what the checker never shows, of that which the suite's operations could show
  std::string go_on;            ///< of what is incomplete: the command that goes on
  nlohmann::json details = {};  ///< what else the job has to say; of a part of a search, what it needs to be united

  [[nodiscard]] bool passes() const noexcept { return status == Status::kPass; }
};

nlohmann::json to_json(const Result& result);
/// \throws nlohmann::json::exception when it is none
Result result_from_json(const nlohmann::json& json);

/// What all of them come to. Nothing at all is incomplete.
Status verdict_of(const std::vector<Result>& results);

/// {"verdict": ..., "results": [...]}, written whole or not at all. \return what went wrong, or nothing.
std::string write_report(const std::string& path, Status verdict, const std::vector<Result>& results);

/// Any text, written whole or not at all. \return what went wrong, or nothing.
std::string write_whole(const std::string& path, const std::string& text);

/// The results in a report. \param problem says why it is no good; then nothing is returned
std::vector<Result> read_report(const std::string& path, std::string& problem);

/// One line for people; two when there is something to say.
std::string to_line(const Result& result);

}  // namespace check
