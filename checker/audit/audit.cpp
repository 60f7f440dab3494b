#include "audit/audit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "audit/auditor.hpp"
#include "core/subject.hpp"

namespace check {

namespace {

std::string reach_key(const std::string& suite, const std::string& key) { return "reach " + suite + " " + key; }

}  // namespace

const Known* Auditor::known_by(const std::string& name) const {
  const auto at =
      std::find_if(suites_.begin(), suites_.end(), [&](const Known& known) { return known.suite->name() == name; });
  return at == suites_.end() ? nullptr : &*at;
}

Audited* Auditor::audited_by(const std::string& id) {
  auto& all = report_.mutants;
  const auto at = std::find_if(all.begin(), all.end(), [&](const Audited& one) { return one.mutant.id() == id; });
  return at == all.end() ? nullptr : &*at;
}

bool Auditor::take_measure(Known& known) {
  const nlohmann::json* json = cache_.find(reach_key(known.suite->name(), known.key));
  if (json == nullptr || !json->contains("executions")) return false;
  for (const auto& site : json->at("sites")) known.sites.push_back(site_from_json(site));
  for (const double seconds : json->at("seconds")) known.seconds.push_back(seconds);
  for (const std::uint64_t executions : json->at("executions")) known.executions.push_back(executions);
  known.problem = json->value("problem", "");
  return true;
}

void Auditor::measure_suites(const std::string& only) {
  std::vector<Job> jobs;
  for (const Suite* suite : Suite::all()) {
    if (!only.empty() && suite->name() != only) continue;
    Known known;
    known.suite = suite;
    known.key = tree_.key_of(*suite);
    if (!take_measure(known)) {
      Job job{suite->name(), "as it is"};
      job.work = [suite](const Limits& limits) { return measure(*suite, limits); };
      jobs.push_back(std::move(job));
    }
    suites_.push_back(std::move(known));
  }
  pool_.run(std::move(jobs), [&](const Result& result) {
    const auto at = std::find_if(suites_.begin(), suites_.end(),
                                 [&](const Known& known) { return known.suite->name() == result.suite; });
    if (!result.details.is_object()) {
      at->problem = result.message;
      at->open = result.status == Status::kIncomplete;
      return;
    }
    if (result.status != Status::kIncomplete) cache_.put(reach_key(at->suite->name(), at->key), result.details);
    nlohmann::json copy = result.details;
    for (const auto& site : copy.at("sites")) at->sites.push_back(site_from_json(site));
    for (const double seconds : copy.at("seconds")) at->seconds.push_back(seconds);
    for (const std::uint64_t executions : copy.at("executions")) at->executions.push_back(executions);
    at->problem = copy.value("problem", "");
    at->open = result.status == Status::kIncomplete;
  });
  for (const Known& known : suites_) {
    if (known.open)
      report_.open.push_back(fmt::format("{} on the code as it is: {}", known.suite->name(), known.problem));
    if (known.problem.empty() || known.open) continue;
    report_.problems.push_back(
        fmt::format("{} does not hold on the code as it is: {}", known.suite->name(), known.problem));
  }
  std::sort(suites_.begin(), suites_.end(), [](auto& a, auto& b) { return a.cost() < b.cost(); });
}

void Auditor::collect_sites() {
  for (const Known& known : suites_) {
    report_.sites.insert(report_.sites.end(), known.sites.begin(), known.sites.end());
  }
  number(report_.sites);
  for (const AuditSite& site : report_.sites) {
    const auto here = [&](const AuditSite& other) { return other.same_place(site); };
    std::vector<std::string> suites;
    for (const Known& known : suites_) {
      if (std::any_of(known.sites.begin(), known.sites.end(), here)) suites.push_back(known.suite->name());
    }
    for (const Mutant& mutant : mutants_of(site)) {
      every_mutant_.push_back(mutant.id());
      if (!wanted(mutant.id())) continue;
      Audited audited;
      audited.mutant = mutant;
      audited.suites = suites;
      report_.mutants.push_back(std::move(audited));
    }
    report_.suites.push_back(std::move(suites));
  }
}

void Auditor::collect_unreached() {
  const auto written = written_operations(options_.source);
  for (const WrittenOperation& operation : written) {
    // An operation that is broken over lines is met on one of them.
    const bool reached = std::any_of(report_.sites.begin(), report_.sites.end(), [&](const AuditSite& site) {
      return site.file == operation.file && (site.line == operation.line || site.line == operation.line + 1);
    });
    if (reached || !wanted(operation.file.substr(operation.file.find('/') + 1))) continue;
    Unreached unreached{operation};
    for (UnreachedOperation& known : survivors_.unreached) {
      if (known.operation != operation.id()) continue;
      known.used = true;
      unreached.explanation = &known;
    }
    if (unreached.explanation == nullptr) {
      report_.problems.push_back(fmt::format("{}:{} is reached by no suite: {}, in the survivor file {}",
                                             operation.file, operation.line, operation.text, operation.id()));
    }
    report_.unreached.push_back(std::move(unreached));
  }
  for (const AuditSite& site : report_.sites) {
    if (site.operation == Operation::kPause) continue;
    const bool in_text = std::any_of(written.begin(), written.end(), [&](const WrittenOperation& operation) {
      return site.file == operation.file && (site.line == operation.line || site.line == operation.line + 1);
    });
    if (!in_text) {
      report_.problems.push_back(fmt::format("{}:{} holds no atomic operation, but the program met {} there", site.file,
                                             site.line, site.id()));
    }
  }
}

int Auditor::run() {
  std::string problem = cache_.problem();
  if (problem.empty()) problem = kept_.problem();
  if (problem.empty()) problem = compiled_.problem();
  if (problem.empty() && options_.kept.empty() && !options_.changed.empty()) problem = "--changed needs --kept";
  if (problem.empty()) problem = tree_.problem(Suite::all());
  if (!problem.empty()) {
    say_problem(problem);
    return 2;
  }
  survivors_ = read_survivors(options_.source);
  report_.problems = survivors_.problems;
  measure_suites();
  const bool suites_hold =
      std::all_of(suites_.begin(), suites_.end(), [](const Known& known) { return known.problem.empty(); });
  if (suites_hold) {
    collect_sites();
    collect_unreached();
    if (report_.mutants.empty()) {
      say_problem(fmt::format("no mutant matches '{}'", options_.pattern));
      return kWrongCall;
    }
    attack_all();
    judge();
  }
  print();
  return write();
}

std::optional<Mutant> Auditor::find_mutant(const std::string& id, const std::string& suite, std::string& key) {
  measure_suites();
  collect_sites();
  const Known* known = known_by(suite);
  const Audited* audited = audited_by(id);
  if (known == nullptr || audited == nullptr) return std::nullopt;
  key = known->key;
  return audited->mutant;
}

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kKilled: return "killed";
    case Verdict::kSurvived: return "survived";
    case Verdict::kTimeout: return "timeout";
    case Verdict::kNotRun: return "not run";
  }
  return "?";
}

int audit(const AuditOptions& options) { return Auditor(options).run(); }

std::string default_source() { return subject().tree; }

std::string default_audit_cache() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string() + ".audit";
}

bool is_mutant_token(const std::string& token) {
  return token.substr(0, token.find(':')).find(kMutantMark) != std::string::npos;
}

Replayed replay_mutant(const std::string& token, const std::string& source, const std::string& cache) {
  Replayed replayed;
  const std::size_t at = token.find(kMutantMark);
  const std::size_t choices = token.rfind(':');
  const std::size_t key = choices == 0 ? choices : token.rfind(':', choices - 1);
  const std::size_t scheduler = key == std::string::npos || key == 0 ? key : token.rfind(':', key - 1);
  if (choices == std::string::npos || scheduler == std::string::npos || scheduler < at) {
    replayed.problem = "no replay token: it has the form suite@mutant:scheduler:build:choices";
    return replayed;
  }
  const std::string suite_name = token.substr(0, at);
  const std::string id = token.substr(at + 1, scheduler - at - 1);
  const Strategy strategy = parse_strategy(token.substr(scheduler + 1, key - scheduler - 1), replayed.problem);
  if (!replayed.problem.empty()) return replayed;
  AuditOptions options;
  options.source = source;
  options.cache = cache;
  std::string current;
  const std::optional<Mutant> mutant = Auditor(options).find_mutant(id, suite_name, current);
  if (!mutant) {
    replayed.problem = fmt::format("the token names {} in {}, and there is no such thing", id, suite_name);
  } else if (current != token.substr(key + 1, choices - key - 1)) {
    replayed.problem = "the token belongs to another state of the source; run the audit again";
  }
  if (!replayed.problem.empty()) return replayed;
  Sites::plan(mutant->planned());
  for (const Suite* suite : Suite::all()) {
    if (suite->name() == suite_name) {
      replayed.outcome = replay(suite->type(), suite->depth(), strategy, token.substr(choices + 1));
    }
  }
  return replayed;
}

}  // namespace check
