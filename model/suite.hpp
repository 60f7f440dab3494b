#pragma once
/// Suites: a scenario, the schedulers it is run under, and what is expected. They register themselves; hakmem-check runs
/// each in a process of its own.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/relacy_sync.hpp"
#include "model/scheduler.hpp"

namespace hakmem::model {

enum class SchedulerKind : std::uint8_t {
  kFull,    ///< every interleaving that the engine can produce
  kBound,   ///< every interleaving with at most `limit` preemptions
  kRandom,  ///< `limit` random ones
};

/// One way to run a suite.
struct Plan {
  SchedulerKind scheduler = SchedulerKind::kFull;
  std::uint64_t limit = 0;
};

constexpr Plan full() { return {SchedulerKind::kFull, 0}; }
constexpr Plan bound(unsigned preemptions) { return {SchedulerKind::kBound, preemptions}; }
constexpr Plan random(std::uint64_t executions) { return {SchedulerKind::kRandom, executions}; }

/// What a run has come to.
struct Outcome {
  rl::test_result_e result = rl::test_result_success;
  std::uint64_t executions = 0;
  std::string state;  ///< where the failing execution lies, for replay
  std::string trace;  ///< its history
};

/// Executions begun by the run under way; lives in memory shared with the process that watches.
inline volatile std::uint64_t* g_executions = nullptr;
/// Random runs stop here (CLOCK_MONOTONIC seconds); tree searches are ended from outside.
inline double g_deadline = 0;
double now_seconds();

/// A healthy suite must pass every plan; a broken one (an algorithm with a planted fault) must fail one of them.
struct Suite {
  std::string_view name;
  std::string_view proves;  ///< invariants and property, or for a broken one the fault
  bool broken = false;
  SiteOverride weakened{};  ///< for a broken variant by order; no function: none
  std::vector<Plan> quick;
  std::vector<Plan> thorough;
  Outcome (*run)(const Plan&, const std::string& state) = nullptr;
};

std::vector<Suite>& suites();

struct Registration {
  explicit Registration(Suite suite) { suites().push_back(std::move(suite)); }
};

namespace detail {

template <class Test>
struct Counted : Test {
  void before() {
    if (g_executions != nullptr) *g_executions = *g_executions + 1;
    Test::before();
  }
};

template <class Test, template <rl::thread_id_t> class Scheduler>
rl::test_result_e run_once(rl::test_params& params, std::ostream& state, bool replay) {
  return rl::run_test<Counted<Test>, Scheduler<Test::params::thread_count>>(params, state, replay);
}

template <class Test>
rl::test_result_e run_with(SchedulerKind kind, rl::test_params& params, std::ostream& state, bool replay) {
  switch (kind) {
    case SchedulerKind::kFull: return run_once<Test, rl::full_search_scheduler>(params, state, replay);
    case SchedulerKind::kBound: return run_once<Test, rl::context_bound_scheduler>(params, state, replay);
    case SchedulerKind::kRandom: break;
  }
  return run_once<Test, RandomScheduler>(params, state, replay);
}

inline rl::test_params make_params(const Plan& plan, const std::string& state, std::ostream& out) {
  rl::test_params params;
  params.search_type = plan.scheduler == SchedulerKind::kFull    ? rl::sched_full
                       : plan.scheduler == SchedulerKind::kBound ? rl::sched_bound
                                                                 : rl::sched_random;
  params.context_bound = static_cast<unsigned>(plan.limit);
  params.iteration_count = plan.scheduler == SchedulerKind::kRandom ? plan.limit : ~rl::iteration_t{0};
  params.execution_depth_limit = 4000;
  params.output_stream = &out;
  params.progress_stream = &out;
  params.progress_output_period = ~0u;
  params.initial_state = state.c_str();
  return params;
}

}  // namespace detail

/// Runs a scenario under a plan. \param state empty, or a failing execution's state: then only that one, with history.
template <class Test>
Outcome run_scenario(const Plan& plan, const std::string& state) {
  Outcome outcome;
  std::string failing = state;
  if (state.empty()) {
    rl::ostringstream progress;
    rl::ostringstream where;
    rl::test_params params = detail::make_params(plan, "", progress);
    outcome.result = detail::run_with<Test>(plan.scheduler, params, where, false);
    outcome.executions = params.stop_iteration + (outcome.result == rl::test_result_success ? 1 : 0);
    if (outcome.result == rl::test_result_success) return outcome;
    failing = where.str().c_str();
    outcome.executions = params.stop_iteration + 1;
  }
  rl::ostringstream trace;
  rl::ostringstream unused;
  rl::test_params params = detail::make_params(plan, failing, trace);
  params.collect_history = true;
  const rl::test_result_e again = detail::run_with<Test>(plan.scheduler, params, unused, true);
  if (state.empty()) {
    // A failure that does not repeat means that the scenario is not deterministic: no verdict of it can be trusted.
    if (again != outcome.result) outcome.result = rl::test_result_e(-1);
  } else {
    outcome.result = again;
    outcome.executions = 1;
  }
  outcome.state = failing;
  outcome.trace = trace.str().c_str();
  return outcome;
}

#define HAKMEM_MODEL_CONCAT_(a, b) a##b
#define HAKMEM_MODEL_CONCAT(a, b) HAKMEM_MODEL_CONCAT_(a, b)

/// HAKMEM_SUITE({.name = ..., .proves = ..., .quick = {...}, .thorough = {...}, .run = run_scenario<Test>});
#define HAKMEM_SUITE(...) \
  static const ::hakmem::model::Registration HAKMEM_MODEL_CONCAT(registration_, __COUNTER__)(::hakmem::model::Suite __VA_ARGS__)

}  // namespace hakmem::model
