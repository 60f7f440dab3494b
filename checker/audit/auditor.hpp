#pragma once
/// One run of the audit: what the suites reach (audit.cpp), mutants against suites (trials.cpp), and what has come of it
/// (judgement.cpp).

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "audit/attack.hpp"
#include "audit/audit.hpp"
#include "audit/cache.hpp"
#include "audit/compiled.hpp"
#include "audit/content.hpp"
#include "audit/kept.hpp"
#include "core/search.hpp"
#include "runner/pool.hpp"

namespace check {

/// Measures the suites, runs mutants against them and says what has come of it.
class Auditor {
 public:
  explicit Auditor(const AuditOptions& options)
      : options_(options),
        tree_(options.source),
        cache_(options.cache),
        kept_(options.kept),
        compiled_(options.costs),
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
  Compiled compiled_;
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

}  // namespace check
