/// Shows the exhibits: each faulty variant is explored with no operation that strays, with one, with two, and so on, so
/// that what is found first is as small as they come; or by the other engine with no preemption, with one, and so on. The
/// sound twin goes through the same.

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>
#include <tuple>

#include "check/files.hpp"
#include "check/jobs.hpp"
#include "check/trace.hpp"
#include "model/museum/exhibit.hpp"
#include "model/museum/guard.hpp"

namespace hakmem::model {

using namespace check;

namespace {

std::vector<Exhibit>& registry() {
  static std::vector<Exhibit> all;
  return all;
}

constexpr unsigned kDepth = 2000;
constexpr unsigned kMostPreemptions = 4;
constexpr unsigned kMostStraying = 3;
constexpr std::uint64_t kMostExecutions = 2'000'000;  // of an exhaustive search
constexpr std::uint64_t kSample = 200'000;

/// With a weak compare-and-swap that fails for no reason: there is a bug that needs it.
Search by_graphs(Search search) { return at_most(kMostExecutions, failing_for_no_reason(1, search)); }

bool is_by_graphs(const ScenarioType& type, Engine engine) { return engine != Engine::kRelacy && !type.has_invariant; }

/// Few that stray first, then more, in the end all; or preemptions, and in the end a sample, for what needs many.
std::vector<Search> searches(const ScenarioType& type, Engine engine) {
  std::vector<Search> all;
  if (is_by_graphs(type, engine)) {
    for (unsigned straying = 0; straying <= kMostStraying; ++straying) {
      all.push_back(by_graphs(graphs_near(straying)));
    }
    all.push_back(by_graphs(graphs()));
    return all;
  }
  for (unsigned preemptions = 0; preemptions <= kMostPreemptions; ++preemptions) {
    all.push_back(at_most(kMostExecutions, bound(preemptions)));
  }
  all.push_back(random(kSample));
  return all;
}

struct Found {
  const Suite* suite;
  const Variant* variant;
};

std::optional<Found> find_variant(const std::string& name) {
  for (const Suite* suite : Suite::all()) {
    for (const Variant& variant : suite->variants()) {
      if (suite->name() + "~" + variant.name == name) return Found{suite, &variant};
    }
  }
  return std::nullopt;
}

/// The faulty scenario must be caught, by the problem that is expected.
void search_faulty(const Exhibit& exhibit, const ScenarioType& type, unsigned depth, Engine engine,
                   const Limits& limits, Result& result) {
  for (const Search& search : searches(type, engine)) {
    const Outcome outcome = explore(type, depth, search, limits);
    result.executions += outcome.executions;
    if (!outcome.failed && !*limits.stop) continue;
    result.scheduler = to_string(search.strategy);
    result.message = outcome.problem;
    result.trace = outcome.trace;
    if (!outcome.failed) return;
    result.status = judged(outcome.shows(exhibit.expected));
    if (!result.passes()) result.message += ", expected " + exhibit.expected;
    return;
  }
  result.status = Status::kFail;
  result.message = "escaped: no search has noticed it";
}

/// The sound twin must not: or else the judge would catch anything.
void search_sound(const ScenarioType& type, Engine engine, const Limits& limits, Result& result) {
  const bool whole = is_by_graphs(type, engine);
  for (const Search& search : whole ? std::vector{by_graphs(graphs())}
                                    : std::vector{at_most(kMostExecutions, bound(2)), random(kSample / 4)}) {
    const Outcome outcome = explore(type, kDepth, search, limits);
    if (!outcome.failed && !outcome.cut) continue;
    result.status = outcome.failed ? Status::kFail : Status::kIncomplete;
    result.message = outcome.failed ? "the sound twin does not hold: " + outcome.problem
                                    : "the search of the sound twin ended before it was done";
    return;
  }
}

Result show_program(const Exhibit& exhibit, Result result) {
  result.scheduler = "program";
  result.message = exhibit.program(true);
  result.status = judged(!result.message.empty() && result.message.find(exhibit.expected) != std::string::npos);
  if (result.message.empty()) result.message = "escaped: the program has not noticed it";
  if (const std::string problem = exhibit.program(false); !problem.empty()) {
    result.status = Status::kFail;
    result.message = "the sound twin does not hold: " + problem;
  }
  return result;
}

Result show(const Exhibit& exhibit, Engine engine, Limits limits) {
  limits.seed = 1;
  Result result;
  result.suite = exhibit.label();
  result.broken_variant = true;
  if (exhibit.program != nullptr) return show_program(exhibit, std::move(result));
  if (exhibit.faulty) {
    search_faulty(exhibit, *exhibit.faulty, kDepth, engine, limits, result);
    if (result.passes()) search_sound(*exhibit.sound, engine, limits, result);
    return result;
  }
  const std::optional<Found> found = find_variant(exhibit.variant);
  if (!found) {
    result.status = Status::kFail;
    result.message = "there is no " + exhibit.variant;
    return result;
  }
  if (!found->variant->mutations.empty()) {
    explore(found->suite->type(), found->suite->depth(), random(512), limits);
    result.message = Sites::mutate(found->variant->mutations);
    if (!result.message.empty()) {
      result.status = Status::kFail;
      return result;
    }
  }
  search_faulty(exhibit, found->variant->type, found->suite->depth(), engine, limits, result);
  return result;
}

// Guards --------------------------------------------------------------------------------------------------------------

/// Both of an exhibit's; the worse of the two.
GuardTest run_guards(const Exhibit& exhibit, const std::string& folder) {
  const GuardTest first = run_guard(exhibit.guard, folder);
  if (exhibit.preloaded.empty() || first == GuardTest::kFailed || first == GuardTest::kNotBuilt) return first;
  return run_guard("preloaded " + exhibit.preloaded, folder);
}

// The page ------------------------------------------------------------------------------------------------------------

constexpr const char* kHead =
    R"(# The museum: 22 bugs, and who catches each

Generated by `hakmem-check museum`; do not edit. Each exhibit is a faulty variant in a few lines, with the smallest
counterexample found: the graph engine begins without an operation that strays from what threads do one after the other,
and allows one more each time. Exhibits of their own have a sound twin that the same judge must pass, in all executions;
the others are broken variants of a suite, which holds as it is. The other engine, `museum --engine relacy`, catches the
same. The guard is the test that keeps the bug out of what ships. In the pictures each thread has a lane; arrows lead
from a write to who reads it, and where an order is missing a dashed one shows between which steps.

)";

/// \param picture where it is, as seen from the page
std::string section_of(const Exhibit& exhibit, const Result& result, const std::string& picture) {
  std::string text = fmt::format(
      "## {}. {}\n\n{}\n\n- Fault shown: {}\n- Shown by: {}\n- Found: {} ({})\n", exhibit.label(), exhibit.title,
      exhibit.story, exhibit.fault,
      !exhibit.variant.empty()     ? "`" + exhibit.variant + "`"
      : exhibit.program == nullptr ? "a scenario of the museum, with its sound twin"
                                   : "a program of the museum, with its sound twin",
      result.message, result.scheduler == "program" ? "no schedule needed" : "scheduler " + result.scheduler);
  if (!exhibit.guard.empty()) text += fmt::format("- Guard: `{}`\n", exhibit.guard);
  if (!exhibit.preloaded.empty()) text += fmt::format("- Guard under `LD_PRELOAD`: `{}`\n", exhibit.preloaded);
  if (!result.trace.empty()) {
    text += fmt::format("- {}\n\n![Exhibit {}: the steps of each thread]({})\n\n```\n{}```\n",
                        explain(result.trace, Order(result.trace), kSteady).sentence, exhibit.label(), picture,
                        text_of(result.trace, kSteady));
  }
  return text + "\n";
}

/// The page, and beside it a folder of its name with the pictures. \return the problem, or nothing
std::string write_page(const std::string& path, const std::vector<const Exhibit*>& shown,
                       const std::vector<const Result*>& results) {
  const std::filesystem::path folder = std::filesystem::path(path).replace_extension();
  std::string page = kHead;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Exhibit& exhibit = *shown[i];
    const std::string name = exhibit.label() + ".svg";
    page += section_of(exhibit, *results[i], folder.filename().string() + "/" + name);
    if (results[i]->trace.empty()) continue;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    const std::string title = fmt::format("{}. {}: {}", exhibit.label(), exhibit.title, results[i]->message);
    const std::string problem = write_text(folder / name, svg_of(results[i]->trace, title, kSteady));
    if (!problem.empty()) return problem;
  }
  return write_text(path, page);
}

bool chosen(const Exhibit& exhibit, const std::string& pattern) {
  return std::to_string(exhibit.number) == pattern || exhibit.label() == pattern ||
         exhibit.title.find(pattern) != std::string::npos;
}

}  // namespace

const std::vector<Exhibit>& exhibits() { return registry(); }

Exhibited::Exhibited(std::vector<Exhibit> exhibits) {
  auto& all = registry();
  all.insert(all.end(), exhibits.begin(), exhibits.end());
  std::sort(all.begin(), all.end(),
            [](auto& a, auto& b) { return std::tie(a.number, a.part) < std::tie(b.number, b.part); });
}

namespace {

/// The row of an exhibit's guards; none where it has none, or they are left out.
std::optional<Result> row_of_guard(const Exhibit& exhibit, GuardTest guard) {
  if (guard == GuardTest::kNone || guard == GuardTest::kLeftOut) return {};
  Result row;
  row.suite = exhibit.label() + " guard";
  row.scheduler = "program";
  row.verdict = guard == GuardTest::kPassed ? "HOLDS" : guard == GuardTest::kFailed ? "FAILED" : "NOT BUILT";
  row.status = guard == GuardTest::kNotBuilt ? Status::kIncomplete : judged(guard == GuardTest::kPassed);
  row.message = name_of(guard);
  if (row.status == Status::kIncomplete) {
    row.go_on = fmt::format("cmake --build --preset release && hakmem-check museum '{}'", exhibit.label());
  }
  return row;
}

const char* word_for(const Result& result) {
  constexpr const char* kWords[] = {"caught", "ESCAPED", "cut"};
  return kWords[static_cast<unsigned>(result.status)];
}

/// Writes the page of a museum that was shown in full and is sound. \return the problem, or nothing
std::string write_page_if_whole(const MuseumOptions& options, const std::vector<const Exhibit*>& shown,
                                const std::vector<const Result*>& found, Status verdict) {
  const bool whole = verdict == Status::kPass && options.pattern.empty() && !options.page.empty();
  return whole ? write_page(options.page, shown, found) : "";
}

/// The exhibits and their guards, a line each. \return all rows
std::vector<Result> show_all(const MuseumOptions& options, const std::vector<const Exhibit*>& shown,
                             const std::vector<const Result*>& found) {
  std::vector<Result> rows;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Exhibit& exhibit = *shown[i];
    const GuardTest guard = JobPool::interrupted() ? GuardTest::kLeftOut : run_guards(exhibit, options.tests);
    std::printf("%-8s %-3s  %-50s %s (%s); %s\n", word_for(*found[i]), exhibit.label().c_str(), exhibit.title.c_str(),
                found[i]->message.c_str(), found[i]->scheduler.c_str(), name_of(guard));
    rows.push_back(*found[i]);
    if (std::optional<Result> row = row_of_guard(exhibit, guard)) rows.push_back(std::move(*row));
  }
  return rows;
}

std::vector<Job> jobs_for(const std::vector<const Exhibit*>& shown, Engine engine) {
  std::vector<Job> jobs;
  for (const Exhibit* const exhibit : shown) {
    Job job{exhibit->label(), "", true};
    constexpr double kPatienceWithPrograms = 600;
    if (exhibit->program != nullptr) job.patience = kPatienceWithPrograms;
    job.go_on = fmt::format("hakmem-check museum '{}'", exhibit->label());
    job.work = [exhibit, engine, go_on = job.go_on](const Limits& limits) {
      Result result = show(*exhibit, engine, limits);
      if (result.status == Status::kIncomplete) result.go_on = go_on;
      return result;
    };
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::optional<Engine> engine_of(const std::string& name) {
  if (name == "graph") return Engine::kGraph;
  if (name == "relacy") return Engine::kRelacy;
  return {};
}

/// How many bugs, exhibits, caught, escaped.
void print_sums(const std::vector<const Exhibit*>& shown, const std::vector<const Result*>& found,
                const std::vector<Result>& rows) {
  std::set<unsigned> bugs;
  std::size_t count[3] = {};
  for (std::size_t i = 0; i < shown.size(); ++i) {
    bugs.insert(shown[i]->number);
    ++count[static_cast<unsigned>(found[i]->status)];
  }
  std::printf("%zu exhibits of %zu bugs, %zu caught, %zu escaped", shown.size(), bugs.size(), count[0], count[1]);
  std::printf(count[2] == 0 ? "\n" : ", %zu have not ended\n", count[2]);
  const auto bad_guard = [](const Result& row) { return row.suite.ends_with(" guard") && !row.passes(); };
  if (std::any_of(rows.begin(), rows.end(), bad_guard)) {
    std::printf("guards fail or are not built: build the unit tests, name their folder by --tests\n");
  }
}

}  // namespace

int museum(const MuseumOptions& options) {
  const std::optional<Engine> engine = engine_of(options.engine);
  if (!engine) {
    std::fprintf(stderr, "hakmem-check: --engine %s: the engines are graph and relacy\n", options.engine.c_str());
    return kWrongCall;
  }
  std::vector<const Exhibit*> shown;
  for (const Exhibit& exhibit : exhibits()) {
    if (chosen(exhibit, options.pattern)) shown.push_back(&exhibit);
  }
  if (shown.empty()) {
    std::fprintf(stderr, "hakmem-check: no exhibit is called '%s'\n", options.pattern.c_str());
    return kWrongCall;
  }
  ReportFile report(options.json);
  if (const std::string problem = report.begin(); !problem.empty()) {
    std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
    return kWrongCall;
  }
  JobPool pool(options.jobs, 0);
  pool.keep(report);
  const std::vector<Result> results = pool.run(jobs_for(shown, *engine), [](const Result&) {});
  std::vector<const Result*> found;
  for (const Exhibit* const exhibit : shown) {
    found.push_back(&*std::find_if(results.begin(), results.end(),
                                   [&](const Result& one) { return one.suite == exhibit->label(); }));
  }
  const std::vector<Result> rows = show_all(options, shown, found);
  print_sums(shown, found, rows);
  Status verdict = worse(verdict_of(rows), JobPool::interrupted() ? Status::kIncomplete : Status::kPass);
  std::string problem = write_page_if_whole(options, shown, found, verdict);
  if (problem.empty()) problem = report.end(verdict, rows);
  if (!problem.empty()) {
    std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
    verdict = worse(verdict, Status::kIncomplete);
  }
  const auto good = std::count_if(rows.begin(), rows.end(), [](const Result& row) { return row.passes(); });
  return say_verdict(verdict, fmt::format("{} of {} exhibits and guards are as they should be{}", good, rows.size(),
                                          problem.empty() ? "" : "; " + problem)
                                  .c_str());
}

}  // namespace hakmem::model
