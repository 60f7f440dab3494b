/// The model's body of generated heap programs: RapidCheck chooses the program, the search the schedules. A failing
/// program is shrunk to one from which nothing can be left out. Programs of attached threads are searched to their ends.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <string>

#include "check/search.hpp"
#include "model/programs/planted.hpp"
#include "model/scenarios/model_body.hpp"
#include "model/scenarios/orders.hpp"

namespace hakmem::model {

namespace {

using namespace check;
using programs::HeapProgram;

bool never_stop = false;
std::uint64_t executions_shown = 0;
double share_shown = 0;

template <class Sync = RelacySync>
Outcome search(const HeapProgram& program, const Search& search) {
  program_under_test = &program;
  return explore(scenario_of<Sync>(program), kProgramDepth, search, {1, &never_stop, &executions_shown, &share_shown});
}

HeapProgram parse(const char* text) {
  std::string problem;
  const HeapProgram program = programs::parse_program(text, problem);
  EXPECT_EQ(problem, "");
  return program;
}

/// Shrinking leaves out steps.
rc::Gen<HeapProgram> generated_programs() {
  const auto any = rc::gen::map(rc::gen::noShrink(rc::gen::arbitrary<std::uint64_t>()), programs::generate_program);
  return rc::gen::shrink(
      any, [](const HeapProgram& program) { return rc::seq::fromContainer(programs::smaller_programs(program)); });
}

/// The problem of the latest failing program; RapidCheck goes on from a smaller one whenever that fails too, so in the
/// end it is that of the smallest.
struct Found {
  HeapProgram program;
  std::string problem;
};

template <class Sync = RelacySync>
bool all_hold(Found& found) {
  return rc::check([&found] {
    const HeapProgram program = *generated_programs();
    for (const Search& kind : {random(600), pct(3, 600)}) {
      const Outcome outcome = search<Sync>(program, kind);
      if (!outcome.failed) continue;
      found = {program, outcome.problem};
      RC_FAIL(to_string(program) + ": " + outcome.problem);
    }
  });
}

TEST(GeneratedPrograms, HoldOnTheWholeHeap) {
  Found found;
  EXPECT_TRUE(all_hold(found)) << to_string(found.program) << ": " << found.problem;
}

TEST(GeneratedPrograms, PlantedOrderIsFoundAndShrunkToAFewSteps) {
  const HeapProgram meets_all_sites = parse("T0: a=malloc(64) give a b=malloc(64) free b T1: c=take free c renew");
  ASSERT_FALSE(search(meets_all_sites, random(2000)).failed);
  const Mutation weak = weaken({"lockfree/remote_word.hpp", "push_chain", kCompareExchange}, kRelaxed);
  ASSERT_EQ(Sites::mutate(std::vector{weak}), "");
  Found found;
  EXPECT_FALSE(all_hold(found));
  Sites::restore();
  EXPECT_NE(found.problem.find("DATA RACE"), std::string::npos) << found.problem;
  EXPECT_LE(steps_of(found.program), 5u) << to_string(found.program);
  EXPECT_FALSE(search(found.program, random(2000)).failed) << "it fails without the fault";
}

/// The toy heap over a policy that is broken: what is taken from a slab's remote word stays there.
using PlantedSync = programs::KeepsWhatIsTaken<RelacySync>;

TEST(GeneratedPrograms, PlantedPolicyIsFoundAndShrunkToAFewSteps) {
  Found found;
  EXPECT_FALSE(all_hold<PlantedSync>(found));
  EXPECT_LE(steps_of(found.program), 7u) << to_string(found.program);
  EXPECT_FALSE(search(found.program, random(2000)).failed) << "it fails without the fault";
}

// To their ends ---------------------------------------------------------------------------------------------------------

constexpr std::uint64_t kFirstAttached = 1;

TEST(AttachedPrograms, HoldInAllExecutions) {
  std::uint64_t executions = 0;
  for (std::uint64_t seed = kFirstAttached; seed < kFirstAttached + 40; ++seed) {
    const HeapProgram program = programs::generate_attached_program(seed);
    const Outcome outcome = search(program, graphs());
    ASSERT_FALSE(outcome.failed) << seed << ": " << to_string(program) << ": " << outcome.problem;
    ASSERT_FALSE(outcome.cut) << seed;
    executions += outcome.executions;
  }
  EXPECT_GT(executions, 400u) << "threads meet";
}

/// The first program, by its number, that fails; and what nothing can be left out of.
template <class Sync = RelacySync>
HeapProgram smallest_that_fails(std::string& problem) {
  constexpr std::uint64_t kMost = 200;
  for (std::uint64_t seed = kFirstAttached; seed < kFirstAttached + kMost; ++seed) {
    HeapProgram program = programs::generate_attached_program(seed);
    if (!search<Sync>(program, graphs()).failed) continue;
    for (bool smaller = true; smaller;) {
      smaller = false;
      for (const HeapProgram& candidate : programs::smaller_programs(program)) {
        const Outcome outcome = search<Sync>(candidate, graphs());
        if (!outcome.failed) continue;
        program = candidate;
        problem = outcome.problem;
        smaller = true;
        break;
      }
    }
    return program;
  }
  return {};
}

TEST(AttachedPrograms, FindAPlantedOrder) {
  const HeapProgram meets_all_sites = parse("T0: attached a=malloc(64) give a T1: attached c=take free c");
  ASSERT_FALSE(search(meets_all_sites, graphs()).failed);
  const Mutation weak = weaken({"lockfree/remote_word.hpp", "push_chain", kCompareExchange}, kRelaxed);
  ASSERT_EQ(Sites::mutate(std::vector{weak}), "");
  std::string problem;
  const HeapProgram found = smallest_that_fails(problem);
  Sites::restore();
  ASSERT_FALSE(found.empty());
  EXPECT_NE(problem.find("DATA RACE"), std::string::npos) << problem;
  EXPECT_LE(steps_of(found), 6u) << to_string(found);
  EXPECT_FALSE(search(found, graphs()).failed) << "it fails without the fault";
}

TEST(AttachedPrograms, FindAPlantedPolicy) {
  std::string problem;
  const HeapProgram found = smallest_that_fails<PlantedSync>(problem);
  ASSERT_FALSE(found.empty());
  EXPECT_LE(steps_of(found), 7u) << to_string(found);
  EXPECT_FALSE(search(found, graphs()).failed) << "it fails without the fault";
}

}  // namespace

}  // namespace hakmem::model
