/// Shows the exhibits: each faulty variant is searched with no preemption, with one, with two, and so on, so that what
/// is found first is as small as they come. The sound twin goes through the same searches.

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <regex>

#include "model/audit/content.hpp"
#include "model/museum/exhibit.hpp"
#include "model/runner/pool.hpp"

namespace hakmem::model {

namespace {

std::vector<Exhibit>& registry() {
  static std::vector<Exhibit> all;
  return all;
}

constexpr unsigned kDepth = 2000;
constexpr unsigned kMostPreemptions = 4;
constexpr double kSecondsEach = 20;
constexpr std::uint64_t kSample = 200'000;

/// No preemption first, then more; in the end a sample, for what needs many.
std::vector<Search> searches() {
  std::vector<Search> all;
  for (unsigned preemptions = 0; preemptions <= kMostPreemptions; ++preemptions) {
    all.push_back(bound(preemptions, kSecondsEach));
  }
  all.push_back(random(kSample, kSecondsEach));
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
void search_faulty(const Exhibit& exhibit, const ScenarioType& type, unsigned depth, const Limits& limits,
                   Result& result) {
  for (const Search& search : searches()) {
    const Outcome outcome = explore(type, depth, search, limits);
    result.executions += outcome.executions;
    if (!outcome.failed && !*limits.stop) continue;
    result.scheduler = to_string(search.strategy);
    result.message = outcome.problem;
    result.trace = outcome.trace;
    result.pass = outcome.failed && outcome.problem.find(exhibit.expected) != std::string::npos;
    if (!result.pass) result.message += ", expected " + exhibit.expected;
    return;
  }
  result.message = "escaped: no search has noticed it";
}

/// The sound twin must not: or else the judge would catch anything.
void search_sound(const ScenarioType& type, const Limits& limits, Result& result) {
  for (const Search& search : {bound(2, kSecondsEach), random(kSample / 4, kSecondsEach)}) {
    const Outcome outcome = explore(type, kDepth, search, limits);
    if (!outcome.failed && !outcome.cut) continue;
    result.pass = false;
    result.message = "the sound twin does not hold: " + (outcome.failed ? outcome.problem : "ended before it was done");
    return;
  }
}

Result show_program(const Exhibit& exhibit, Result result) {
  result.scheduler = "program";
  result.message = exhibit.program(true);
  result.pass = !result.message.empty() && result.message.find(exhibit.expected) != std::string::npos;
  if (result.message.empty()) result.message = "escaped: the program has not noticed it";
  if (const std::string problem = exhibit.program(false); !problem.empty()) {
    result.pass = false;
    result.message = "the sound twin does not hold: " + problem;
  }
  return result;
}

Result show(const Exhibit& exhibit, Limits limits) {
  limits.seed = 1;
  Result result;
  result.suite = std::to_string(exhibit.number);
  result.broken_variant = true;
  if (exhibit.program != nullptr) return show_program(exhibit, std::move(result));
  if (exhibit.faulty) {
    search_faulty(exhibit, *exhibit.faulty, kDepth, limits, result);
    if (result.pass) search_sound(*exhibit.sound, limits, result);
    return result;
  }
  const std::optional<Found> found = find_variant(exhibit.variant);
  if (!found) {
    result.message = "there is no " + exhibit.variant;
    return result;
  }
  if (!found->variant->mutations.empty()) {
    explore(found->suite->type(), found->suite->depth(), random(512, 10), limits);
    result.message = Sites::mutate(found->variant->mutations);
    if (!result.message.empty()) return result;
  }
  search_faulty(exhibit, found->variant->type, found->suite->depth(), limits, result);
  return result;
}

// Guards
// --------------------------------------------------------------------------------------------------------------

enum class GuardTest { kNone, kPassed, kFailed, kNotBuilt, kLeftOut };

const char* name_of(GuardTest guard) {
  switch (guard) {
    case GuardTest::kNone: return "no guard";
    case GuardTest::kPassed: return "guard passes";
    case GuardTest::kFailed: return "guard FAILS";
    case GuardTest::kNotBuilt: return "guard is not built";
    case GuardTest::kLeftOut: return "guard left out";
  }
  return "?";
}

/// Runs the unit test that keeps the bug out of what ships. A filter that names no test counts as a failure.
GuardTest run_guard(const Exhibit& exhibit, const std::string& folder) {
  if (exhibit.guard.empty()) return GuardTest::kNone;
  if (folder.empty()) return GuardTest::kLeftOut;
  const std::size_t space = exhibit.guard.find(' ');
  const std::string program = folder + "/" + exhibit.guard.substr(0, space);
  if (!std::filesystem::exists(program)) return GuardTest::kNotBuilt;
  const std::string command =
      fmt::format("timeout 120 '{}' --gtest_filter='{}' 2>&1", program, exhibit.guard.substr(space + 1));
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return GuardTest::kFailed;
  std::string output;
  std::array<char, 4096> buffer;
  while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  const bool some = output.find("[  PASSED  ] ") != std::string::npos && output.find("] 0 tests") == std::string::npos;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 && some ? GuardTest::kPassed : GuardTest::kFailed;
}

// The page
// ------------------------------------------------------------------------------------------------------------

constexpr const char* kHead =
    R"(# The museum: 22 bugs, and who catches each

Generated by `hakmem-check museum`; do not edit. Each exhibit is a faulty variant in a few lines, with the smallest
counterexample found: the searches begin without preemption and allow one more each time. Exhibits of their own have a
sound twin that the same judge must pass; the others are broken variants of a suite, which holds as it is. The guard is
the unit test that keeps the bug out of what ships.

)";

/// A trace that reads the same in every process: addresses outside the simulated ranges, and the lines that mark the
/// begin and end of things, tell nothing.
std::string steady(const std::string& trace) {
  static const std::regex address("0x(?!5eed)[0-9a-f]{6,}");
  static const std::regex mark("\\[[0-9]+\\] [0-9]+: \\[BEFORE END\\]\n");
  return std::regex_replace(std::regex_replace(trace, mark, ""), address, "0x...");
}

std::string section_of(const Exhibit& exhibit, const Result& result) {
  std::string text = fmt::format(
      "## {}. {}\n\n{}\n\n- Fault shown: {}\n- Shown by: {}\n- Found: {} ({})\n", exhibit.number, exhibit.title,
      exhibit.story, exhibit.fault,
      !exhibit.variant.empty()     ? "`" + exhibit.variant + "`"
      : exhibit.program == nullptr ? "a scenario of the museum, with its sound twin"
                                   : "a program of the museum, with its sound twin",
      result.message, result.scheduler == "program" ? "no schedule needed" : "scheduler " + result.scheduler);
  if (!exhibit.guard.empty()) text += fmt::format("- Guard: `{}`\n", exhibit.guard);
  if (!result.trace.empty()) text += "\n```\n" + steady(result.trace) + "```\n";
  return text + "\n";
}

bool chosen(const Exhibit& exhibit, const std::string& pattern) {
  return std::to_string(exhibit.number) == pattern || exhibit.title.find(pattern) != std::string::npos;
}

}  // namespace

const std::vector<Exhibit>& exhibits() { return registry(); }

Exhibited::Exhibited(std::vector<Exhibit> exhibits) {
  auto& all = registry();
  all.insert(all.end(), exhibits.begin(), exhibits.end());
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.number < b.number; });
}

int museum(const MuseumOptions& options) {
  std::vector<Job> jobs;
  std::vector<const Exhibit*> shown;
  for (const Exhibit& exhibit : exhibits()) {
    if (!chosen(exhibit, options.pattern)) continue;
    shown.push_back(&exhibit);
    Job job{std::to_string(exhibit.number), "", true, kSecondsEach * (kMostPreemptions + 4), {}};
    job.work = [&exhibit](const Limits& limits) { return show(exhibit, limits); };
    jobs.push_back(std::move(job));
  }
  if (shown.empty()) {
    std::fprintf(stderr, "hakmem-check: no exhibit is called '%s'\n", options.pattern.c_str());
    return 2;
  }
  JobPool pool(options.jobs, 0);
  const std::vector<Result> results = pool.run(std::move(jobs), [](const Result&) {});
  std::string page = kHead;
  std::size_t caught = 0;
  bool guarded = true;
  for (const Exhibit* exhibit : shown) {
    const auto result = std::find_if(results.begin(), results.end(),
                                     [&](const Result& one) { return one.suite == std::to_string(exhibit->number); });
    const GuardTest guard = JobPool::interrupted() ? GuardTest::kLeftOut : run_guard(*exhibit, options.tests);
    caught += result->pass;
    guarded = guarded && guard != GuardTest::kFailed && guard != GuardTest::kNotBuilt;
    std::printf("%-8s %2u  %-50s %s (%s); %s\n", result->pass ? "caught" : "ESCAPED", exhibit->number,
                exhibit->title.c_str(), result->message.c_str(), result->scheduler.c_str(), name_of(guard));
    page += section_of(*exhibit, *result);
  }
  std::printf("%zu exhibits, %zu caught, %zu escaped\n", shown.size(), caught, shown.size() - caught);
  if (!guarded) std::printf("guards fail or are not built: build the unit tests, name their folder by --tests\n");
  if (JobPool::interrupted()) return 130;
  const bool good = caught == shown.size() && guarded;
  if (good && options.pattern.empty() && !options.page.empty()) {
    if (const std::string problem = write_text(options.page, page); !problem.empty()) {
      std::fprintf(stderr, "hakmem-check: %s\n", problem.c_str());
      return 1;
    }
  }
  return good ? 0 : 1;
}

}  // namespace hakmem::model
