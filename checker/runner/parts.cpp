#include "runner/parts.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "core/subject.hpp"
#include "runner/job.hpp"
#include "runner/position.hpp"

namespace check {

namespace {

/// As many as --part takes.
constexpr std::uint64_t kMostParts = 99'999;

bool is_part(const Result& row) { return row.details.contains("part") && row.details.contains("parts"); }

/// The row of a search whose parts make no whole.
Result not_whole(const std::vector<Result>& parts, std::string message) {
  Result row = parts.front();
  row.verdict = "TRUNCATED";
  row.status = Status::kIncomplete;
  row.executions = 0;
  for (const Result& part : parts) row.executions += part.executions;
  row.message = std::move(message);
  row.details = {};
  return row;
}

/// The command that runs one part. \param more what it has to know
std::string command_of_part(const Result& row, std::uint64_t number, std::uint64_t count, const char* more = "") {
  const std::string_view scheduler(row.scheduler);
  const bool plain = scheduler.ends_with("-plain");
  return fmt::format("{} run '{}' --exact --scheduler {}{} --part {}/{}{}", subject().program, row.suite,
                     scheduler.substr(0, scheduler.size() - (plain ? 6 : 0)), plain ? " --plain" : "", number, count,
                     more);
}

/// Why the parts are not each part of one search, once; empty when they are. \param go_on the command that mends it
std::string missing_part(const std::vector<Result>& parts, std::string& go_on) {
  const std::uint64_t count = parts.front().details.at("parts");
  if (count > kMostParts) return fmt::format("there are no {} parts", count);
  std::vector<unsigned> times(count, 0);
  for (const Result& part : parts) {
    const std::uint64_t number = part.details.at("part");
    if (part.details.at("parts") != count || number < 1 || number > count)
      return "the parts are of different divisions";
    ++times[number - 1];
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (times[i] == 0) go_on = command_of_part(parts.front(), i + 1, count);
    if (times[i] != 1) return fmt::format("part {} of {} is there {} times", i + 1, count, times[i]);
  }
  return {};
}

Result united_parts(const std::vector<Result>& parts) {
  std::string go_on;
  const std::string missing = missing_part(parts, go_on);
  for (const Status status : {Status::kFail, Status::kIncomplete}) {
    const auto found =
        std::find_if(parts.begin(), parts.end(), [&](const Result& one) { return one.status == status; });
    if (found == parts.end()) continue;
    Result row = *found;
    row.details = {};
    return row;
  }
  if (!missing.empty()) {
    Result row = not_whole(parts, missing);
    row.go_on = go_on;
    return row;
  }
  Prior prior;
  if (std::optional<Result> whole = united(parts, prior.knowledge, prior.waits)) {
    whole->status = whole->verdict == "TRUNCATED" ? Status::kIncomplete : Status::kPass;
    return *whole;
  }
  Result row =
      not_whole(parts, "the parts have learned different things: run each again with --knowledge and this report");
  row.go_on = command_of_part(row, 1, parts.size(), " --knowledge REPORT, and so each part");
  row.details = {{"part", 0}, {"parts", 0}, {"knowledge", prior.knowledge}, {"waits", prior.waits}};
  return row;
}

}  // namespace

Priors::Priors(const std::string& path, std::string& problem) {
  if (path.empty()) return;
  for (Result& row : read_report(path, problem)) {
    if (row.details.contains("knowledge")) rows_.push_back(std::move(row));
  }
  if (problem.empty() && rows_.empty()) problem = fmt::format("{} holds nothing that parts have learned", path);
}

Prior Priors::of(const Suite& suite, const Search& search) const {
  for (const Result& row : rows_) {
    if (row.suite == suite.name() && row.scheduler == to_string(search)) {
      return {row.details.at("knowledge"), row.details.at("waits")};
    }
  }
  return {};
}

std::vector<Result> united_reports(const std::vector<std::string>& paths, std::string& problem) {
  std::vector<Result> rows;
  std::map<std::pair<std::string, std::string>, std::vector<Result>> searches;
  for (const std::string& path : paths) {
    for (Result& row : read_report(path, problem)) {
      if (!is_part(row) || row.details.at("parts") == 0) {
        rows.push_back(std::move(row));
        continue;
      }
      if (row.details.value("build", "") != fingerprint()) {
        problem = fmt::format("{} has a part that another build of {} has run; run it again", path, subject().program);
      }
      searches[{row.suite, row.scheduler}].push_back(std::move(row));
    }
    if (!problem.empty()) return rows;
  }
  for (const auto& [name, parts] : searches) rows.push_back(united_parts(parts));
  return rows;
}

}  // namespace check
