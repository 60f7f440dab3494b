#pragma once
/// The order audit: for every atomic operation that ships, what happens when it is weaker, and who notices.

#include <cstdint>
#include <string>
#include <vector>

#include "audit/mutant.hpp"
#include "audit/source_scan.hpp"
#include "audit/survivors.hpp"
#include "runner/job.hpp"
#include "runner/pool.hpp"

namespace check {

struct AuditOptions {
  std::string pattern;  ///< part of a mutant's id; empty: all
  unsigned jobs = 1;
  double seconds = 0;                ///< for the whole; 0 = no limit
  double patience = kPatience;       ///< as of a JobPool
  std::string source;                ///< root of the source tree
  std::string cache;                 ///< file of the verdicts so far; empty: none
  std::string ledger;                ///< file of the ledger; empty: none. Not written unless everything was audited.
  std::string costs;                 ///< file that says what operations compile to; empty: none
  std::string kept;                  ///< file of verdicts that were kept beside a ledger; empty: none
  std::vector<std::string> changed;  ///< parts of the ids of mutants that are run though their verdicts were kept
  std::string json;                  ///< file of the report; empty: none
};

enum class Verdict : std::uint8_t {
  kKilled,    ///< a suite has noticed
  kSurvived,  ///< every suite that reaches the site holds
  kTimeout,   ///< no suite has noticed, and one has not come to its end
  kNotRun,    ///< interrupted, or out of time
};

const char* name_of(Verdict verdict);

/// What has come of a mutant.
struct Audited {
  Mutant mutant;
  std::vector<std::string> suites;  ///< that reach its site, cheapest first
  Verdict verdict = Verdict::kNotRun;
  std::string suite;      ///< the one that kills it, or that has timed out
  std::string scheduler;  ///< of the search that kills it
  std::uint64_t execution = 0;
  std::string problem;  ///< what the suite has found
  std::string token;    ///< replays it
  const Explanation* explanation = nullptr;
  Status status = Status::kPass;
};

/// An atomic operation in the text of a header that no suite reaches.
struct Unreached {
  WrittenOperation operation;
  const UnreachedOperation* explanation = nullptr;
};

struct AuditReport {
  std::vector<AuditSite> sites;
  std::vector<std::vector<std::string>> suites;  ///< of each site: the suites that reach it, cheapest first
  std::vector<Audited> mutants;
  std::vector<Unreached> unreached;
  std::size_t kept = 0;               ///< mutants that have the verdict of a former audit
  std::vector<std::string> problems;  ///< why the audit fails, a line each
  std::vector<std::string> open;      ///< what it says nothing of yet, a line each
};

/// Runs the audit. \return the exit code: 0 when every mutant is killed or explained, 1 when one is not, 2 when the
/// call was wrong, 3 when not all was run.
int audit(const AuditOptions& options);

/// Runs the execution again that a token of the audit stands for. \param cache as in the options
Replayed replay_mutant(const std::string& token, const std::string& source, const std::string& cache);

/// Whether a token is one of the audit's.
bool is_mutant_token(const std::string& token);

/// Where the verdicts are kept unless told otherwise: beside the program.
std::string default_audit_cache();

/// The root of the source tree that this program was built from.
std::string default_source();

class Compiled;

/// The page of the ledger. \param compiled a column for each machine that it knows
std::string ledger_of(const AuditReport& report, const std::string& source, const Compiled& compiled);

}  // namespace check
