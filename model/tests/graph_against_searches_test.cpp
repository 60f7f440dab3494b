/// What the searches show of a program, the graph engine allows; and it shows no more than that, but where the searches
/// have a blind spot. A program that is compiled code has the executions that it has as a list of steps.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <vector>

#include "check/atomic.hpp"
#include "check/search.hpp"
#include "engine/graph/explorer.hpp"
#include "model/tests/graph_oracle.hpp"
#include "model/tests/graph_programs.hpp"

namespace check::graph::test {
namespace {

/// What has been read, thread by thread, and the last values: four bits each.
class Outcomes {
 public:
  static constexpr unsigned kBits = 4;

  void begin() { code_ = 1; }
  void add(Value value) { code_ = code_ << kBits | value; }
  void end() {
    if (std::find(all_.begin(), all_.end(), code_) == all_.end()) all_.push_back(code_);
  }
  void clear() { all_.clear(); }
  /// Allocates nothing until there are so many.
  void reserve() { all_.reserve(100'000); }
  [[nodiscard]] std::set<std::uint64_t> all() const { return {all_.begin(), all_.end()}; }

 private:
  std::uint64_t code_ = 1;
  std::vector<std::uint64_t> all_;
};

const Steps* steps_now = nullptr;  // the program that runs
Outcomes outcomes;

/// A generated program in the searches' engine.
template <unsigned kCount>
struct Searched : Scenario {
  static constexpr unsigned kThreads = kCount;
  static constexpr unsigned kMost = 4;

  void thread(unsigned index) override {
    Value last = 0;
    for (const Step& step : (*steps_now)[index]) {
      const Operation& operation = step.operation;
      Atomic<std::uint64_t>& word = words[operation.location];
      const Value value = step.grows ? last + 1 : operation.value;
      switch (operation.what) {
        case What::kRead: last = word.load(operation.order); break;
        case What::kWrite: word.store(value, operation.order); continue;
        case What::kUpdate: last = word.fetch_add(value, operation.order); break;
        case What::kCompareExchange:
          last = operation.expected;
          (void)word.compare_exchange_strong(last, value, operation.order, operation.failure_order);
          break;
        default: continue;
      }
      read[index][reads[index]++] = last;
    }
  }

  void after() override {
    outcomes.begin();
    for (unsigned index = 0; index < kCount; ++index) {
      for (unsigned i = 0; i < reads[index]; ++i) outcomes.add(read[index][i]);
    }
    for (const Atomic<std::uint64_t>& word : words) outcomes.add(word.load(kRelaxed));
    outcomes.end();
  }

  Atomic<std::uint64_t> words[kLocations];
  Value read[kCount][kMost] = {};
  unsigned reads[kCount] = {};
};

/// What one search of a program shows. \param executions how many it has visited
std::set<std::uint64_t> shown_by(const Search& search, const Steps& steps, std::uint64_t& visited) {
  static const volatile bool never = false;
  static volatile std::uint64_t executions = 0;
  static volatile double share = 0;
  steps_now = &steps;
  outcomes.clear();
  Limits limits{1, &never, &executions, &share};
  limits.begins_anew = [] { outcomes.clear(); };
  const ScenarioType type = steps.size() == 2 ? ScenarioType::of<Searched<2>>() : ScenarioType::of<Searched<3>>();
  const Outcome outcome = explore(type, 500, search, limits);
  EXPECT_EQ(outcome.problem, "");
  visited = outcome.executions;
  return outcomes.all();
}

std::set<std::uint64_t> shown_by_graphs(const Steps& steps, std::uint64_t& visited) {
  const StraightProgram program(steps);
  outcomes.clear();
  const auto judge = [](const Graph& graph) {
    outcomes.begin();
    for (unsigned thread = 0; thread < graph.threads(); ++thread) {
      for (const Value value : graph.values_read(thread, graph.steps(thread).size())) outcomes.add(value);
    }
    for (Location location = 0; location < kLocations; ++location) {
      const auto& writes = graph.writes(location);
      outcomes.add(writes.empty() ? 0 : graph[writes.back()].value);
    }
    outcomes.end();
    return true;
  };
  Explorer explorer(program, {judge, [](const Graph&, const Race&) { return true; }});
  EXPECT_TRUE(explorer.run());
  visited = explorer.executions();
  return outcomes.all();
}

bool writes_to(const std::vector<Step>& thread, Location location) {
  return std::any_of(thread.begin(), thread.end(), [&](const Step& step) {
    return step.operation.what != What::kRead && step.operation.location == location;
  });
}

/// Whether the searches may be blind to something: a thread writes to two locations (2+2W, S), or seq_cst operations
/// meet weaker ones (SC).
bool has_blind_spot(const Steps& steps) {
  bool sequential = false, weaker = false;
  for (const std::vector<Step>& thread : steps) {
    if (int{writes_to(thread, kX)} + int{writes_to(thread, kY)} + int{writes_to(thread, kZ)} > 1) return true;
    for (const Step& step : thread) {
      const Operation& operation = step.operation;
      const bool fails_weaker = operation.what == What::kCompareExchange && operation.failure_order != kSequential;
      sequential |= operation.order == kSequential;
      weaker |= operation.order != kSequential || fails_weaker;
    }
  }
  return sequential && weaker;
}

TEST(GraphsAgainstSearches, ShowTheSameButForTheBlindSpotsOfTheSearches) {
  outcomes.reserve();
  Generator generator(11, true);
  unsigned compared = 0, more = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const Steps steps = generator.program();
    std::uint64_t visited = 0;
    const auto by_searches = shown_by(full(), steps, visited);
    const auto by_graphs = shown_by_graphs(steps, visited);
    ASSERT_TRUE(std::includes(by_graphs.begin(), by_graphs.end(), by_searches.begin(), by_searches.end())) << i;
    if (by_graphs.size() > by_searches.size()) ++more;
    if (has_blind_spot(steps)) continue;
    ++compared;
    ASSERT_EQ(by_graphs, by_searches) << i;
  }
  EXPECT_GT(compared, 100u);
  EXPECT_GT(more, 0u) << "a blind spot shows";
}

TEST(GraphsOfCompiledCode, AreThoseOfTheSameProgramAsAListOfSteps) {
  outcomes.reserve();
  Generator generator(12, true);
  for (unsigned i = 0; i < 1000; ++i) {
    const Steps steps = generator.program();
    std::uint64_t visited = 0;
    std::uint64_t visited_as_code = 0;
    const auto as_steps = shown_by_graphs(steps, visited);
    ASSERT_EQ(shown_by(graphs(), steps, visited_as_code), as_steps) << i;
    ASSERT_EQ(visited_as_code, visited) << i;
  }
}

}  // namespace
}  // namespace check::graph::test
