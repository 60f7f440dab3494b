/// hakmem-check: runs the model's suites, replays their counterexamples, and tests the checker itself.

#include <fmt/core.h>
#include <fnmatch.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <thread>

#include "model/audit/audit.hpp"
#include "model/audit/command.hpp"
#include "model/audit/content.hpp"
#include "model/litmus/litmus.hpp"
#include "model/museum/command.hpp"
#include "model/programs/command.hpp"
#include "model/runner/job.hpp"
#include "model/runner/parts.hpp"
#include "model/runner/picture.hpp"
#include "model/runner/pool.hpp"
#include "model/runner/position.hpp"
#include "model/runner/report.hpp"
#include "model/watch/command.hpp"

namespace hakmem::model {

namespace {

constexpr int kPassed = 0;
constexpr int kFailed = 1;

struct Options {
  std::string pattern;
  bool quick = false;
  bool exact = false;
  bool stream = false;
  std::vector<std::string> first;
  bool plain = false;
  double seconds = 0;
  double patience = kPatience;
  std::string scheduler;
  std::uint64_t executions = 0;
  std::uint64_t seed = 1;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string json;
  std::string token;
  std::string picture;
  std::string shard;
  std::string part;
  std::string knowledge;
  std::string state;
  unsigned split = 1;
  std::vector<std::string> reports;
  std::string program;
  bool markdown = false;
  bool hardware = false;
};

/// Part i of n of the work, 1 <= i <= n.
struct Shard {
  std::size_t index = 1;
  std::size_t count = 1;
};

/// The shard that "i/n" names; the problem in `problem` if it names none. \param option whose value it is
Shard parse_shard(const std::string& text, const char* option, std::string& problem) {
  Shard shard;
  if (text.empty()) return shard;
  unsigned index = 0;
  unsigned count = 0;
  int end = 0;
  const bool read = std::sscanf(text.c_str(), "%5u/%5u%n", &index, &count, &end) == 2;
  if (!read || static_cast<std::size_t>(end) != text.size() || index < 1 || index > count) {
    problem = fmt::format("{} takes i/n with 1 <= i <= n, not '{}'", option, text);
    return shard;
  }
  return {index, count};
}

/// Whether a name is meant: by a part of it, with * and ? by all of it, or if it is to be exact by itself alone.
bool matches(const std::string& name, const Options& options) {
  const std::string& pattern = options.pattern;
  if (options.exact) return name == pattern;
  if (pattern.find_first_of("*?[") == std::string::npos) return name.find(pattern) != std::string::npos;
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

int wrong_call(const CLI::App& app, const std::string& problem) {
  std::fprintf(stderr, "hakmem-check: %s\n%s", problem.c_str(), app.help().c_str());
  return kWrongCall;
}

int list() {
  for (const Suite* suite : Suite::all()) {
    std::string searches;
    for (const Search& search : suite->searches(Tier::kQuick)) searches += " " + to_string(search.strategy);
    std::printf("%-52s%-24s %s\n", suite->name().c_str(), searches.c_str(), suite->proves().c_str());
    for (const Variant& variant : suite->variants()) {
      const std::string name = suite->name() + "~" + variant.name;
      std::printf("%-52s %-23s %s\n", name.c_str(), "broken", variant.what.c_str());
    }
  }
  return kPassed;
}

Tier tier_of(const Options& options) { return options.quick ? Tier::kQuick : Tier::kDefault; }

std::vector<Search> as_asked(std::vector<Search> searches, const Options& options) {
  for (Search& search : searches) search.plain = options.plain;
  return searches;
}

/// The searches that the options ask for; a suite's own plan when they ask for nothing special.
std::vector<Search> searches_for(const Suite& suite, const Options& options, const Strategy& strategy, double share) {
  if (options.scheduler.empty()) {
    return as_asked(suite.searches(tier_of(options)), options);
  }
  constexpr std::uint64_t kSample = 200'000;
  Search search{strategy, options.executions, share, options.plain};
  if (!strategy.exhaustive() && search.executions == 0 && share == 0) search.executions = kSample;
  return {search};
}

std::vector<Job> jobs_for(const Options& options, const Strategy& strategy) {
  struct Chosen {
    const Suite* suite;
    const Variant* variant;
  };
  std::vector<Chosen> chosen;
  for (const Suite* suite : Suite::all()) {
    if (matches(suite->name(), options)) chosen.push_back({suite, nullptr});
    for (const Variant& variant : suite->variants()) {
      if (matches(suite->name() + "~" + variant.name, options)) chosen.push_back({suite, &variant});
    }
  }
  const double share = chosen.empty() ? 0 : options.seconds * options.jobs / static_cast<double>(chosen.size());
  std::vector<Job> jobs;
  for (const auto& [suite, variant] : chosen) {
    const std::vector<Search> searches = searches_for(*suite, options, strategy, share);
    if (variant != nullptr && options.scheduler.empty()) {
      const auto plan = as_asked(variant_searches(*suite, tier_of(options)), options);
      jobs.push_back(job_for(*suite, *variant, plan, options.seed));
    } else if (variant != nullptr) {
      jobs.push_back(job_for(*suite, *variant, searches, options.seed));
    } else {
      for (const Search& search : searches) jobs.push_back(job_for(*suite, search, options.seed, options.state));
    }
  }
  return jobs;
}

/// Why a kept position cannot be taken up, or nothing.
std::string stale_position(const Options& options, const Strategy& strategy) {
  std::string problem;
  for (const Suite* suite : Suite::all()) {
    if (!matches(suite->name(), options)) continue;
    for (const Search& search : searches_for(*suite, options, strategy, 0)) {
      (void)PositionFile(options.state, suite->name(), search).read(problem);
    }
  }
  return problem;
}

/// So that what there is no time for is the dearest.
void cheapest_first(std::vector<Job>& jobs) {
  const Costs costs;
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) { return costs.of(a) < costs.of(b); });
}

/// The jobs of the names come first, in the order of the names.
void these_first(std::vector<Job>& jobs, const std::vector<std::string>& names) {
  const auto place_of = [&](const Job& job) {
    return std::find(names.begin(), names.end(), job.suite) - names.begin();
  };
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Job& a, const Job& b) { return place_of(a) < place_of(b); });
}

/// A result for another program.
void stream(const Result& result) {
  std::puts(to_json(result).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

/// Every n-th job from the i-th on.
void keep_shard(std::vector<Job>& jobs, const Shard& shard) {
  std::vector<Job> kept;
  for (std::size_t i = shard.index - 1; i < jobs.size(); i += shard.count) kept.push_back(std::move(jobs[i]));
  jobs = std::move(kept);
}

/// Exhaustive searches in parts, one search after the other, each with all processes.
std::vector<Result> run_in_parts(const Options& options, const Strategy& strategy, JobPool& pool, ReportFile& report) {
  std::vector<Result> results;
  for (const Suite* suite : Suite::all()) {
    if (!matches(suite->name(), options)) continue;
    for (const Search& search : searches_for(*suite, options, strategy, options.seconds)) {
      if (!search.strategy.exhaustive()) continue;
      std::string knowledge;
      bool waits = false;
      std::optional<Result> whole;
      while (!whole) {
        std::vector<Job> parts;
        for (unsigned i = 0; i < options.split; ++i) {
          parts.push_back(job_for_part(*suite, search, {i, options.split}, knowledge, waits));
        }
        whole = united(pool.run(std::move(parts), [](const Result&) {}), knowledge, waits);
      }
      JobPool::print(*whole);
      results.push_back(std::move(*whole));
      report.update(results, {});
    }
  }
  return results;
}

/// The result of one part is no verdict on its search.
Result as_part(Result result) {
  if (!result.passes()) return result;
  result.details["verdict"] = result.verdict;
  result.verdict =
      fmt::format("PART({}/{})", result.details.at("part").get<unsigned>(), result.details.at("parts").get<unsigned>());
  return result;
}

/// One part of the tree of each exhaustive search; `report` unites it with the others, which run elsewhere.
std::vector<Result> run_one_part(const Options& options, const Strategy& strategy, const Shard& part,
                                 const Priors& priors, JobPool& pool) {
  std::vector<Job> jobs;
  for (const Suite* suite : Suite::all()) {
    if (!matches(suite->name(), options)) continue;
    for (const Search& search : searches_for(*suite, options, strategy, options.seconds)) {
      if (!search.strategy.exhaustive()) continue;
      const Prior prior = priors.of(*suite, search);
      const Part which{static_cast<unsigned>(part.index - 1), static_cast<unsigned>(part.count)};
      jobs.push_back(job_for_part(*suite, search, which, prior.knowledge, prior.waits));
    }
  }
  std::vector<Result> results =
      pool.run(std::move(jobs), [](const Result& result) { JobPool::print(as_part(result)); });
  for (Result& result : results) result = as_part(std::move(result));
  return results;
}

/// What is wrong with the options that share work out, or nothing.
std::string wrong_division(const Options& options) {
  if (options.split > 1 && (!options.state.empty() || !options.shard.empty())) {
    return "--split takes neither --state nor --shard: its parts begin together";
  }
  if (!options.part.empty() && (options.split > 1 || !options.state.empty() || !options.shard.empty())) {
    return "--part takes neither --split nor --state nor --shard: it divides the work itself";
  }
  if (!options.knowledge.empty() && options.part.empty()) return "--knowledge needs --part";
  return {};
}

/// Uses up the rest of the time with random executions of all suites, each round with another seed.
void sample_until(double deadline, const Options& options, JobPool& pool, std::vector<Result>& results) {
  constexpr double kLeast = 1;  // seconds of a suite, below which starting a process is not worth it
  std::vector<const Suite*> suites;
  for (const Suite* suite : Suite::all()) {
    if (matches(suite->name(), options)) suites.push_back(suite);
  }
  for (std::uint64_t seed = options.seed + 1; !suites.empty() && !JobPool::interrupted(); ++seed) {
    const double left = deadline - now() - kLeast;
    if (left < kLeast) return;
    const double each = std::min(left, left * options.jobs / static_cast<double>(suites.size()));
    std::vector<Job> jobs;
    for (const Suite* suite : suites) {
      if (static_cast<double>(jobs.size()) * kLeast > left * options.jobs) break;
      jobs.push_back(job_for(*suite, within(std::max(each, kLeast), random(0)), seed));
    }
    for (Result& result : pool.run(std::move(jobs))) results.push_back(std::move(result));
  }
}

/// Whether a report can be written at all; said before hours of work, and in one line.
bool can_write(ReportFile& report) {
  const std::string problem = report.begin();
  if (!problem.empty()) std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
  return problem.empty();
}

struct Counted {
  std::size_t hold = 0;
  std::size_t fail = 0;
  std::size_t incomplete = 0;
  const Result* first_incomplete = nullptr;

  explicit Counted(const std::vector<Result>& results) {
    for (const Result& result : results) {
      hold += result.passes();
      fail += result.status == Status::kFail;
      incomplete += result.status == Status::kIncomplete;
      if (first_incomplete == nullptr && result.status == Status::kIncomplete) first_incomplete = &result;
    }
  }
};

/// What the closing line says of them.
std::string summary_of(const std::vector<Result>& results, const Counted& counted) {
  if (results.empty()) return "nothing was run";
  std::string text = counted.fail != 0         ? fmt::format("{} of {} do not hold", counted.fail, results.size())
                     : counted.incomplete == 0 ? fmt::format("all {} hold", results.size())
                                               : fmt::format("{} of {} have not ended, {} hold", counted.incomplete,
                                                             results.size(), counted.hold);
  if (counted.fail != 0 && counted.incomplete != 0) text += fmt::format(", {} have not ended", counted.incomplete);
  if (counted.first_incomplete != nullptr && !counted.first_incomplete->go_on.empty()) {
    text += fmt::format("; go on with: {}", counted.first_incomplete->go_on);
  }
  return text;
}

/// The closing lines, the report and the exit code.
int conclude(const std::vector<Result>& results, ReportFile& report, double started) {
  const Counted counted(results);
  std::uint64_t executions = 0;
  double processor = 0;
  for (const Result& result : results) {
    executions += result.executions;
    processor += result.processor_seconds;
  }
  const double rate = processor > 0 ? static_cast<double>(executions) / processor / 1000 : 0;
  std::printf(
      "%zu searches, %zu hold, %zu do not, %zu have not ended; %llu executions in %.1f s, %.0f k per second of a "
      "core\n",
      results.size(), counted.hold, counted.fail, counted.incomplete, static_cast<unsigned long long>(executions),
      now() - started, rate);
  Status verdict = verdict_of(results);
  std::string what = summary_of(results, counted);
  if (JobPool::interrupted()) {
    verdict = worse(verdict, Status::kIncomplete);
    what = "interrupted; " + what;
  }
  if (const std::string problem = report.end(verdict, results); !problem.empty()) {
    std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
    verdict = worse(verdict, Status::kIncomplete);
    what += "; " + problem;
  }
  return say_verdict(verdict, what.c_str());
}

/// One program of a heap, instead of the suites.
int run_program(const CLI::App& app, const Options& options) {
  std::string problem;
  const programs::HeapProgram program = program_from(options.program, problem);
  std::vector<Search> searches = program_searches();
  if (!options.scheduler.empty() && problem.empty()) {
    searches = {{parse_strategy(options.scheduler, problem), options.executions, options.seconds, options.plain}};
    if (!searches[0].strategy.exhaustive() && options.executions == 0) searches[0].executions = 200'000;
  }
  if (problem.empty() && !options.pattern.empty()) problem = "--program takes no suite beside it";
  if (!problem.empty()) return wrong_call(app, problem);
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  const double started = now();
  std::printf("%s\n", to_string(program).c_str());
  std::vector<Job> jobs;
  jobs.push_back(job_for(program, searches, options.seed));
  JobPool pool(1, options.seconds == 0 ? 0 : started + options.seconds, options.patience);
  pool.keep(report);
  return conclude(pool.run(std::move(jobs)), report, started);
}

int run(const CLI::App& app, const Options& options) {
  if (!options.program.empty()) return run_program(app, options);
  std::string problem;
  const Strategy strategy = options.scheduler.empty() ? Strategy{} : parse_strategy(options.scheduler, problem);
  if (!problem.empty()) return wrong_call(app, problem);
  if (options.executions != 0 && options.scheduler.empty()) {
    return wrong_call(app, "--executions needs --scheduler random or pct=D");
  }
  if (problem = wrong_division(options); !problem.empty()) return wrong_call(app, problem);
  if (options.executions != 0 && strategy.exhaustive()) {
    return wrong_call(app, "--executions bounds random and pct=D only: a search ends when it is done");
  }
  const double started = now();
  std::vector<Job> jobs = jobs_for(options, strategy);
  if (jobs.empty()) {
    return wrong_call(app, fmt::format("no suite matches '{}'; hakmem-check list names them", options.pattern));
  }
  const double deadline = options.seconds == 0 ? 0 : started + options.seconds;
  const Shard shard = parse_shard(options.shard, "--shard", problem);
  const Shard part = parse_shard(options.part, "--part", problem);
  const Priors priors(options.knowledge, problem);
  if (problem.empty() && !options.state.empty()) problem = stale_position(options, strategy);
  if (!problem.empty()) return wrong_call(app, problem);
  if (shard.index > jobs.size()) {
    return say_verdict(Status::kPass, fmt::format("shard {} of {} has nothing to do: there are {} searches",
                                                  shard.index, shard.count, jobs.size())
                                          .c_str());
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  JobPool pool(options.jobs, deadline, options.patience);
  if (options.split > 1) {
    const std::vector<Result> results = run_in_parts(options, strategy, pool, report);
    if (results.empty()) return wrong_call(app, "--split needs a full or bound=N search, and there is none");
    return conclude(results, report, started);
  }
  pool.keep(report);
  if (!options.part.empty()) {
    const std::vector<Result> results = run_one_part(options, strategy, part, priors, pool);
    if (results.empty()) return wrong_call(app, "--part needs a full or bound=N search, and there is none");
    return conclude(results, report, started);
  }
  if (deadline != 0) cheapest_first(jobs);
  keep_shard(jobs, shard);
  these_first(jobs, options.first);
  if (options.stream) return exit_code_of(verdict_of(pool.run(std::move(jobs), stream)));
  std::vector<Result> results = pool.run(std::move(jobs));
  if (deadline != 0 && options.scheduler.empty()) sample_until(deadline, options, pool, results);
  return conclude(results, report, started);
}

/// The litmus tests on real threads. One after the other, as each needs all processors.
int litmus_on_hardware(const Options& options) {
  constexpr double kSeconds = 0.25;  // of each test, unless said otherwise
  const double started = now();
  std::vector<Job> jobs = hardware_controls();
  for (const Litmus& test : litmus_tests()) {
    jobs.push_back(hardware_job_for(test, options.seconds == 0 ? kSeconds : options.seconds));
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  JobPool pool(1, 0);
  pool.keep(report);
  if (!options.markdown) return conclude(pool.run(std::move(jobs)), report, started);
  std::map<std::string, std::string> shown;
  const std::vector<Result> results = pool.run(std::move(jobs), [](const Result&) {});
  for (const Result& result : results) {
    shown[result.suite.substr(result.suite.find('/') + 1)] = result.details.is_string() ? result.details : "";
  }
  std::fputs(litmus_table(shown).c_str(), stdout);
  const Status verdict = worse(verdict_of(results), JobPool::interrupted() ? Status::kIncomplete : Status::kPass);
  return say_verdict(verdict, summary_of(results, Counted(results)).c_str(), stderr);
}

int litmus(const Options& options) {
  if (options.hardware) return litmus_on_hardware(options);
  if (options.markdown) {
    std::fputs(litmus_table().c_str(), stdout);
    return kPassed;
  }
  const double started = now();
  std::vector<Job> jobs;
  for (const Litmus& test : litmus_tests()) {
    jobs.push_back(job_for(test, full()));
    Search plain = full();
    plain.plain = true;
    jobs.push_back(job_for(test, plain));
    jobs.push_back(job_for(test, random(100'000)));
  }
  ReportFile report(options.json);
  if (!can_write(report)) return kWrongCall;
  std::puts("The outcomes that C++20 allows are produced, and no others, but for those marked as blind spots.");
  JobPool pool(options.jobs, 0, options.patience);
  pool.keep(report);
  const std::vector<Result> results = pool.run(std::move(jobs));
  return conclude(results, report, started);
}

/// Which atomic operations of the shipping headers the suites reach.
int sites() {
  bool stop = false;
  Shared shared;
  for (const Suite* suite : Suite::all()) {
    const Outcome outcome =
        explore(suite->type(), suite->depth(), random(3000), {1, &stop, &shared.executions, &shared.share});
    if (!outcome.failed) continue;
    std::fprintf(stderr, "hakmem-check: %s fails: %s\n", suite->name().c_str(), outcome.problem.c_str());
    return kFailed;
  }
  std::vector<std::string> lines;
  for (const Site& site : Sites::all()) {
    if (std::string(site.where.file).starts_with("src/") && site.operation != Operation::kPause)
      lines.push_back(describe(site));
  }
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) std::puts(line.c_str());
  return kPassed;
}

/// A table of reports. Parts of a search that do not make a whole are said to be so, and are no success.
int report(const CLI::App& app, const Options& options) {
  std::string problem;
  const std::vector<Result> results = united_reports(options.reports, problem);
  if (!problem.empty()) return wrong_call(app, problem);
  std::fputs(suite_table(results).c_str(), stdout);
  for (const Result& result : results) {
    if (!result.passes()) std::fprintf(stderr, "%s\n", to_line(result).c_str());
  }
  Status verdict = verdict_of(results);
  std::string what = summary_of(results, Counted(results));
  if (!options.json.empty()) problem = write_report(options.json, verdict, results);
  if (!problem.empty()) {
    std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
    verdict = worse(verdict, Status::kIncomplete);
    what += "; " + problem;
  }
  return say_verdict(verdict, what.c_str(), stderr);  // standard output is the table alone
}

int replay(const CLI::App& app, const Options& options) {
  const Replayed replayed = is_mutant_token(options.token)
                                ? replay_mutant(options.token, default_source(), default_audit_cache())
                                : replay_token(options.token);
  if (!replayed.problem.empty()) return wrong_call(app, replayed.problem);
  std::fputs(replayed.outcome.trace.c_str(), stdout);
  std::printf("%s\n", replayed.outcome.failed ? replayed.outcome.problem.c_str() : "this execution holds");
  if (!replayed.outcome.failed && !options.picture.empty()) std::puts("there is nothing to draw");
  if (replayed.outcome.failed) {
    const Picture picture = picture_of(replayed.outcome.trace);
    std::printf("%s\n", picture.missing.c_str());
    if (options.picture.empty()) return kFailed;
    const std::string title =
        fmt::format("{}: {}", options.token.substr(0, options.token.find(':')), replayed.outcome.problem);
    if (const std::string problem = write_text(options.picture, to_svg(picture, title)); !problem.empty()) {
      return wrong_call(app, problem);
    }
  }
  return replayed.outcome.failed ? kFailed : kPassed;
}

void add_common(CLI::App& command, Options& options) {
  command.add_option("--jobs", options.jobs, "processes at a time, 1 to 256 (default: the number of processors)")
      ->check(CLI::Range(1u, 256u));
  command
      .add_option("--patience", options.patience,
                  "processor seconds after which a search that ends no execution hangs (default 60)")
      ->check(CLI::Range(0.1, 1e6));
  command.add_option("--json", options.json, "write a report to this file, kept up to date while the run goes on");
}

void add_run(CLI::App& command, Options& options) {
  command.add_option("pattern", options.pattern, "part of a suite's name, or a pattern with * and ?");
  command.add_flag("--exact", options.exact, "the pattern is the whole name of one suite or broken variant");
  command
      .add_option("--first", options.first, "a suite or broken variant to run before the others; again for the next")
      ->take_all();
  command.add_flag("--stream", options.stream, "print each result as one line of JSON, and nothing else");
  command.add_flag("--quick", options.quick, "the quick tier");
  command
      .add_option("--seconds", options.seconds,
                  "bounds all by time: the cheapest first, what the plan leaves goes into sampling, "
                  "and what there is no time for is incomplete")
      ->check(CLI::Range(1.0, 1e6));
  command.add_option("--scheduler", options.scheduler, "full, bound=N, random or pct=D, instead of the suites' plans");
  command.add_flag("--plain", options.plain, "explore also what differs in the order of independent steps alone");
  command.add_option("--executions", options.executions, "of each random or pct search")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 48));
  command.add_option("--seed", options.seed, "of the random searches (default 1)");
  command.add_option("--program", options.program,
                     "a program of the heap instead of suites: 'T0: a=malloc(64) give a T1: b=take free b', @FILE, or "
                     "seed:N of a stress run; what fails is made as small as can be");
  command.add_option("--shard", options.shard, "i/n: only every n-th search from the i-th on");
  command
      .add_option("--split", options.split,
                  "1 to 64: explore each full or bound=N search in so many parts of its tree, --jobs at a time, and "
                  "nothing else")
      ->check(CLI::Range(1u, 64u));
  command.add_option("--part", options.part,
                     "i/n: only part i of n of the tree of each full or bound=N search; report unites the n reports");
  command
      .add_option("--knowledge", options.knowledge,
                  "of --part: a report in which parts were united that had learned different things")
      ->check(CLI::ExistingFile);
  command.add_option("--state", options.state, "folder where full and bound=N go on from when they were cut")
      ->check(CLI::ExistingDirectory);
  add_common(command, options);
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Model checks hakmem's lock-free core from its shipping headers.", "hakmem-check");
  app.require_subcommand(0, 1);
  CLI::App* list_command = app.add_subcommand("list", "names all suites and their broken variants");
  CLI::App* run_command = app.add_subcommand("run", "explores suites; every broken variant must be caught");
  add_run(*run_command, options);
  CLI::App* litmus_command = app.add_subcommand("litmus", "tests the checker: what it sees and what it cannot");
  add_common(*litmus_command, options);
  litmus_command->add_flag("--markdown", options.markdown, "print the table of the documentation instead");
  CLI::Option* hardware =
      litmus_command->add_flag("--hardware", options.hardware, "run on real threads: what this processor shows");
  litmus_command->add_option("--seconds", options.seconds, "of each test on real threads (default 0.25)")
      ->check(CLI::Range(0.001, 3600.0))
      ->needs(hardware);
  CLI::App* report_command = app.add_subcommand("report", "prints a table of the suites from reports of run --json");
  report_command->add_option("reports", options.reports, "the reports; parts of one search become one row")->required();
  report_command->add_option("--json", options.json, "write all of them as one report to this file");
  CLI::App* sites_command = app.add_subcommand("sites", "names the atomic operations that some suite reaches");
  CLI::App* replay_command = app.add_subcommand("replay", "shows one execution again, from the token of a failure");
  AuditOptions audit_options;
  CLI::App* audit_command = add_audit(app, audit_options);
  MuseumOptions museum_options;
  CLI::App* museum_command = add_museum(app, museum_options);
  WatchOptions watch_options;
  CLI::App* watch_command = add_watch(app, watch_options);
  replay_command->add_option("token", options.token, "as printed with the failure")->required();
  replay_command->add_option("--picture", options.picture,
                             "draw the failure in SVG into this file: a lane for each thread, and the missing edge");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return wrong_call(app, error.what());
  }
  if (list_command->parsed()) return list();
  if (sites_command->parsed()) return sites();
  if (run_command->parsed()) return run(app, options);
  if (litmus_command->parsed()) return litmus(options);
  if (report_command->parsed()) return report(app, options);
  if (audit_command->parsed()) return audit(audit_options);
  if (museum_command->parsed()) return museum(museum_options);
  if (watch_command->parsed()) return watch(watch_options);
  if (replay_command->parsed()) return replay(app, options);
  return wrong_call(app, "no command is given; name one of those below");
}

}  // namespace

}  // namespace hakmem::model

int main(int argc, char** argv) { return hakmem::model::main(argc, argv); }
