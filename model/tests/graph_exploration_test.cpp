/// The graph engine visits each execution that RC11 allows, and each once: by counts that are known, and on generated
/// programs by an oracle that tries every candidate.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/graph/explorer.hpp"
#include "model/tests/graph_oracle.hpp"
#include "model/tests/graph_programs.hpp"

namespace check::graph::test {
namespace {

/// What an exploration finds.
struct Visited {
  std::map<std::string, unsigned> executions;
  bool race = false;
  bool left_out = false;  ///< by a bound
  [[nodiscard]] bool twice() const {
    return std::any_of(executions.begin(), executions.end(), [](const auto& one) { return one.second > 1; });
  }
  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> all;
    for (const auto& [name, times] : executions) all.insert(name);
    return all;
  }
};

Visited visit(const Steps& steps, Rules rules = {}, std::optional<unsigned> bound = {}, unsigned failures = 0) {
  const StraightProgram program(steps);
  Visited visited;
  Explorer explorer(program,
                    {[&](const Graph& graph) {
                       ++visited.executions[signature_of(graph)];
                       return true;
                     },
                     [&](const Graph&, const Race&) {
                       visited.race = true;
                       return true;
                     }},
                    rules);
  if (bound) explorer.bound(*bound);
  explorer.let_fail(failures);
  EXPECT_TRUE(explorer.run());
  visited.left_out = explorer.has_left_out();
  return visited;
}

/// How many executions a program has, each of which was visited once.
std::size_t count(const Steps& steps, unsigned failures = 0) {
  const Visited visited = visit(steps, {}, {}, failures);
  EXPECT_FALSE(visited.twice());
  EXPECT_FALSE(visited.race);
  return visited.executions.size();
}

TEST(GraphExploration, WritersOfOneLocationComeInEveryOrder) {
  EXPECT_EQ(count({{write(kX, 1)}, {write(kX, 2)}, {write(kX, 3)}}), 6u);
  EXPECT_EQ(count({{write(kX, 1)}, {write(kX, 2)}, {write(kX, 3)}, {write(kX, 4)}, {write(kX, 5)}}), 120u);
}

TEST(GraphExploration, UpdatesOfOneLocationComeInEveryOrderAndReadEachOther) {
  EXPECT_EQ(count({{add(kX)}, {add(kX)}, {add(kX)}}), 6u);
  EXPECT_EQ(count({{add(kX)}, {add(kX)}, {add(kX)}, {add(kX)}, {add(kX)}}), 120u);
}

TEST(GraphExploration, EachReaderOfOneWriterSeesItOrDoesNot) {
  EXPECT_EQ(count({{write(kX, 1)}, {read(kX)}, {read(kX)}, {read(kX)}, {read(kX)}}), 16u);
}

TEST(GraphExploration, CoherentReadsGoForward) { EXPECT_EQ(count({{write(kX, 1)}, {read(kX), read(kX)}}), 3u); }

TEST(GraphExploration, OneOfTwoCompareAndSwapsWins) { EXPECT_EQ(count({{swap(kX, 0, 1)}, {swap(kX, 0, 2)}}), 2u); }

TEST(GraphExploration, WeakCompareAndSwapsFailForNoReasonAsOftenAsTheyMay) {
  const Step first = swap(kX, 0, 1);
  const Step second = swap(kX, 0, 2);
  const auto counts = [](const Steps& steps) { return std::vector{count(steps), count(steps, 1), count(steps, 2)}; };
  using Counts = std::vector<std::size_t>;
  EXPECT_EQ(counts({{first}, {second}}), (Counts{2, 2, 2})) << "strong ones never do";
  EXPECT_EQ(counts({{weak(first)}, {second}}), (Counts{2, 3, 3})) << "only before the other one";
  EXPECT_EQ(counts({{weak(first)}, {weak(second)}}), (Counts{2, 4, 5})) << "each of them, both of them";
  EXPECT_EQ(counts({{weak(first), weak(first)}}), (Counts{1, 2, 3})) << "the first, and then the second one";
}

/// Of one shape, by the orders of its operations.
struct Shape {
  const char* name;
  Steps weak, strong;
  std::size_t weakly, strongly;
};

TEST(GraphExploration, OrdersForbidWhatRc11SaysTheyForbid) {
  const auto store_buffering = [](std::memory_order order, bool fences) {
    const auto thread = [&](Location mine, Location other) {
      return fences ? std::vector<Step>{write(mine, 1, order), fence(kSequential), read(other, order)}
                    : std::vector<Step>{write(mine, 1, order), read(other, order)};
    };
    return Steps{thread(kX, kY), thread(kY, kX)};
  };
  const auto message = [](std::memory_order out, std::memory_order in) {
    return Steps{{write(kX, 1), write(kY, 1, out)}, {read(kY, in), read(kX)}};
  };
  const auto message_by_fences = [](std::memory_order out, std::memory_order in) {
    return Steps{{write(kX, 1), fence(out), write(kY, 1)}, {read(kY), fence(in), read(kX)}};
  };
  const auto message_by_an_update = [](std::memory_order out) {
    return Steps{{write(kX, 1), write(kY, 1, out)}, {add(kY)}, {read(kY, kAcquire), read(kX)}};
  };
  const auto two_writers_each = [](std::memory_order order) {
    return Steps{{write(kX, 1, order), write(kY, 1, order)}, {write(kY, 2, order), write(kX, 2, order)}};
  };
  const auto readers_of_two_writers = [](std::memory_order order) {
    return Steps{{write(kX, 1, order)},
                 {write(kY, 1, order)},
                 {read(kX, order), read(kY, order)},
                 {read(kY, order), read(kX, order)}};
  };
  const auto load_buffering = [](std::memory_order order) {
    return Steps{{read(kX, order), write(kY, 1)}, {read(kY, order), write(kX, 1)}};
  };
  const Shape shapes[] = {
      {"SB", store_buffering(kRelaxed, false), store_buffering(kSequential, false), 4, 3},
      {"SB with fences", store_buffering(kRelaxed, false), store_buffering(kRelaxed, true), 4, 3},
      {"MP", message(kRelaxed, kAcquire), message(kRelease, kAcquire), 4, 3},
      {"MP, the reader", message(kRelease, kRelaxed), message(kRelease, kAcquire), 4, 3},
      {"MP with fences", message_by_fences(kRelease, kRelease), message_by_fences(kRelease, kAcquire), 4, 3},
      {"MP behind an update", message_by_an_update(kRelaxed), message_by_an_update(kRelease), 12, 9},
      {"2+2W", two_writers_each(kRelaxed), two_writers_each(kSequential), 4, 3},
      {"IRIW", readers_of_two_writers(kRelaxed), readers_of_two_writers(kSequential), 16, 15},
      {"LB", load_buffering(kRelaxed), load_buffering(kAcquire), 3, 3},
  };
  for (const Shape& shape : shapes) {
    EXPECT_EQ(count(shape.weak), shape.weakly) << shape.name;
    EXPECT_EQ(count(shape.strong), shape.strongly) << shape.name;
  }
}

TEST(GraphExploration, PlainAccessesRaceUnlessOneHappensBeforeTheOther) {
  const auto handed_over = [](std::memory_order out) {
    return Steps{{plain(write(kX, 1)), write(kY, 1, out)}, {swap(kY, 1, 2, kBoth), plain(read(kZ)), plain(read(kX))}};
  };
  EXPECT_TRUE(visit(handed_over(kRelaxed)).race);
  EXPECT_TRUE(visit({{plain(write(kX, 1))}, {plain(read(kX))}}).race);
  EXPECT_TRUE(visit({{plain(write(kX, 1))}, {read(kX)}}).race);
  EXPECT_FALSE(visit({{plain(read(kX))}, {plain(read(kX))}}).race);
  EXPECT_FALSE(visit({{plain(write(kX, 1)), plain(read(kX)), write(kY, 1, kRelease)}, {read(kY, kAcquire)}}).race);
}

TEST(GraphExploration, EndsWhereItIsToldTo) {
  const StraightProgram program({{write(kX, 1)}, {write(kX, 2)}, {write(kX, 3)}});
  Explorer explorer(program, {[](const Graph&) { return false; }, [](const Graph&, const Race&) { return true; }});
  EXPECT_FALSE(explorer.run());
  EXPECT_EQ(explorer.executions(), 1u);
}

// Bounds --------------------------------------------------------------------------------------------------------------

/// How many executions of a program are within each bound, from 0 on to where it leaves nothing out.
std::vector<std::size_t> within_bounds(const Steps& steps, unsigned failures = 0) {
  std::vector<std::size_t> counts;
  for (bool left_out = true; left_out;) {
    const Visited visited = visit(steps, {}, static_cast<unsigned>(counts.size()), failures);
    EXPECT_FALSE(visited.twice());
    left_out = visited.left_out;
    counts.push_back(visited.executions.size());
  }
  return counts;
}

TEST(GraphExploration, BoundCountsOperationsThatStray) {
  using Counts = std::vector<std::size_t>;
  const Step reads = read(kX);
  EXPECT_EQ(within_bounds({{write(kX, 1)}, {reads}, {reads}, {reads}}), (Counts{1, 4, 7, 8})) << "something older";
  EXPECT_EQ(within_bounds({{reads}, {reads}, {reads}, {write(kX, 1)}}), (Counts{1, 4, 7, 8})) << "something to come";
  EXPECT_EQ(within_bounds({{write(kX, 1)}, {write(kX, 2)}, {write(kX, 3)}}), (Counts{1, 4, 6})) << "before another";
  EXPECT_EQ(within_bounds({{add(kX)}, {add(kX)}}), (Counts{1, 2})) << "of two updates the other way round one strays";
  EXPECT_EQ(within_bounds({{add(kX), add(kX), add(kX)}, {add(kX)}}), (Counts{1, 4})) << "one comes before any of three";
  const Step swaps = weak(swap(kX, 0, 1));
  EXPECT_EQ(within_bounds({{swaps}, {swaps}}, 2), (Counts{1, 4, 5})) << "the other way round, or one that fails";
}

/// A thread that never ends.
class EndlessProgram : public Program {
 public:
  [[nodiscard]] unsigned threads() const override { return 1; }
  [[nodiscard]] Operation next(unsigned, std::size_t, std::span<const Value>) const override {
    return {.what = What::kFence, .order = kRelease};
  }
};

TEST(GraphExploration, ProgramsThatAreTooLargeAreRefused) {
  const Found found{[](const Graph&) { return true; }, [](const Graph&, const Race&) { return true; }};
  const EndlessProgram endless;
  EXPECT_THROW((void)Explorer(endless, found).run(), std::length_error);
  const StraightProgram wide(Steps(kMostThreads + 1, {write(kX, 1)}));
  EXPECT_THROW((void)Explorer(wide, found).run(), std::length_error);
}

// Generated programs --------------------------------------------------------------------------------------------------

constexpr unsigned kSeed = 7;
constexpr unsigned kPrograms = 1000;

TEST(GraphExploration, GeneratedProgramsHaveTheExecutionsThatTheAxiomsAllowAndEachIsVisitedOnce) {
  Generator generator(kSeed);
  unsigned races = 0;
  for (unsigned i = 0; i < kPrograms; ++i) {
    const Steps steps = generator.program();
    Oracle oracle(steps);
    oracle.run();
    const Visited visited = visit(steps);
    ASSERT_FALSE(visited.twice()) << i;
    ASSERT_EQ(visited.race, oracle.has_race()) << i;
    races += visited.race ? 1u : 0u;
    if (!visited.race) {
      ASSERT_EQ(visited.names(), oracle.executions()) << i;
    }
  }
  EXPECT_GT(races, kPrograms / 50);
  EXPECT_LT(races, kPrograms / 4);
}

TEST(GraphExploration, GeneratedProgramsHaveAllExecutionsInWhichSomeFailForNoReasonAndEachIsVisitedOnce) {
  Generator generator(kSeed);
  unsigned more = 0;
  for (unsigned i = 0; i < kPrograms; ++i) {
    const Steps steps = generator.program();
    Oracle oracle(steps, 1 + i % 2);
    oracle.run();
    const Visited visited = visit(steps, {}, {}, 1 + i % 2);
    ASSERT_FALSE(visited.twice()) << i;
    ASSERT_EQ(visited.race, oracle.has_race()) << i;
    if (visited.race) continue;
    ASSERT_EQ(visited.names(), oracle.executions()) << i;
    more += visited.executions.size() > visit(steps).executions.size() ? 1u : 0u;
  }
  EXPECT_GT(more, kPrograms / 10);
}

TEST(GraphExploration, ALargerBoundLeavesOutLessUntilItLeavesOutNothing) {
  Generator generator(kSeed);
  unsigned compared = 0;
  for (unsigned i = 0; i < kPrograms / 4; ++i) {
    const Steps steps = generator.program();
    const unsigned failures = i % 3;
    const Visited all = visit(steps, {}, {}, failures);
    if (all.race) continue;
    const std::set<std::string> names = all.names();
    std::set<std::string> smaller;
    for (unsigned bound = 0;; ++bound) {
      const Visited visited = visit(steps, {}, bound, failures);
      ASSERT_FALSE(visited.twice()) << i;
      const std::set<std::string> larger = visited.names();
      ASSERT_TRUE(bound != 0 || larger.size() == 1) << i;
      ASSERT_TRUE(std::includes(larger.begin(), larger.end(), smaller.begin(), smaller.end())) << i;
      ASSERT_TRUE(std::includes(names.begin(), names.end(), larger.begin(), larger.end())) << i;
      if (!visited.left_out) {
        ASSERT_EQ(larger, names) << i;
        break;
      }
      smaller = larger;
    }
    ++compared;
  }
  EXPECT_GT(compared, kPrograms / 8);
}

/// The executions of some units of a program. \param units becomes how many there are
std::map<std::string, unsigned> of_units(const Steps& steps, const std::function<bool(std::uint64_t)>& mine,
                                         std::uint64_t& units) {
  const StraightProgram program(steps);
  std::map<std::string, unsigned> executions;
  Explorer explorer(program, {[&](const Graph& graph) {
                                ++executions[signature_of(graph)];
                                return true;
                              },
                              [](const Graph&, const Race&) { return true; }});
  explorer.let_fail(1);
  units = 0;
  explorer.divide([&](std::uint64_t unit) {
    EXPECT_EQ(unit, units++);
    return mine(unit);
  });
  EXPECT_TRUE(explorer.run());
  return executions;
}

TEST(GraphExploration, UnitsOfPartsAddUpToTheWholeAndEachHasSome) {
  Generator generator(kSeed, true);
  unsigned divided = 0;
  for (unsigned i = 0; i < kPrograms / 4; ++i) {
    const Steps steps = generator.program();
    const Visited whole = visit(steps, {}, {}, 1);
    std::map<std::string, unsigned> all;
    std::uint64_t units = 0;
    for (std::uint64_t part = 0; part < 3; ++part) {
      const auto executions = of_units(steps, [&](std::uint64_t unit) { return unit % 3 == part; }, units);
      for (const auto& [name, times] : executions) all[name] += times;
      divided += executions.size() * 6 > whole.executions.size() ? 1u : 0u;
    }
    ASSERT_EQ(all, whole.executions) << i;
    const std::uint64_t middle = units / 2;
    auto rest = of_units(steps, [&](std::uint64_t unit) { return unit >= middle; }, units);
    for (const auto& [name, times] : of_units(steps, [&](std::uint64_t unit) { return unit < middle; }, units)) {
      rest[name] += times;
    }
    ASSERT_EQ(rest, whole.executions) << i;
  }
  EXPECT_GT(divided, kPrograms / 4 * 3 / 2) << "most parts have a sixth of the executions or more";
}

/// What an engine with a fault would do differently on one of the programs.
bool is_noticed(Rules rules) {
  Generator generator(kSeed);
  for (unsigned i = 0; i < kPrograms; ++i) {
    const Steps steps = generator.program();
    const Visited right = visit(steps, {}, {}, 1);
    if (right.race) continue;
    try {
      const Visited wrong = visit(steps, rules, {}, 1);
      if (wrong.twice() || wrong.race || wrong.executions != right.executions) return true;
    } catch (const std::logic_error&) {
      return true;
    }
  }
  return false;
}

TEST(GraphExploration, GeneratedProgramsShowEachRuleThatAnEngineForgets) {
  EXPECT_FALSE(is_noticed({}));
  EXPECT_TRUE(is_noticed({.coherence = false}));
  EXPECT_TRUE(is_noticed({.atomicity = false}));
  EXPECT_TRUE(is_noticed({.sequential = false}));
  EXPECT_TRUE(is_noticed({.revisits = false}));
  EXPECT_TRUE(is_noticed({.once = false}));
  EXPECT_TRUE(is_noticed({.kept_reads = false}));
  EXPECT_TRUE(is_noticed({.kept_failures = false}));
}

}  // namespace
}  // namespace check::graph::test
