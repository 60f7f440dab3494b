/// Mutants against suites.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include "audit/auditor.hpp"
#include "core/subject.hpp"

namespace check {

namespace {

std::string pair_key(const Mutant& mutant, const Known& known) {
  return mutant.id() + " " + known.suite->name() + " " + known.key;
}

}  // namespace

/// What the cache knows of a mutant. \return whether that settles it.
bool Auditor::settle(Audited& audited) {
  bool all = true;
  bool timeout = false;
  for (const std::string& name : audited.suites) {
    const Known& known = *known_by(name);
    const nlohmann::json* run = cache_.find(pair_key(audited.mutant, known));
    if (run == nullptr) {
      all = false;
      continue;
    }
    const std::string verdict = run->at("verdict");
    if (verdict == "survived") continue;
    audited.suite = name;
    audited.problem = run->value("problem", "");
    if (verdict == "timeout") {
      timeout = true;
      continue;
    }
    audited.verdict = Verdict::kKilled;
    audited.scheduler = run->at("scheduler");
    audited.execution = run->at("execution");
    audited.token = run->at("token");
    return true;
  }
  if (all) audited.verdict = timeout ? Verdict::kTimeout : Verdict::kSurvived;
  return all;
}

Job Auditor::job_for(const Audited& audited, std::vector<const Known*> suites) const {
  Job job{audited.mutant.id(), ""};
  job.go_on = fmt::format("{} audit '{}'", subject().program, audited.mutant.id());
  const Mutant mutant = audited.mutant;
  job.work = [mutant, suites = std::move(suites)](const Limits& limits) { return attack(mutant, suites, limits); };
  return job;
}

void Auditor::remember(const Mutant& mutant, const nlohmann::json& run, bool lasting) {
  cache_.put(pair_key(mutant, *known_by(run.at("suite"))), run, lasting);
}

void Auditor::take(const Result& result, std::vector<std::string>& crashed) {
  Audited* audited = audited_by(result.suite);
  if (!result.details.is_array()) {
    if (!JobPool::interrupted() && (deadline_ == 0 || now() < deadline_)) crashed.push_back(result.suite);
    return;
  }
  if (JobPool::interrupted()) return;
  for (const auto& run : result.details) remember(audited->mutant, run);
}

/// Mutants whose process has died: each suite again, in a process of its own. Who dies there is told by that.
void Auditor::isolate(const std::vector<std::string>& crashed) {
  for (const std::string& id : crashed) {
    Audited& audited = *audited_by(id);
    for (const std::string& name : audited.suites) {
      const Known* known = known_by(name);
      if (cache_.find(pair_key(audited.mutant, *known)) != nullptr) continue;
      std::vector<Job> jobs;
      jobs.push_back(job_for(audited, {known}));
      pool_.run(std::move(jobs), [&](const Result& result) {
        if (JobPool::interrupted()) return;
        if (result.details.is_array()) {
          for (const auto& run : result.details) remember(audited.mutant, run);
          return;
        }
        if (result.status == Status::kIncomplete) return;
        const bool died = result.message.find("crashed") != std::string::npos;
        // How much processor time a process gets along with is not known for ever: one that hangs is tried again.
        remember(audited.mutant,
                 {{"suite", name},
                  {"verdict", died ? "killed" : "timeout"},
                  {"scheduler", "its own"},
                  {"execution", result.executions},
                  {"problem", result.message},
                  {"token", ""}},
                 died);
      });
      if (settle(audited) || JobPool::interrupted()) break;
    }
  }
}

/// \return whether the mutant has the verdict of a former audit, which nothing speaks against
bool Auditor::restore(Audited& audited) {
  const std::string id = audited.mutant.id();
  const auto names_it = [&](const std::string& part) { return id.find(part) != std::string::npos; };
  if (std::any_of(options_.changed.begin(), options_.changed.end(), names_it) || !kept_.restore(audited)) return false;
  ++report_.kept;
  return true;
}

void Auditor::attack_all() {
  std::vector<Job> jobs;
  for (Audited& audited : report_.mutants) {
    if (restore(audited) || settle(audited)) continue;
    std::vector<const Known*> suites;
    for (const std::string& name : audited.suites) {
      const Known* known = known_by(name);
      if (cache_.find(pair_key(audited.mutant, *known)) == nullptr) suites.push_back(known);
    }
    jobs.push_back(job_for(audited, std::move(suites)));
  }
  run_now_ = jobs.size();
  std::vector<std::string> crashed;
  std::size_t done = 0;
  pool_.run(std::move(jobs), [&](const Result& result) {
    take(result, crashed);
    ++done;
    keep_report();
    constexpr std::size_t kEvery = 50;
    if (done % kEvery == 0) std::printf("%zu of %zu mutants, %.0f s\n", done, run_now_, now() - started_);
    std::fflush(stdout);
  });
  isolate(crashed);
  for (Audited& audited : report_.mutants) {
    if (audited.verdict == Verdict::kNotRun) settle(audited);
  }
}

}  // namespace check
