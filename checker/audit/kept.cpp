#include "audit/kept.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "audit/content.hpp"

namespace check {

namespace {

constexpr int kVersion = 1;
constexpr std::array kLasting{Verdict::kKilled, Verdict::kSurvived, Verdict::kTimeout};

/// \return kNotRun for a name that is none
Verdict verdict_from(const std::string& name) {
  for (const Verdict verdict : kLasting) {
    if (name == name_of(verdict)) return verdict;
  }
  return Verdict::kNotRun;
}

nlohmann::json to_json(const Audited& audited) {
  std::vector<std::string> suites = audited.suites;
  std::sort(suites.begin(), suites.end());
  nlohmann::json json{{"suites", suites}, {"verdict", name_of(audited.verdict)}};
  if (audited.verdict == Verdict::kSurvived) return json;
  json["suite"] = audited.suite;
  json["problem"] = audited.problem;
  if (audited.verdict != Verdict::kKilled) return json;
  json["scheduler"] = audited.scheduler;
  json["execution"] = audited.execution;
  return json;
}

}  // namespace

Kept::Kept(const std::string& path) {
  if (path.empty()) return;
  std::string text;
  if (!read_text(path, text)) {
    problem_ = "cannot read " + path;
    return;
  }
  const nlohmann::json file = nlohmann::json::parse(text, nullptr, false);
  if (!file.is_object() || file.value("version", nlohmann::json()) != kVersion || !file.contains("mutants") ||
      !file["mutants"].is_object()) {
    problem_ = path + " holds no verdicts of an audit; without --kept all mutants are run";
    return;
  }
  mutants_ = file["mutants"];
}

bool Kept::restore(Audited& audited) const {
  const auto at = mutants_.find(audited.mutant.id());
  if (at == mutants_.end()) return false;
  Audited kept = audited;
  try {
    std::vector<std::string> suites = at->at("suites");
    std::vector<std::string> now = audited.suites;
    std::sort(suites.begin(), suites.end());
    std::sort(now.begin(), now.end());
    kept.verdict = verdict_from(at->at("verdict"));
    if (suites != now || kept.verdict == Verdict::kNotRun) return false;
    if (kept.verdict != Verdict::kSurvived) {
      kept.suite = at->at("suite");
      kept.problem = at->at("problem");
    }
    if (kept.verdict == Verdict::kKilled) {
      kept.scheduler = at->at("scheduler");
      kept.execution = at->at("execution");
    }
  } catch (const nlohmann::json::exception&) {
    return false;  // an entry that says less than it should is run again
  }
  audited = kept;
  return true;
}

std::string kept_of(const AuditReport& report) {
  nlohmann::json mutants = nlohmann::json::object();
  for (const Audited& audited : report.mutants) mutants[audited.mutant.id()] = to_json(audited);
  const nlohmann::json file{{"version", kVersion}, {"mutants", mutants}};
  return file.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string kept_beside(const std::string& ledger) {
  return std::filesystem::path(ledger).replace_extension(".json").string();
}

}  // namespace check
