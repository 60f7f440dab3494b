/// Many threads against one allocator. See --help; docs of the scenarios are in scenarios.cpp.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "last_words.hpp"
#include "policies.hpp"
#include "run.hpp"

#ifdef HAKMEM_ASAN
/// Inside the heap, memset and memcpy work on blocks that are about to be handed out and still marked as free.
extern "C" const char* __asan_default_options() { return "replace_intrin=0"; }
#endif

namespace hakmem::stress {

namespace {

const ScenarioEntry& entry_named(const std::string& name) {
  const auto all = all_scenarios();
  return *std::find_if(all.begin(), all.end(), [&](const ScenarioEntry& entry) { return entry.name == name; });
}

int run_all(const Options& options) {
  Report report(options.json);
  const auto targets = options.targets.size();
  const Quota quota{options.seconds / static_cast<double>(targets), options.operations / targets};
  for (const std::string& name : options.scenarios) {
    const ScenarioEntry& entry = entry_named(name);
    for (const Target target : options.targets) {
      report.start(plan_run(entry, target, options));
      report.finish(run_scenario(entry, target, options, quota));
    }
  }
  return report.all_passed() ? 0 : 1;
}

}  // namespace

}  // namespace hakmem::stress

int main(int count, char** arguments) {
  const auto options = hakmem::stress::parse_options(count, arguments);
  fmt::print("stress: seed {}\n", options.seed);
  std::fflush(stdout);
  hakmem::stress::LastWords::install();
  try {
    return hakmem::stress::run_all(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "stress: {}\n", error.what());
    return 1;
  }
}
