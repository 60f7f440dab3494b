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
#include "model/audit/source_scan.hpp"
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
        deadline_(options.seconds == 0 ? 0 : now() + options.seconds),
        pool_(options.jobs, deadline_) {}

  int run();
  /// For a replay: the mutant of that id, as some suite reaches it.
  std::optional<Mutant> find_mutant(const std::string& id, const std::string& suite, std::string& key);

 private:
  void measure_suites(const std::string& only = {});
  bool take_measure(Known& known);
  void collect_sites();
  void collect_unreached();
  void attack_all();
  bool settle(Audited& audited);
  Job job_for(const Audited& audited, std::vector<const Known*> suites) const;
  void take(const Result& result, std::vector<std::string>& crashed);
  void remember(const Mutant& mutant, const nlohmann::json& run);
  void isolate(const std::vector<std::string>& crashed);
  void judge();
  void judge(Audited& audited);
  void look_for_stale_explanations();
  void print() const;
  int write() const;
  [[nodiscard]] bool wanted(const std::string& id) const { return id.find(options_.pattern) != std::string::npos; }
  [[nodiscard]] bool whole() const { return options_.pattern.empty(); }
  const Known* known_by(const std::string& name) const;
  Audited* audited_by(const std::string& id);

  const AuditOptions& options_;
  SourceTree tree_;
  Cache cache_;
  double deadline_;
  JobPool pool_;
  std::vector<Known> suites_;
  std::vector<std::string> every_mutant_;  // that there is, wanted or not
  Survivors survivors_;
  AuditReport report_;
  double started_ = now();
  std::size_t run_now_ = 0;  // mutants that the cache did not know
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

// What the suites reach
// -----------------------------------------------------------------------------------------------

bool Audit::take_measure(Known& known) {
  const nlohmann::json* json = cache_.find(reach_key(known.suite->name(), known.key));
  if (json == nullptr) return false;
  for (const auto& site : json->at("sites")) known.sites.push_back(site_from_json(site));
  for (const double seconds : json->at("seconds")) known.seconds.push_back(seconds);
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
      Job job{suite->name(), "as it is", false, 0, {}};
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
      return;
    }
    if (!JobPool::interrupted()) cache_.put(reach_key(at->suite->name(), at->key), result.details);
    nlohmann::json copy = result.details;
    for (const auto& site : copy.at("sites")) at->sites.push_back(site_from_json(site));
    for (const double seconds : copy.at("seconds")) at->seconds.push_back(seconds);
    at->problem = copy.value("problem", "");
  });
  for (const Known& known : suites_) {
    if (!known.problem.empty()) {
      report_.problems.push_back(
          fmt::format("{} does not hold on the code as it is: {}", known.suite->name(), known.problem));
    }
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
    Unreached unreached{operation.file, operation.line, operation.text};
    for (UnreachedLine& line : survivors_.unreached) {
      if (line.header != operation.file || !operation.text.starts_with(line.line)) continue;
      line.used = true;
      unreached.explanation = &line;
    }
    if (unreached.explanation == nullptr) {
      report_.problems.push_back(
          fmt::format("{}:{} is reached by no suite: {}", operation.file, operation.line, operation.text));
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

// Mutants against suites
// ----------------------------------------------------------------------------------------------

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
  Job job{audited.mutant.id(), "", false, seconds_for(audited.mutant, suites), {}};
  const Mutant mutant = audited.mutant;
  job.work = [mutant, suites = std::move(suites)](const Limits& limits) { return attack(mutant, suites, limits); };
  return job;
}

void Audit::remember(const Mutant& mutant, const nlohmann::json& run) {
  // A timeout may be the machine's doing: it is tried again next time.
  cache_.put(pair_key(mutant, *known_by(run.at("suite"))), run, run.at("verdict") != "timeout");
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
        const bool died = result.message.find("crashed") != std::string::npos;
        remember(audited.mutant, {{"suite", name},
                                  {"verdict", died ? "killed" : "timeout"},
                                  {"scheduler", "its own"},
                                  {"execution", result.executions},
                                  {"problem", result.message},
                                  {"token", ""}});
      });
      if (settle(audited) || JobPool::interrupted()) break;
    }
  }
}

void Audit::attack_all() {
  std::vector<Job> jobs;
  for (Audited& audited : report_.mutants) {
    if (settle(audited)) continue;
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
    constexpr std::size_t kEvery = 50;
    if (done % kEvery == 0) std::printf("%zu of %zu mutants, %.0f s\n", done, run_now_, now() - started_);
    std::fflush(stdout);
  });
  isolate(crashed);
  for (Audited& audited : report_.mutants) settle(audited);
}

// Judgement
// -----------------------------------------------------------------------------------------------------------

void Audit::judge(Audited& audited) {
  const std::string id = audited.mutant.id();
  const auto at = survivors_.by_mutant.find(id);
  if (at != survivors_.by_mutant.end()) {
    at->second.used = true;
    audited.explanation = &at->second;
  }
  const auto complain = [&](const std::string& what) { report_.problems.push_back(id + " " + what); };
  if (audited.verdict == Verdict::kNotRun) return complain("was not run");
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
  for (const UnreachedLine& line : survivors_.unreached) {
    if (line.used || !wanted(line.header.substr(line.header.find('/') + 1))) continue;
    report_.problems.push_back(fmt::format("{} explains an unreached '{}', and there is none", line.file, line.line));
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
  std::printf(
      "%zu sites, %zu operations unreached; %zu mutants: %u killed, %u survived, %u timeouts, %u not run, %u "
      "explained; %zu problems; %zu mutants run now, %.1f s\n",
      report_.sites.size(), report_.unreached.size(), report_.mutants.size(), count[Verdict::kKilled],
      count[Verdict::kSurvived], count[Verdict::kTimeout], count[Verdict::kNotRun], explained, report_.problems.size(),
      run_now_, now() - started_);
}

nlohmann::json to_json(const Audited& audited) {
  nlohmann::json json{{"mutant", audited.mutant.id()},    {"verdict", name_of(audited.verdict)},
                      {"line", audited.mutant.site.line}, {"allowed", audited.mutant.allowed},
                      {"suites", audited.suites},         {"suite", audited.suite},
                      {"scheduler", audited.scheduler},   {"execution", audited.execution},
                      {"problem", audited.problem},       {"replay", audited.token}};
  if (audited.explanation != nullptr) {
    json["explanation"] = {{"verdict", audited.explanation->verdict}, {"why", audited.explanation->why}};
  }
  return json;
}

int Audit::write() const {
  std::string problem;
  if (!options_.json.empty()) {
    nlohmann::json mutants = nlohmann::json::array();
    for (const Audited& audited : report_.mutants) mutants.push_back(to_json(audited));
    const nlohmann::json json{{"mutants", mutants}, {"problems", report_.problems}};
    problem = write_text(options_.json, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  }
  const auto not_run = [](const Audited& audited) { return audited.verdict == Verdict::kNotRun; };
  const auto measured = [](const Known& known) { return known.problem.empty(); };
  const bool complete = whole() && !JobPool::interrupted() && std::all_of(suites_.begin(), suites_.end(), measured) &&
                        std::none_of(report_.mutants.begin(), report_.mutants.end(), not_run);
  if (problem.empty() && complete && !options_.ledger.empty()) {
    problem = write_text(options_.ledger, ledger_of(report_, options_.source));
  }
  if (problem.empty()) return report_.problems.empty() ? 0 : 1;
  std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
  return 1;
}

int Audit::run() {
  std::string problem = cache_.problem();
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
    if (report_.mutants.empty()) report_.problems.push_back("no mutant matches '" + options_.pattern + "'");
    attack_all();
    judge();
  }
  print();
  const int code = write();
  return JobPool::interrupted() ? 130 : code;
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
