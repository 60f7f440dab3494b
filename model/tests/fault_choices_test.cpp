/// Faults as choice points: which threads vanish where, and what a search explores of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "check/search.hpp"
#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

namespace {

using namespace check;

bool never_stop = false;
std::uint64_t executions_shown = 0;
double share_shown = 0;

Outcome explore(const ScenarioType& type, Search search) {
  return check::explore(type, 1000, search, {1, &never_stop, &executions_shown, &share_shown});
}

Search plain(Search search) {
  search.plain = true;
  return search;
}

/// What the executions of a search have come to: three digits each. No containers, as what an execution allocates is
/// the checker's memory.
bool seen_outcome[1000];

void record(int a, int b, int c) { seen_outcome[100 * a + 10 * b + c] = true; }

std::set<int> outcomes_of(const ScenarioType& type, const Search& search) {
  std::fill(std::begin(seen_outcome), std::end(seen_outcome), false);
  const Outcome outcome = explore(type, search);
  EXPECT_FALSE(outcome.failed) << outcome.problem;
  std::set<int> outcomes;
  for (int i = 0; i < 1000; ++i) {
    if (seen_outcome[i]) outcomes.insert(i);
  }
  return outcomes;
}

/// Two threads count to three, each in an atomic of its own and one that they share; `kTimes` of them may vanish.
template <unsigned kTimes>
struct Counting : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { Faults::may_vanish(0b11, kTimes); }
  void thread(unsigned index) override {
    for (int i = 1; i <= 3; ++i) own[index].store(i, kRelaxed);
    shared.fetch_add(1, kRelaxed);
  }
  void after() override {
    record(own[0].load(kRelaxed), own[1].load(kRelaxed), shared.load(kRelaxed));
    require(Faults::vanished() != 0 || shared.load(kRelaxed) == 2, "who has not vanished has counted");
  }
  RelacySync::Atomic<int> own[2];
  RelacySync::Atomic<int> shared;
};

TEST(Faults, AThreadVanishesBeforeEachOfItsOperations) {
  const std::set<int> one{332, 31, 131, 231, 331, 301, 311, 321};
  for (const Search& search : {full(), plain(full()), bound(0), plain(bound(0)), random(20'000), pct(2, 20'000)}) {
    EXPECT_EQ(outcomes_of(ScenarioType::of<Counting<1>>(), search), one) << to_string(search);
  }
}

TEST(Faults, NoMoreThreadsVanishThanMay) {
  const auto both = outcomes_of(ScenarioType::of<Counting<2>>(), full());
  EXPECT_EQ(both.size(), 16u + 7u + 1u);  // both vanish, each at one of four places; one; none
  EXPECT_EQ(both, outcomes_of(ScenarioType::of<Counting<2>>(), plain(full())));
  EXPECT_EQ(outcomes_of(ScenarioType::of<Counting<0>>(), full()), std::set<int>{332});
}

/// A thread that waits for a message, which may never come; two others send one together.
struct Messages : Scenario {
  static constexpr unsigned kThreads = 3;
  void before() override { Faults::may_vanish(0b111); }
  void thread(unsigned index) override {
    if (index == 2) {
      seen = flag.load(kAcquire);
      if (seen == 1) data = first.load(kRelaxed) + second.load(kRelaxed);
      return;
    }
    (index == 0 ? first : second).store(1, kRelaxed);
    if (index == 0) flag.store(1, kRelease);
  }
  void after() override { record(seen, data, static_cast<int>(Faults::vanished())); }
  RelacySync::Atomic<int> flag;
  RelacySync::Atomic<int> first;
  RelacySync::Atomic<int> second;
  int seen = 0;
  int data = 0;
};

TEST(Faults, ReductionLosesNoOutcome) {
  const auto all = outcomes_of(ScenarioType::of<Messages>(), plain(full()));
  EXPECT_EQ(all.size(), 8u);
  EXPECT_EQ(outcomes_of(ScenarioType::of<Messages>(), full()), all);
  EXPECT_LT(explore(ScenarioType::of<Messages>(), full()).executions * 2,
            explore(ScenarioType::of<Messages>(), plain(full())).executions);
}

/// One thread forks while two others count.
struct Forking : Scenario {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    if (index != 0) {
      for (int i = 1; i <= 3; ++i) counts[index].store(i, kRelaxed);
      return;
    }
    Faults::fork();
    for (unsigned i = 1; i < 3; ++i) at_fork[i] = counts[i].debug_value();
    after_fork.store(1, kRelaxed);
    after_fork.store(2, kRelaxed);
  }
  void after() override {
    for (unsigned i = 1; i < 3; ++i) {
      require(counts[i].debug_value() == at_fork[i], "nobody else does anything after a fork");
    }
    record(at_fork[1], at_fork[2], after_fork.debug_value());
  }
  RelacySync::Atomic<int> counts[3];
  RelacySync::Atomic<int> after_fork;
  int at_fork[3] = {};
};

TEST(Faults, AForkMeetsTheOthersAnywhereAndStopsThem) {
  std::set<int> all;
  for (int a = 0; a <= 3; ++a) {
    for (int b = 0; b <= 3; ++b) all.insert(100 * a + 10 * b + 2);
  }
  EXPECT_EQ(outcomes_of(ScenarioType::of<Forking>(), plain(full())), all);
  EXPECT_EQ(outcomes_of(ScenarioType::of<Forking>(), full()), all);
}

/// Wrong when the first thread vanishes between its stores.
struct TornByVanishing : Counting<1> {
  void after() override { require(own[0].load(kRelaxed) != 2, "torn"); }
};

TEST(Faults, ReplayShowsWhereTheThreadVanished) {
  for (const Search& search : {full(), bound(0), random(20'000), pct(2, 20'000)}) {
    const Outcome outcome = explore(ScenarioType::of<TornByVanishing>(), search);
    ASSERT_TRUE(outcome.failed) << to_string(search);
    const Outcome again = replay(ScenarioType::of<TornByVanishing>(), 1000, search.strategy, outcome.choices);
    EXPECT_EQ(again.problem, outcome.problem);
    EXPECT_EQ(again.trace, outcome.trace);
    const auto vanishes = [](const Event& event) { return event.kind == EventKind::kVanishes; };
    EXPECT_TRUE(std::any_of(again.trace.events.begin(), again.trace.events.end(), vanishes));
  }
}

}  // namespace

}  // namespace hakmem::model
