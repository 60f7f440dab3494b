/// The model's body of generated heap programs: RapidCheck chooses the program, the search the schedules. A failing
/// program is shrunk to one from which nothing can be left out.

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

template <class ConfigT = ToyConfig>
Outcome search(const HeapProgram& program, const Search& search) {
  program_under_test = &program;
  return explore(program_scenario_of<ConfigT>(program.size()), kProgramDepth, search,
                 {1, &never_stop, &executions_shown, &share_shown});
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

template <class ConfigT = ToyConfig>
bool all_hold(Found& found) {
  return rc::check([&found] {
    const HeapProgram program = *generated_programs();
    for (const Search& kind : {random(600), pct(3, 600)}) {
      const Outcome outcome = search<ConfigT>(program, kind);
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
using PlantedConfig = Config<programs::KeepsWhatIsTaken<RelacySync>, SimulatedOs<11>, ToyGeometry>;

TEST(GeneratedPrograms, PlantedPolicyIsFoundAndShrunkToAFewSteps) {
  Found found;
  EXPECT_FALSE(all_hold<PlantedConfig>(found));
  EXPECT_LE(steps_of(found.program), 7u) << to_string(found.program);
  EXPECT_FALSE(search(found.program, random(2000)).failed) << "it fails without the fault";
}

}  // namespace

}  // namespace hakmem::model
