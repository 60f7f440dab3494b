/// What has come of the mutants: verdicts, explanations, reports.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "audit/auditor.hpp"
#include "core/subject.hpp"

namespace check {

namespace {

nlohmann::json to_json(const Audited& audited) {
  nlohmann::json json{{"mutant", audited.mutant.id()},    {"verdict", name_of(audited.verdict)},
                      {"line", audited.mutant.site.line}, {"allowed", audited.mutant.allowed},
                      {"suites", audited.suites},         {"suite", audited.suite},
                      {"scheduler", audited.scheduler},   {"execution", audited.execution},
                      {"problem", audited.problem},       {"replay", audited.token},
                      {"status", name_of(audited.status)}};
  if (audited.status == Status::kIncomplete) {
    json["continue"] = fmt::format("{} audit '{}'", subject().program, audited.mutant.id());
  }
  if (audited.explanation != nullptr) {
    json["explanation"] = {{"verdict", audited.explanation->verdict}, {"why", audited.explanation->why}};
  }
  return json;
}

}  // namespace

void Auditor::judge(Audited& audited) {
  const std::string id = audited.mutant.id();
  const auto at = survivors_.by_mutant.find(id);
  if (at != survivors_.by_mutant.end()) {
    at->second.used = true;
    audited.explanation = &at->second;
  }
  const auto complain = [&](const std::string& what) {
    report_.problems.push_back(id + " " + what);
    audited.status = Status::kFail;
  };
  if (audited.verdict == Verdict::kNotRun) {
    audited.status = Status::kIncomplete;
    return report_.open.push_back(id + " was not run");
  }
  if (audited.mutant.allowed) {
    if (audited.verdict == Verdict::kKilled)
      complain("may happen, and " + audited.suite + " fails: " + audited.problem);
    if (audited.verdict == Verdict::kTimeout) complain("may happen, and " + audited.suite + " does not end");
    if (audited.explanation != nullptr) complain("may happen; explained for nothing in " + at->second.file);
    return;
  }
  if (audited.verdict == Verdict::kKilled) {
    if (audited.explanation != nullptr) {
      complain(fmt::format("is killed by {}, yet explained in {}", audited.suite, audited.explanation->file));
    }
    return;
  }
  if (audited.explanation == nullptr) {
    complain(audited.verdict == Verdict::kTimeout ? "is a timeout of " + audited.suite + " without an explanation"
                                                  : "survives without an explanation");
  }
}

void Auditor::look_for_stale_explanations() {
  for (const auto& [id, explanation] : survivors_.by_mutant) {
    if (explanation.used || !wanted(id)) continue;
    if (std::find(every_mutant_.begin(), every_mutant_.end(), id) == every_mutant_.end()) {
      report_.problems.push_back(fmt::format("{} explains {}, and there is no such mutant", explanation.file, id));
    }
  }
  for (const UnreachedOperation& known : survivors_.unreached) {
    if (known.used || !wanted(known.operation)) continue;
    report_.problems.push_back(
        fmt::format("{} explains an unreached '{}', and there is none", known.file, known.operation));
  }
}

void Auditor::judge() {
  for (Audited& audited : report_.mutants) judge(audited);
  look_for_stale_explanations();
}

void Auditor::print() const {
  std::map<Verdict, unsigned> count;
  unsigned explained = 0;
  for (const Audited& audited : report_.mutants) {
    ++count[audited.verdict];
    explained += audited.explanation != nullptr;
    const bool silent = audited.verdict == Verdict::kKilled || audited.mutant.allowed;
    if (silent && !(audited.verdict == Verdict::kKilled && audited.mutant.allowed)) continue;
    std::printf("%-9s %s%s\n", name_of(audited.verdict), audited.mutant.id().c_str(),
                audited.explanation == nullptr ? "" : ("  (" + audited.explanation->verdict + ")").c_str());
    if (!audited.token.empty()) {
      std::printf("replay: %s replay '%s'\n", subject().program.c_str(), audited.token.c_str());
    }
  }
  for (const Audited& audited : report_.mutants) {
    if (audited.explanation != nullptr && audited.explanation->verdict == "stronger than needed") {
      std::printf("FINDING   %s: %s\n", audited.mutant.id().c_str(), audited.explanation->why.c_str());
    }
  }
  for (const std::string& problem : report_.problems) std::printf("PROBLEM   %s\n", problem.c_str());
  constexpr std::size_t kShown = 10;
  for (std::size_t i = 0; i < std::min(kShown, report_.open.size()); ++i) {
    std::printf("OPEN      %s\n", report_.open[i].c_str());
  }
  if (report_.open.size() > kShown) std::printf("OPEN      and %zu more\n", report_.open.size() - kShown);
  std::printf(
      "%zu sites, %zu operations unreached; %zu mutants: %u killed, %u survived, %u timeouts, %u not run, %u "
      "explained; %zu problems; %zu mutants run now, %zu kept, %.1f s\n",
      report_.sites.size(), report_.unreached.size(), report_.mutants.size(), count[Verdict::kKilled],
      count[Verdict::kSurvived], count[Verdict::kTimeout], count[Verdict::kNotRun], explained, report_.problems.size(),
      run_now_, report_.kept, now() - started_);
}

Status Auditor::status() const {
  if (!report_.problems.empty()) return Status::kFail;
  return report_.open.empty() && !JobPool::interrupted() ? Status::kPass : Status::kIncomplete;
}

std::string Auditor::write_json(Status status) const {
  if (options_.json.empty()) return {};
  nlohmann::json mutants = nlohmann::json::array();
  for (const Audited& audited : report_.mutants) mutants.push_back(to_json(audited));
  const nlohmann::json json{
      {"verdict", word_of(status)}, {"mutants", mutants}, {"problems", report_.problems}, {"open", report_.open}};
  return write_whole(options_.json, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

/// What is known so far, now and then, so that it is there whatever happens.
void Auditor::keep_report() {
  constexpr double kNowAndThen = 2;  // seconds
  if (options_.json.empty() || now() < reported_ + kNowAndThen) return;
  for (Audited& audited : report_.mutants) {
    if (audited.verdict != Verdict::kNotRun || settle(audited)) continue;
    audited.status = Status::kIncomplete;
  }
  (void)write_json(Status::kIncomplete);
  for (Audited& audited : report_.mutants) audited.status = Status::kPass;
  reported_ = now();
}

int Auditor::write() const {
  std::string problem = write_json(status());
  const auto not_run = [](const Audited& audited) { return audited.verdict == Verdict::kNotRun; };
  const auto measured = [](const Known& known) { return known.problem.empty(); };
  const bool complete = whole() && !JobPool::interrupted() && std::all_of(suites_.begin(), suites_.end(), measured) &&
                        std::none_of(report_.mutants.begin(), report_.mutants.end(), not_run);
  if (problem.empty() && complete && !options_.ledger.empty()) {
    problem = write_text(options_.ledger, ledger_of(report_, options_.source, compiled_));
    if (problem.empty()) problem = write_text(kept_beside(options_.ledger), kept_of(report_));
  }
  if (problem.empty()) return conclude();
  say_problem(problem);
  return say_verdict(worse(status(), Status::kIncomplete), problem.c_str());
}

int Auditor::conclude() const {
  if (status() == Status::kPass) {
    return say_verdict(Status::kPass,
                       fmt::format("all {} mutants are killed, explained or allowed", report_.mutants.size()).c_str());
  }
  std::string what = JobPool::interrupted() ? "interrupted; " : "";
  what += fmt::format("{} problems", report_.problems.size());
  if (!report_.open.empty()) {
    what += fmt::format(", {} not run; the same call goes on: {} audit{}", report_.open.size(), subject().program,
                        options_.pattern.empty() ? "" : " '" + options_.pattern + "'");
  }
  return say_verdict(status(), what.c_str());
}

}  // namespace check
