#include "runner/result.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/subject.hpp"
#include "engine/relacy/visibility.hpp"
#include "trace/json.hpp"
#include "trace/text.hpp"

namespace check {

nlohmann::json to_json(const Result& result) {
  nlohmann::json json{{"suite", result.suite},
                      {"scheduler", result.scheduler},
                      {"executions", result.executions},
                      {"seconds", result.seconds},
                      {"processor_seconds", result.processor_seconds},
                      {"verdict", result.verdict},
                      {"status", name_of(result.status)},
                      {"broken_variant", result.broken_variant},
                      {"message", result.message},
                      {"trace", text_of(result.trace)},
                      {"blind_spots", result.blind},
                      {"replay", result.token}};
  if (!result.go_on.empty()) json["continue"] = result.go_on;
  if (result.details.contains("part")) json["details"] = result.details;
  if (!result.trace.empty()) json["record"] = json_of(result.trace);
  return json;
}

namespace {

/// Throws unless the details of a part of a search are what runner/parts.cpp takes them for.
void check_part(const nlohmann::json& details) {
  using Json = nlohmann::json;
  (void)details.at("part").get_ref<const Json::number_unsigned_t&>();
  (void)details.at("knowledge").get_ref<const Json::string_t&>();
  (void)details.at("waits").get_ref<const Json::boolean_t&>();
  if (details.at("parts").get_ref<const Json::number_unsigned_t&>() == 0) return;
  (void)details.at("build").get_ref<const Json::string_t&>();
  if (details.contains("verdict")) (void)details.at("verdict").get_ref<const Json::string_t&>();
}

/// A word that says nothing is neither green nor a failure.
Status status_from(const std::string& name) {
  for (const Status status : {Status::kPass, Status::kFail}) {
    if (name == name_of(status)) return status;
  }
  return Status::kIncomplete;
}

}  // namespace

Result result_from_json(const nlohmann::json& json) {
  Result result;
  result.suite = json.at("suite");
  result.scheduler = json.at("scheduler");
  // Not by conversion: a number below zero or above all others would become some other one.
  result.executions = json.at("executions").get_ref<const nlohmann::json::number_unsigned_t&>();
  result.seconds = json.at("seconds");
  result.processor_seconds = json.value("processor_seconds", 0.0);
  result.verdict = json.at("verdict");
  result.status = status_from(json.at("status").get_ref<const nlohmann::json::string_t&>());
  result.broken_variant = json.at("broken_variant");
  result.message = json.at("message");
  (void)json.at("trace").get_ref<const nlohmann::json::string_t&>();  // for people: what it shows is in the record
  if (json.contains("record")) result.trace = trace_from_json(json.at("record"));
  result.token = json.at("replay");
  result.blind = json.value("blind_spots", "");
  result.go_on = json.value("continue", "");
  result.details = json.value("details", nlohmann::json{});
  if (result.details.contains("part")) check_part(result.details);
  return result;
}

Status verdict_of(const std::vector<Result>& results) {
  if (results.empty()) return Status::kIncomplete;
  Status verdict = Status::kPass;
  for (const Result& result : results) verdict = worse(verdict, result.status);
  return verdict;
}

std::string write_report(const std::string& path, Status verdict, const std::vector<Result>& results) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Result& result : results) rows.push_back(to_json(result));
  const nlohmann::json report{{"verdict", word_of(verdict)}, {"results", rows}};
  return write_whole(path, report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::string write_whole(const std::string& path, const std::string& text) {
  // A pipe or a device cannot be replaced.
  std::error_code none;
  const bool in_place = std::filesystem::exists(path, none) && !std::filesystem::is_regular_file(path, none);
  const std::string temporary = in_place ? path : fmt::format("{}.{}", path, ::getpid());
  std::ofstream file(temporary);
  file << text;
  file.close();
  if (file && in_place) return {};
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(temporary.c_str());
    return fmt::format("cannot write {}: {}", path, why);
  }
  return {};
}

namespace {

/// Whether a row's details are such as parts of a search leave: whoever unites them relies on it.
bool are_details(const nlohmann::json& details) {
  constexpr std::uint64_t kMostParts = 100'000;
  if (details.is_null()) return true;
  if (!details.is_object()) return false;
  const auto number = [&](const char* name) {
    return details.contains(name) && details[name].is_number_unsigned() && details[name] <= kMostParts;
  };
  const auto text = [&](const char* name) { return details.contains(name) && details[name].is_string(); };
  const bool learned = text("knowledge") && Visibility::is_knowledge(details["knowledge"].get<std::string>()) &&
                       details.contains("waits") && details["waits"].is_boolean();
  if (details.contains("knowledge") && !learned) return false;
  if (!details.contains("part") && !details.contains("parts")) return true;
  if (!learned || !number("part") || !number("parts")) return false;
  return details["parts"] == 0 || (text("verdict") && text("build"));
}

}  // namespace

std::vector<Result> read_report(const std::string& path, std::string& problem) {
  std::ifstream file(path);
  if (!file) {
    problem = fmt::format("cannot read {}", path);
    return {};
  }
  std::vector<Result> results;
  try {
    const nlohmann::json report = nlohmann::json::parse(file);
    bool sound = true;
    for (const auto& row : report.at("results")) {
      results.push_back(result_from_json(row));
      sound = sound && are_details(results.back().details);
    }
    if (sound) return results;
  } catch (const nlohmann::json::exception&) {
    // Said below.
  }
  problem = fmt::format("{} is no report of {} run --json", path, subject().program);
  return {};
}

std::string to_line(const Result& result) {
  static constexpr const char* kShown[] = {"pass", "FAIL", "cut"};
  std::string line = fmt::format("{:4}  {:<50} {:<8} {:<14} {:>12} executions {:>8.2f} s",
                                 kShown[static_cast<unsigned>(result.status)], result.suite, result.scheduler,
                                 result.verdict, result.executions, result.seconds);
  if (!result.message.empty()) line += "  " + result.message;
  if (!result.go_on.empty()) line += "  go on: " + result.go_on;
  if (!result.blind.empty()) line += "  [blind to " + result.blind + "]";
  return line;
}

}  // namespace check
