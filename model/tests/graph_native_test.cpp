/// What scenarios run on in the graph engine: stacks, memory, ways; and what only compiled code can show.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "check/check.hpp"
#include "check/search.hpp"
#include "engine/graph/explorer.hpp"
#include "engine/graph/fiber.hpp"
#include "engine/graph/storage.hpp"
#include "engine/graph/way.hpp"
#include "model/tests/graph_programs.hpp"

namespace check::graph::test {
namespace {

// Stacks --------------------------------------------------------------------------------------------------------------

TEST(Fiber, GoesOnWhereItHasGivenWay) {
  std::string told;
  Fiber* self = nullptr;
  Fiber fiber([&] {
    told += "a";
    self->give_way();
    told += "b";
  });
  self = &fiber;
  EXPECT_TRUE(fiber.resume());
  told += "-";
  EXPECT_FALSE(fiber.resume());
  EXPECT_EQ(told, "a-b");
}

TEST(Fiber, BeginsAnewFromTheMiddleAndFromTheEnd) {
  unsigned begun = 0;
  unsigned ended = 0;
  Fiber* self = nullptr;
  Fiber fiber([&] {
    ++begun;
    self->give_way();
    ++ended;
  });
  self = &fiber;
  for (unsigned i = 0; i < 1000; ++i) {
    fiber.start();
    EXPECT_TRUE(fiber.resume());
    if (i % 2 == 0) {
      EXPECT_FALSE(fiber.resume());
    }
  }
  EXPECT_EQ(begun, 1000u);
  EXPECT_EQ(ended, 500u);
}

// Memory --------------------------------------------------------------------------------------------------------------

TEST(Storage, HandsOutTheSameAddressesInEveryRunAndNoneTwiceInOne) {
  Storage storage;
  std::vector<void*> before;
  for (unsigned run = 0; run < 3; ++run) {
    storage.begin();
    std::vector<void*> now;
    for (unsigned place : {0u, 1u, 0u, 2u}) {
      storage.enter(place);
      now.push_back(storage.take(24));
      EXPECT_EQ(storage.give_back(now.back()), Storage::Given::kBack);
    }
    EXPECT_NE(now[0], now[2]);
    if (run != 0) {
      EXPECT_EQ(now, before);
    }
    before = now;
  }
}

TEST(Storage, TellsWhatIsGivenBackTwiceOrIsNotItsOwn) {
  Storage storage;
  storage.begin();
  void* const block = storage.take(1);
  int other = 0;
  EXPECT_EQ(storage.live(), 1u);
  EXPECT_EQ(storage.give_back(&other), Storage::Given::kForeign);
  EXPECT_EQ(storage.give_back(block), Storage::Given::kBack);
  EXPECT_EQ(storage.give_back(block), Storage::Given::kTwice);
  EXPECT_EQ(storage.live(), 0u);
}

TEST(Storage, HasAnEnd) {
  Storage storage;
  storage.begin();
  EXPECT_EQ(storage.take(Storage::kPlaceBytes), nullptr);
  EXPECT_EQ(storage.take(~std::size_t{0}), nullptr);
  EXPECT_NE(storage.take(Storage::kPlaceBytes / 2), nullptr);
  EXPECT_EQ(storage.take(Storage::kPlaceBytes / 2), nullptr);
}

// Ways ----------------------------------------------------------------------------------------------------------------

/// An execution, by what its threads have read and in which order its writes have come.
std::vector<Value> shape_of(const Graph& graph) {
  std::vector<Value> shape;
  for (unsigned thread = 0; thread < graph.threads(); ++thread) {
    for (const Value value : graph.values_read(thread, graph.steps(thread).size())) shape.push_back(value);
  }
  for (Location location = 0; location < kLocations; ++location) {
    for (const EventId id : graph.writes(location)) shape.push_back(id.thread * 16u + id.index);
  }
  return shape;
}

TEST(Way, LeadsToTheExecutionThatItWasMadeOf) {
  Generator generator(13, true);
  unsigned followed = 0;
  for (unsigned i = 0; i < 100; ++i) {
    const Steps steps = generator.program();
    const StraightProgram program(steps);
    std::vector<std::pair<Way, std::vector<Value>>> executions;
    const auto no_race = [](const Graph&, const Race&) { return true; };
    Explorer all(program, {[&](const Graph& graph) {
                             executions.emplace_back(Way::to(graph), shape_of(graph));
                             return true;
                           },
                           no_race});
    all.let_fail(1);
    ASSERT_TRUE(all.run());
    for (const auto& [way, shape] : executions) {
      std::vector<Value> again;
      Explorer one(program, {[](const Graph&) { return true; }, no_race});
      ASSERT_TRUE(one.follow(way, [&](const Graph& graph) { again = shape_of(graph); })) << i;
      ASSERT_EQ(again, shape) << i;
      ++followed;
    }
  }
  EXPECT_GT(followed, 1000u);
}

// Compiled code -------------------------------------------------------------------------------------------------------

Outcome explore_all(const ScenarioType& type, const Search& search = graphs()) {
  static const volatile bool never = false;
  static volatile std::uint64_t executions = 0;
  static volatile double share = 0;
  return explore(type, 500, search, {1, &never, &executions, &share});
}

/// At one address an atomic lives, and then another one.
struct TwoLives : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index != 0) return;
    first().store(7, kRelaxed);
    first().~Atomic();
    ::new (static_cast<void*>(room)) Atomic<int>(2);
    require(first().load(kRelaxed) == 2, "the second one has its own value");
  }
  void before() override { ::new (static_cast<void*>(room)) Atomic<int>(1); }
  void after() override { require(first().load(kRelaxed) == 2, "and keeps it"); }
  Atomic<int>& first() { return *std::launder(reinterpret_cast<Atomic<int>*>(room)); }
  alignas(Atomic<int>) std::byte room[sizeof(Atomic<int>)];
};

TEST(Native, AtomicThatFollowsAnotherOneAtItsAddressIsAnother) {
  EXPECT_EQ(explore_all(ScenarioType::of<TwoLives>()).problem, "");
}

/// Two threads take what a third one has set up, and wait for it.
struct WaitsForAFlag : Scenario {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    if (index == 0) {
      value.set(5);
      ready.store(1, kRelease);
      return;
    }
    while (ready.load(kAcquire) == 0) pause();
    require(value.get() == 5, "what was set up is there");
  }
  Atomic<int> ready{0};
  Variable<int> value{0};
};

TEST(Native, LoopThatWaitsEndsWhenSomebodyWritesAndIsNoLivelock) {
  const Outcome outcome = explore_all(ScenarioType::of<WaitsForAFlag>());
  EXPECT_EQ(outcome.problem, "");
  EXPECT_LE(outcome.executions, 9u);  // each waits for at most two turns
  EXPECT_GE(outcome.executions, 4u);
}

/// Each adds to one word.
struct BothAdd : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { word.fetch_add(1, kRelaxed); }
  void after() override { require(word.load(kRelaxed) == 2, "both are counted"); }
  Atomic<std::uint64_t> word{0};
};

TEST(Native, ExecutionsOfOneLocationAreTheOrdersOfItsUpdates) {
  EXPECT_EQ(explore_all(ScenarioType::of<BothAdd>()).executions, 2u);
}

TEST(Native, ABoundSaysWhetherItHasLeftAnythingOut) {
  const ScenarioType type = ScenarioType::of<BothAdd>();
  const Outcome bounded = explore_all(type, graphs_near(0));
  EXPECT_EQ(bounded.executions, 1u);
  EXPECT_TRUE(bounded.beyond);
  const Outcome whole = explore_all(type, graphs_near(1));
  EXPECT_EQ(whole.executions, 2u);
  EXPECT_FALSE(whole.beyond);
  EXPECT_FALSE(explore_all(type).beyond);
}

/// A lock that is taken by a weak compare-and-swap, once: free, it may fail all the same.
struct TriesOnce : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    int expected = 0;
    taken += word.compare_exchange_weak(expected, 1, kAcquire, kRelaxed) ? 1u : 0u;
  }
  void after() override { require(taken == 1, "one of them has it"); }
  Atomic<int> word{0};
  unsigned taken = 0;
};

TEST(Native, WeakCompareAndSwapFailsForNoReasonWhereTheSearchLetsIt) {
  const ScenarioType type = ScenarioType::of<TriesOnce>();
  EXPECT_EQ(explore_all(type).problem, "");
  const Search failing = failing_for_no_reason(1, graphs());
  EXPECT_EQ(explore_all(type, failing).problem, "");
  const Outcome outcome = explore_all(type, failing_for_no_reason(2, graphs()));
  EXPECT_TRUE(outcome.failed) << "both of them fail";
  const auto is_spurious = [](const check::Event& event) { return event.kind == EventKind::kCompareExchangeSpurious; };
  EXPECT_EQ(std::count_if(outcome.trace.events.begin(), outcome.trace.events.end(), is_spurious), 2);
}

/// It tries until it has it.
struct TriesUntilItHas : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    std::uint64_t seen = word.load(kRelaxed);
    while (!word.compare_exchange_weak(seen, seen + 1, kRelaxed, kRelaxed)) pause();
  }
  void after() override { require(word.load(kRelaxed) == 2, "both are counted"); }
  Atomic<std::uint64_t> word{0};
};

TEST(Native, LoopThatTriesAgainAfterAFailureForNoReasonIsNoLivelock) {
  for (unsigned times : {1u, 2u, 3u}) {
    EXPECT_EQ(explore_all(ScenarioType::of<TriesUntilItHas>(), failing_for_no_reason(times, graphs())).problem, "");
  }
}

/// A fault that may happen, in front of one of two threads' steps.
struct MayHappen : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { happened |= Faults::happens("[IT HAPPENS]"); }
  void after() override { require(!happened, "it has not happened"); }
  bool happened = false;
};

TEST(Native, WhatHappensStrays) {
  EXPECT_FALSE(explore_all(ScenarioType::of<MayHappen>(), graphs_near(0)).failed);
  EXPECT_TRUE(explore_all(ScenarioType::of<MayHappen>(), graphs_near(1)).failed);
}

}  // namespace
}  // namespace check::graph::test
