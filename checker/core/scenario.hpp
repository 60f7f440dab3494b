#pragma once
/// What a suite is: a tiny concurrent program over the headers that ship, with its invariants, the searches that explore
/// it in each tier, and its broken variants, which must be caught.

#include <cstddef>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/schedule.hpp"
#include "core/sites.hpp"

namespace check {

/// One execution's program. Built and destroyed inside each execution; must be deterministic but for the schedule.
/// A scenario type also has `static constexpr unsigned kThreads`, 2 to 4.
class Scenario {
 public:
  virtual ~Scenario() = default;
  /// Sets up, before the threads; everything it does happens before them.
  virtual void before() {}
  /// The program of thread 0 .. kThreads-1.
  virtual void thread(unsigned index) = 0;
  /// Judges, after the threads; everything they did happens before it.
  virtual void after() {}
  /// Holds between any two steps. Reads atomics by debug_value() alone.
  virtual void invariant() {}
};

/// Room for a scenario in the engine's memory, aligned to a page.
inline constexpr std::size_t kScenarioBytes = std::size_t{1} << 20;

/// How a scenario's type is built in the engine's memory.
struct ScenarioType {
  unsigned threads;
  bool has_invariant;
  Scenario* (*make)(void* memory);

  template <class S>
  static constexpr ScenarioType of() {
    static_assert(std::is_base_of_v<Scenario, S> && sizeof(S) <= kScenarioBytes && alignof(S) <= 4096);
    static_assert(S::kThreads >= 2 && S::kThreads <= 4);
    return {S::kThreads, !std::is_same_v<decltype(&S::invariant), void (Scenario::*)()>,
            [](void* memory) -> Scenario* { return ::new (memory) S; }};
  }
};

/// A way to break the scenario, which its searches must notice.
struct Variant {
  std::string name;
  std::string what;                 ///< for people
  std::vector<Mutation> mutations;  ///< changes of sites
  ScenarioType type;                ///< the scenario itself, or one over a broken algorithm
  std::string expected;             ///< part of the problem that must be found; empty: any
};

/// Its parts are set one after the other, in one expression. All of it is compiled elsewhere: the files of scenarios
/// say it a hundred times.
class Suite {
 public:
  template <class S>
  static Suite of(std::string_view name, std::string_view proves, const char* file = __builtin_FILE()) {
    return Suite(name, proves, file, ScenarioType::of<S>());
  }
  Suite(Suite&&) noexcept;
  ~Suite();

  /// The searches of the quick tier, and of the default tier too unless that has its own. How many executions the first
  /// one has at most, if it explores them all, holds for the graph engine too.
  Suite&& quick(std::initializer_list<Search> searches) &&;
  Suite&& thorough(std::initializer_list<Search> searches) &&;

  /// The graph engine comes to no end in any tier, so it explores the executions in which at most so many operations
  /// stray, see graphs_near(); and of the plans, the samples go beyond that.
  Suite&& near(unsigned quick, unsigned thorough) &&;
  /// In the quick tier no weak compare-and-swap fails for no reason, as there would be too many executions. Elsewhere, but
  /// for suites of near(), one may in each execution by graphs.
  Suite&& quick_without_failures() &&;
  /// There is something in the suite that a graph does not have, as where a scenario has an invariant. \param why for people
  Suite&& not_by_graphs(std::string_view why) &&;

  /// Operations per execution before it counts as a livelock; set-up included.
  Suite&& depth(unsigned operations) &&;

  /// The latest variant counts as caught only if what is found is this: "DATA RACE", or part of a require's text.
  Suite&& as(std::string_view problem) &&;

  /// A variant with other orders or without atomicity at one place.
  Suite&& broken(std::string_view name, const Mutation& mutation) &&;

  /// A variant with another algorithm.
  template <class S>
  Suite&& broken(std::string_view name, std::string_view what) && {
    return std::move(*this).broken(name, what, ScenarioType::of<S>());
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& proves() const noexcept { return proves_; }
  /// The source file that registers it, from the root of the source: "scenarios/word.cpp".
  [[nodiscard]] const char* file() const noexcept { return file_; }
  [[nodiscard]] const ScenarioType& type() const noexcept { return type_; }
  [[nodiscard]] unsigned depth() const noexcept { return depth_; }
  [[nodiscard]] const std::vector<Variant>& variants() const noexcept { return variants_; }
  /// Why the graph engine does not explore it; empty: it does.
  [[nodiscard]] const std::string& graphless() const noexcept { return graphless_; }
  [[nodiscard]] std::vector<Search> searches(Tier tier, Engine engine = Engine::kPlanned) const;

  /// All suites of the program, by name.
  static const std::vector<const Suite*>& all();

 private:
  Suite(std::string_view name, std::string_view proves, const char* file, ScenarioType type);
  Suite&& broken(std::string_view name, std::string_view what, ScenarioType type) &&;

  std::string name_;
  std::string proves_;
  const char* file_;
  ScenarioType type_;
  unsigned depth_ = 2000;
  std::string graphless_;
  unsigned failures_ = 1;  ///< of weak compare-and-swaps for no reason, in the quick tier
  Search by_graphs_ = graphs();
  std::optional<Search> by_graphs_thoroughly_;
  std::vector<Search> quick_;
  std::vector<Search> thorough_;
  std::vector<Variant> variants_;
};

/// Makes a suite known to the program: a constant at namespace scope in the scenario's source file.
class Registered {
 public:
  explicit Registered(Suite&& suite);

 private:
  Suite suite_;
};

// Mutations in words ------------------------------------------------------------------------------------------------

struct Place {
  const char* file;
  const char* function;
  Operation operation;
  std::optional<Orders> written = {};
  unsigned occurrence = 0;
};

inline Mutation weaken(const Place& place, std::memory_order success,
                       std::memory_order failure = std::memory_order_relaxed) {
  return {place.file,    place.function,  place.operation, Behaviour::kAsWritten, Orders{success, failure},
          place.written, place.occurrence};
}
inline Mutation split(const Place& place) {
  return {place.file, place.function, place.operation, Behaviour::kSplit, {}, place.written, place.occurrence};
}
inline Mutation lose(const Place& place) {
  return {place.file, place.function, place.operation, Behaviour::kLost, {}, place.written, place.occurrence};
}

}  // namespace check
