/// Whole heaps under generated programs: RapidCheck chooses the program, the search the schedules. A failing program is
/// shrunk to one from which nothing can be left out.

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <vector>

#include "model/engine/search.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

enum class Step : std::uint8_t {
  kAllocate,
  kFree,      ///< its own oldest block
  kHandOver,  ///< its own oldest block, to whoever receives it
  kReceive,   ///< and frees what another has handed over
  kRenew,     ///< exits, and begins anew as another thread would
};

std::ostream& operator<<(std::ostream& out, Step step) {
  constexpr const char* kNames[] = {"allocate", "free", "hand over", "receive", "renew"};
  return out << kNames[static_cast<unsigned>(step)];
}

constexpr unsigned kThreads = 2;
using Program = std::vector<std::vector<Step>>;  // by thread

const Program* program_under_test = nullptr;

/// Runs the program; a thread frees at its end what it has left.
struct Generated : WholeHeap {
  static constexpr unsigned kThreads = model::kThreads;
  void before() override { set_up(); }
  void thread(unsigned index) override {
    Context* context = &attach();
    void* mine[8] = {};
    unsigned count = 0;
    for (const Step step : (*program_under_test)[index]) take(step, context, mine, count);
    while (count != 0) free(*context, mine[--count], kHanded);
    heap.detach(*context);
  }

 private:
  void take(Step step, Context*& context, void** mine, unsigned& count) {
    switch (step) {
      case Step::kAllocate:
        if (void* block = heap.allocate(*context, kToyBytes)) {
          payload_write(block, kHanded);
          mine[count++] = block;
        }
        break;
      case Step::kFree:
        if (count != 0) free(*context, mine[--count], kHanded);
        break;
      case Step::kHandOver:
        if (count == 0) break;
        // A block that nobody has received yet makes way.
        if (void* old = handed.exchange(mine[--count], std::memory_order_acq_rel)) free(*context, old, kHanded);
        break;
      case Step::kReceive:
        if (void* block = receive()) free(*context, block, kHanded);
        break;
      case Step::kRenew: heap.detach(*context); context = &attach();
    }
  }
};

bool never_stop = false;
std::uint64_t executions_shown = 0;
double share_shown = 0;

Outcome search(const Program& program, const Search& search) {
  program_under_test = &program;
  return explore(ScenarioType::of<Generated>(), 20'000, search, {1, &never_stop, &executions_shown, &share_shown});
}

rc::Gen<Program> programs() {
  const auto step = rc::gen::weightedElement<Step>(
      {{4, Step::kAllocate}, {2, Step::kFree}, {3, Step::kHandOver}, {3, Step::kReceive}, {1, Step::kRenew}});
  const auto steps = rc::gen::mapcat(rc::gen::inRange(1, 6), [step](int count) {
    return rc::gen::container<std::vector<Step>>(static_cast<std::size_t>(count), step);
  });
  // Shrinking leaves out steps.
  const auto shrinking = rc::gen::shrink(steps, [](const std::vector<Step>& all) {
    return rc::seq::map(rc::seq::range<std::size_t>(0, all.size()), [all](std::size_t left_out) {
      std::vector<Step> rest = all;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(left_out));
      return rest;
    });
  });
  return rc::gen::container<Program>(kThreads, shrinking);
}

/// The problem of the latest failing program; RapidCheck goes on from a smaller one whenever that fails too, so in the
/// end it is that of the smallest.
struct Found {
  Program program;
  std::string problem;
};

bool all_hold(Found& found) {
  return rc::check([&found] {
    const Program program = *programs();
    for (const Search& kind : {random(600, 20), pct(3, 600, 20)}) {
      const Outcome outcome = search(program, kind);
      if (!outcome.failed) continue;
      found = {program, outcome.problem};
      RC_FAIL(outcome.problem);
    }
  });
}

std::size_t steps_of(const Program& program) {
  std::size_t steps = 0;
  for (const auto& thread : program) steps += thread.size();
  return steps;
}

TEST(GeneratedPrograms, HoldOnTheWholeHeap) {
  Found found;
  EXPECT_TRUE(all_hold(found)) << found.problem;
}

TEST(GeneratedPrograms, PlantedFaultIsFoundAndShrunkToAFewSteps) {
  const Program meets_all_sites{{Step::kAllocate, Step::kHandOver, Step::kAllocate, Step::kFree},
                                {Step::kReceive, Step::kRenew}};
  ASSERT_FALSE(search(meets_all_sites, random(2000, 20)).failed);
  const Mutation weak = weaken({"lockfree/remote_word.hpp", "push_chain", kCompareExchange}, kRelaxed);
  ASSERT_EQ(Sites::mutate(std::vector{weak}), "");
  Found found;
  EXPECT_FALSE(all_hold(found));
  Sites::restore();
  EXPECT_NE(found.problem.find("DATA RACE"), std::string::npos) << found.problem;
  EXPECT_LE(steps_of(found.program), 5u);
  EXPECT_FALSE(search(found.program, random(2000, 20)).failed) << "it fails without the fault";
}

}  // namespace

}  // namespace hakmem::model
