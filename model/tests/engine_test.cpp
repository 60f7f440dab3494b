/// The engine itself: schedulers, replay, sites, the simulated operating system.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "check/search.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"
#include "model/system/simulated_os.hpp"

namespace hakmem::model {

namespace {

using namespace check;

bool never_stop = false;
std::uint64_t executions_shown = 0;
double share_shown = 0;

Outcome explore(const ScenarioType& type, const Search& search, std::uint64_t seed = 1) {
  return check::explore(type, 1000, search, {seed, &never_stop, &executions_shown, &share_shown});
}

// Schedulers --------------------------------------------------------------------------------------------------------

/// Two threads of seven steps: each execution is one of 14 over 7 = 3432 interleavings.
constexpr unsigned kSteps = 7;
constexpr unsigned kInterleavings = 3432;
bool interleaving_seen[1u << (2 * kSteps)];

struct Interleaving : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    for (unsigned i = 0; i < kSteps; ++i) {
      counter.fetch_add(1, kRelaxed);
      order = order << 1 | index;
    }
  }
  void after() override { interleaving_seen[order] = true; }
  RelacySync::Atomic<int> counter;
  unsigned order = 0;
};

auto interleavings_of(const Search& search) {
  std::fill(std::begin(interleaving_seen), std::end(interleaving_seen), false);
  EXPECT_FALSE(explore(ScenarioType::of<Interleaving>(), search).failed);
  return std::count(std::begin(interleaving_seen), std::end(interleaving_seen), true);
}

TEST(Schedulers, FullSearchReachesEveryInterleaving) { EXPECT_EQ(interleavings_of(full()), kInterleavings); }

TEST(Schedulers, RandomReachesEveryInterleaving) { EXPECT_EQ(interleavings_of(random(1'000'000)), kInterleavings); }

TEST(Schedulers, BoundedSearchReachesWhatItsPreemptionsAllow) {
  EXPECT_EQ(interleavings_of(bound(0)), 2);
  // One preemption: either thread goes first, and stops after 1 to 6 of its steps.
  EXPECT_EQ(interleavings_of(bound(1)), 2 + 2 * 6);
  EXPECT_EQ(interleavings_of(bound(2 * kSteps)), kInterleavings);
}

TEST(Schedulers, PriorityChangesReachMoreThanOneOrder) {
  EXPECT_EQ(interleavings_of(pct(1, 1000)), 2);
  EXPECT_GT(interleavings_of(pct(3, 100'000)), 50);
}

/// Wrong only when the threads alternate, step by step.
struct Alternation : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      for (const int value : {1, 2, 3, 4}) shared.store(value, std::memory_order_seq_cst);
      return;
    }
    bool in_step = true;
    for (const int value : {1, 2, 3, 4}) in_step &= shared.load(std::memory_order_seq_cst) == value;
    require(!in_step, "in step");
  }
  RelacySync::Atomic<int> shared;
};

TEST(Schedulers, RandomFindsADeepAlternation) {
  const Outcome outcome = explore(ScenarioType::of<Alternation>(), random(1'000'000));
  EXPECT_TRUE(outcome.failed);
  EXPECT_LT(outcome.executions, 20'000u);
}

TEST(Schedulers, SameSeedExploresTheSame) {
  const auto executions = [](std::uint64_t seed) {
    return explore(ScenarioType::of<Alternation>(), random(1'000'000), seed).executions;
  };
  EXPECT_EQ(executions(7), executions(7));
  EXPECT_NE(std::set({executions(1), executions(2), executions(3), executions(4)}).size(), 1u);
}

struct Large : Scenario {
  static constexpr unsigned kThreads = 4;
  void thread(unsigned) override {
    for (unsigned i = 0; i < kSteps; ++i) counter.fetch_add(1, kRelaxed);
  }
  RelacySync::Atomic<int> counter;
};

TEST(Schedulers, TimeLimitCutsAnExhaustiveSearchButNotASample) {
  EXPECT_TRUE(explore(ScenarioType::of<Large>(), within(0.1, full())).cut);
  EXPECT_TRUE(explore(ScenarioType::of<Large>(), within(0.1, random(1'000'000'000))).cut);
  EXPECT_FALSE(explore(ScenarioType::of<Large>(), within(0.1, random(0))).cut);
}

// Reduction ----------------------------------------------------------------------------------------------------------

Search plain(Search search) {
  search.plain = true;
  return search;
}

/// Each thread has an atomic of its own, and they share one that nobody writes to.
struct Independent : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    for (unsigned i = 0; i < 5; ++i) own[index].fetch_add(constant.load(kRelaxed), kRelaxed);
  }
  void after() override { require(own[0].load(kRelaxed) + own[1].load(kRelaxed) == 10, "all are counted"); }
  RelacySync::Atomic<int> own[2];
  RelacySync::Atomic<int> constant{1};
};

TEST(Reduction, LeavesOutOrdersOfIndependentSteps) {
  const Outcome all = explore(ScenarioType::of<Independent>(), plain(full()));
  const Outcome reduced = explore(ScenarioType::of<Independent>(), full());
  EXPECT_EQ(all.problem + reduced.problem, "");
  EXPECT_GT(all.executions, 184'000u);  // 20 over 10 orders
  EXPECT_LE(reduced.executions, 4u);
}

/// Only when the threads alternate step by step is `late` written to, and only then does it matter when it is read.
struct MattersLate : Alternation {
  void thread(unsigned index) override {
    if (index == 0) {
      const int before = late.load(kRelaxed);
      for (const int value : {1, 2, 3}) shared.store(value, std::memory_order_seq_cst);
      require(late.load(kRelaxed) == before, "written in between");
      return;
    }
    bool in_step = true;
    for (const int value : {1, 2}) in_step &= shared.load(std::memory_order_seq_cst) == value;
    if (in_step) late.store(1, kRelaxed);
  }
  RelacySync::Atomic<int> late;
};

TEST(Reduction, BranchesAtWhatMattersLate) {
  for (const Search& search : {full(), plain(full()), bound(3)}) {
    const Outcome outcome = explore(ScenarioType::of<MattersLate>(), search);
    EXPECT_NE(outcome.problem.find("written in between"), std::string::npos) << to_string(search);
    const Outcome again = replay(ScenarioType::of<MattersLate>(), 1000, search.strategy, outcome.choices);
    EXPECT_EQ(again.trace, outcome.trace);
  }
}

// Replay ------------------------------------------------------------------------------------------------------------

TEST(Replay, ReproducesAnExecutionOfEveryStrategy) {
  for (const Search& search : {full(), bound(7), random(1'000'000)}) {
    const auto type = ScenarioType::of<Alternation>();
    const Outcome found = explore(type, search);
    const Outcome again = replay(type, 1000, search.strategy, found.choices);
    EXPECT_TRUE(found.failed);
    EXPECT_EQ(again.problem, found.problem);
    EXPECT_EQ(again.trace, found.trace);
    const auto stores_four = [](const Event& event) { return event.kind == EventKind::kStore && event.after == 4; };
    EXPECT_TRUE(std::any_of(again.trace.events.begin(), again.trace.events.end(), stores_four));
  }
}

TEST(Replay, RefusesChoicesThatDoNotFit) {
  const auto type = ScenarioType::of<Alternation>();
  EXPECT_EQ(replay(type, 1000, {}, "0!1").problem, "the list of choices is damaged");
  EXPECT_EQ(replay(type, 1000, {}, "_9999999_").problem, "the list of choices is damaged");
  EXPECT_EQ(replay(type, 1000, {}, "0123456789").problem, "the choices do not fit the scenario");
  EXPECT_EQ(replay(type, 1000, {}, "").problem, "the choices do not fit the scenario");
}

// Sites -------------------------------------------------------------------------------------------------------------

struct TwoAdds : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { add(); }
  void add() {
    counter.fetch_add(1, std::memory_order_seq_cst);
    counter.fetch_add(1, kRelaxed);
  }
  void after() override { require(counter.load(kRelaxed) == 4, "all are counted"); }
  RelacySync::Atomic<int> counter;
};

TEST(Sites, AreFoundByFunctionOperationAndOrderAndMutatedForAWhile) {
  const auto type = ScenarioType::of<TwoAdds>();
  const Place seq_cst{"engine_test.cpp", "add", kFetchAdd, Orders{std::memory_order_seq_cst}};
  const Place second{"engine_test.cpp", "add", kFetchAdd, {}, 2};
  const Place ambiguous{"engine_test.cpp", "add", kFetchAdd};
  ASSERT_FALSE(explore(type, full()).failed);
  for (const Place& place : {seq_cst, second}) {
    const Mutation mutation = lose(place);
    ASSERT_EQ(Sites::mutate({&mutation, 1}), "");
    EXPECT_TRUE(explore(type, full()).failed);
    Sites::restore();
    EXPECT_FALSE(explore(type, full()).failed);
  }
  const Mutation mutation = lose(ambiguous);
  EXPECT_NE(Sites::mutate({&mutation, 1}), "");
  Sites::restore();
}

TEST(Sites, CountHits) {
  ASSERT_FALSE(explore(ScenarioType::of<TwoAdds>(), random(10)).failed);
  const auto sites = Sites::all();
  const auto site = std::find_if(sites.begin(), sites.end(), [](const Site& s) {
    return std::string(s.where.function) == "add" && s.written.success == std::memory_order_seq_cst;
  });
  ASSERT_NE(site, sites.end());
  EXPECT_GE(site->hits, 20u);
}

// Simulated operating system ----------------------------------------------------------------------------------------

using Os = SimulatedOs<10>;
unsigned outcomes_seen[3];

/// Two mappings of which up to one may fail.
struct MayFail : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { os.may_fail(1); }
  void thread(unsigned index) override { mapped[index] = os.reserve(64, 64) != nullptr; }
  void after() override {
    require(os.reservations() == unsigned{mapped[0]} + unsigned{mapped[1]}, "reservations are counted");
    ++outcomes_seen[os.reservations()];
  }
  Os os;
  bool mapped[2] = {};
};

TEST(SimulatedOs, FailingMappingIsAChoiceThatTheSearchExplores) {
  std::fill(std::begin(outcomes_seen), std::end(outcomes_seen), 0);
  EXPECT_FALSE(explore(ScenarioType::of<MayFail>(), full()).failed);
  EXPECT_EQ(outcomes_seen[0], 0u);
  EXPECT_GT(outcomes_seen[1], 0u);
  EXPECT_GT(outcomes_seen[2], 0u);
}

struct FailsAtThird : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override {
    os.fail_at(3);
    require(os.reserve(64, 64) != nullptr && os.metadata<RelacySync::Atomic<int>>(1) != nullptr, "the first two hold");
    require(os.reserve(64, 64) == nullptr, "the third fails");
    require(os.reserve(64, 64) != nullptr, "and no other");
  }
  void thread(unsigned) override {}
  Os os;
};

TEST(SimulatedOs, MappingFailsAtTheNthCall) {
  EXPECT_EQ(explore(ScenarioType::of<FailsAtThird>(), full()).problem, "");
}

/// Maps, writes, moves and gives back. What the execution leaves mapped is taken down at its end.
struct ComesAndGoes : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    void* memory = os.reserve(64, 64);
    payload_write(memory, index);
    void* moved = os.reserve(128, 64);
    require(os.move(memory, 64, moved, 128) && payload_read(moved) == index, "a mapping that moves keeps its contents");
    if (index == 0) os.release(moved, 128);
  }
  void after() override {
    require(os.reservations() == 1, "one mapping is left");
    require(os.reserve(2048, 64) == nullptr, "there is an end to the address space");
  }
  Os os;
};

TEST(SimulatedOs, NothingIsLeftFromOneExecutionToTheNext) {
  const Outcome outcome = explore(ScenarioType::of<ComesAndGoes>(), random(200'000));
  EXPECT_EQ(outcome.problem, "");
}

}  // namespace

}  // namespace hakmem::model
