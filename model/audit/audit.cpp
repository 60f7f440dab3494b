#include "model/audit/audit.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>

#include "model/audit/attack.hpp"
#include "model/audit/cache.hpp"
#include "model/audit/content.hpp"
#include "model/audit/kept.hpp"
#include "model/runner/pool.hpp"

namespace hakmem::model {

namespace {

std::string reach_key(const std::string& suite, const std::string& key) { return "reach " + suite + " " + key; }
std::string pair_key(const Mutant& mutant, const Known& known) {
  return mutant.id() + " " + known.suite->name() + " " + known.key;
}

class Audit {
 public:
  explicit Audit(const AuditOptions& options)
      : options_(options),
        tree_(options.source),
        cache_(options.cache),
        kept_(options.kept),
        deadline_(options.seconds == 0 ? 0 : now() + options.seconds),
        pool_(options.jobs, deadline_, options.patience) {}

  int run();
  /// For a replay: the mutant of that id, as some suite reaches it.
  std::optional<Mutant> find_mutant(const std::string& id, const std::string& suite, std::string& key);

 private:
  void measure_suites(const std::string& only = {});
  bool take_measure(Known& known);
  void collect_sites();
  void collect_unreached();
  void attack_all();
  bool restore(Audited& audited);
  bool settle(Audited& audited);
  Job job_for(const Audited& audited, std::vector<const Known*> suites) const;
  void take(const Result& result, std::vector<std::string>& crashed);
  void remember(const Mutant& mutant, const nlohmann::json& run, bool lasting = true);
  void isolate(const std::vector<std::string>& crashed);
  void judge();
  void judge(Audited& audited);
  void look_for_stale_explanations();
  void print() const;
  [[nodiscard]] Status status() const;
  [[nodiscard]] std::string write_json(Status status) const;
  void keep_report();
  int write() const;
  int conclude() const;
  [[nodiscard]] bool wanted(const std::string& id) const { return id.find(options_.pattern) != std::string::npos; }
  [[nodiscard]] bool whole() const { return options_.pattern.empty(); }
  const Known* known_by(const std::string& name) const;
  Audited* audited_by(const std::string& id);

  const AuditOptions& options_;
  SourceTree tree_;
  Cache cache_;
  Kept kept_;
  double deadline_;
  JobPool pool_;
  std::vector<Known> suites_;
  std::vector<std::string> every_mutant_;  // that there is, wanted or not
  Survivors survivors_;
  AuditReport report_;
  double started_ = now();
  std::size_t run_now_ = 0;  // mutants that the cache did not know
  double reported_ = 0;
};

const Known* Audit::known_by(const std::string& name) const {
  const auto at =
      std::find_if(suites_.begin(), suites_.end(), [&](const Known& known) { return known.suite->name() == name; });
  return at == suites_.end() ? nullptr : &*at;
}

Audited* Audit::audited_by(const std::string& id) {
  auto& all = report_.mutants;
  const auto at = std::find_if(all.begin(), all.end(), [&](const Audited& one) { return one.mutant.id() == id; });
  return at == all.end() ? nullptr : &*at;
}

// What the suites reach -----------------------------------------------------------------------------------------------

bool Audit::take_measure(Known& known) {
  const nlohmann::json* json = cache_.find(reach_key(known.suite->name(), known.key));
  if (json == nullptr || !json->contains("executions")) return false;
  for (const auto& site : json->at("sites")) known.sites.push_back(site_from_json(site));
  for (const double seconds : json->at("seconds")) known.seconds.push_back(seconds);
  for (const std::uint64_t executions : json->at("executions")) known.executions.push_back(executions);
  known.problem = json->value("problem", "");
  return true;
}

void Audit::measure_suites(const std::string& only) {
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

void Audit::collect_sites() {
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

void Audit::collect_unreached() {
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

// Mutants against suites ----------------------------------------------------------------------------------------------

/// What the cache knows of a mutant. \return whether that settles it.
bool Audit::settle(Audited& audited) {
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

Job Audit::job_for(const Audited& audited, std::vector<const Known*> suites) const {
  Job job{audited.mutant.id(), ""};
  job.go_on = fmt::format("hakmem-check audit '{}'", audited.mutant.id());
  const Mutant mutant = audited.mutant;
  job.work = [mutant, suites = std::move(suites)](const Limits& limits) { return attack(mutant, suites, limits); };
  return job;
}

void Audit::remember(const Mutant& mutant, const nlohmann::json& run, bool lasting) {
  cache_.put(pair_key(mutant, *known_by(run.at("suite"))), run, lasting);
}

void Audit::take(const Result& result, std::vector<std::string>& crashed) {
  Audited* audited = audited_by(result.suite);
  if (!result.details.is_array()) {
    if (!JobPool::interrupted() && (deadline_ == 0 || now() < deadline_)) crashed.push_back(result.suite);
    return;
  }
  if (JobPool::interrupted()) return;
  for (const auto& run : result.details) remember(audited->mutant, run);
}

/// Mutants whose process has died: each suite again, in a process of its own. Who dies there is told by that.
void Audit::isolate(const std::vector<std::string>& crashed) {
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
bool Audit::restore(Audited& audited) {
  const std::string id = audited.mutant.id();
  const auto names_it = [&](const std::string& part) { return id.find(part) != std::string::npos; };
  if (std::any_of(options_.changed.begin(), options_.changed.end(), names_it) || !kept_.restore(audited)) return false;
  ++report_.kept;
  return true;
}

void Audit::attack_all() {
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

// Judgement -----------------------------------------------------------------------------------------------------------

void Audit::judge(Audited& audited) {
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

void Audit::look_for_stale_explanations() {
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

void Audit::judge() {
  for (Audited& audited : report_.mutants) judge(audited);
  look_for_stale_explanations();
}

void Audit::print() const {
  std::map<Verdict, unsigned> count;
  unsigned explained = 0;
  for (const Audited& audited : report_.mutants) {
    ++count[audited.verdict];
    explained += audited.explanation != nullptr;
    const bool silent = audited.verdict == Verdict::kKilled || audited.mutant.allowed;
    if (silent && !(audited.verdict == Verdict::kKilled && audited.mutant.allowed)) continue;
    std::printf("%-9s %s%s\n", name_of(audited.verdict), audited.mutant.id().c_str(),
                audited.explanation == nullptr ? "" : ("  (" + audited.explanation->verdict + ")").c_str());
    if (!audited.token.empty()) std::printf("replay: hakmem-check replay '%s'\n", audited.token.c_str());
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

nlohmann::json to_json(const Audited& audited) {
  nlohmann::json json{{"mutant", audited.mutant.id()},    {"verdict", name_of(audited.verdict)},
                      {"line", audited.mutant.site.line}, {"allowed", audited.mutant.allowed},
                      {"suites", audited.suites},         {"suite", audited.suite},
                      {"scheduler", audited.scheduler},   {"execution", audited.execution},
                      {"problem", audited.problem},       {"replay", audited.token},
                      {"status", name_of(audited.status)}};
  if (audited.status == Status::kIncomplete) {
    json["continue"] = fmt::format("hakmem-check audit '{}'", audited.mutant.id());
  }
  if (audited.explanation != nullptr) {
    json["explanation"] = {{"verdict", audited.explanation->verdict}, {"why", audited.explanation->why}};
  }
  return json;
}

Status Audit::status() const {
  if (!report_.problems.empty()) return Status::kFail;
  return report_.open.empty() && !JobPool::interrupted() ? Status::kPass : Status::kIncomplete;
}

std::string Audit::write_json(Status status) const {
  if (options_.json.empty()) return {};
  nlohmann::json mutants = nlohmann::json::array();
  for (const Audited& audited : report_.mutants) mutants.push_back(to_json(audited));
  const nlohmann::json json{
      {"verdict", word_of(status)}, {"mutants", mutants}, {"problems", report_.problems}, {"open", report_.open}};
  return write_whole(options_.json, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

/// What is known so far, now and then, so that it is there whatever happens.
void Audit::keep_report() {
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

int Audit::write() const {
  std::string problem = write_json(status());
  const auto not_run = [](const Audited& audited) { return audited.verdict == Verdict::kNotRun; };
  const auto measured = [](const Known& known) { return known.problem.empty(); };
  const bool complete = whole() && !JobPool::interrupted() && std::all_of(suites_.begin(), suites_.end(), measured) &&
                        std::none_of(report_.mutants.begin(), report_.mutants.end(), not_run);
  if (problem.empty() && complete && !options_.ledger.empty()) {
    problem = write_text(options_.ledger, ledger_of(report_, options_.source));
    if (problem.empty()) problem = write_text(kept_beside(options_.ledger), kept_of(report_));
  }
  if (problem.empty()) return conclude();
  std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
  return say_verdict(worse(status(), Status::kIncomplete), problem.c_str());
}

int Audit::conclude() const {
  if (status() == Status::kPass) {
    return say_verdict(Status::kPass,
                       fmt::format("all {} mutants are killed, explained or allowed", report_.mutants.size()).c_str());
  }
  std::string what = JobPool::interrupted() ? "interrupted; " : "";
  what += fmt::format("{} problems", report_.problems.size());
  if (!report_.open.empty()) {
    what += fmt::format(", {} not run; the same call goes on: hakmem-check audit{}", report_.open.size(),
                        options_.pattern.empty() ? "" : " '" + options_.pattern + "'");
  }
  return say_verdict(status(), what.c_str());
}

int Audit::run() {
  std::string problem = cache_.problem();
  if (problem.empty()) problem = kept_.problem();
  if (problem.empty() && options_.kept.empty() && !options_.changed.empty()) problem = "--changed needs --kept";
  if (problem.empty()) problem = tree_.problem(Suite::all());
  if (!problem.empty()) {
    std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
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
      std::fprintf(stderr, "hakmem-check: no mutant matches '%s'\n", options_.pattern.c_str());
      return kWrongCall;
    }
    attack_all();
    judge();
  }
  print();
  return write();
}

std::optional<Mutant> Audit::find_mutant(const std::string& id, const std::string& suite, std::string& key) {
  measure_suites();
  collect_sites();
  const Known* known = known_by(suite);
  const Audited* audited = audited_by(id);
  if (known == nullptr || audited == nullptr) return std::nullopt;
  key = known->key;
  return audited->mutant;
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kKilled: return "killed";
    case Verdict::kSurvived: return "survived";
    case Verdict::kTimeout: return "timeout";
    case Verdict::kNotRun: return "not run";
  }
  return "?";
}

int audit(const AuditOptions& options) { return Audit(options).run(); }

std::string default_source() { return HAKMEM_SOURCE_DIR; }

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
  const std::optional<Mutant> mutant = Audit(options).find_mutant(id, suite_name, current);
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

}  // namespace hakmem::model
