#include "core/search.hpp"

#include <fmt/core.h>

#include <ctime>
#include <sstream>

#include "core/sites.hpp"
#include "engine/graph/search.hpp"
#include "engine/relacy/faults.hpp"
#include "engine/relacy/relacy.hpp"
#include "engine/relacy/scheduler.hpp"
#include "engine/relacy/simulated_memory.hpp"

namespace check {

namespace {

double read_clock(clockid_t clock) noexcept {
  timespec time;
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

double now() noexcept { return read_clock(CLOCK_MONOTONIC); }
double processor_time() noexcept { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

namespace {

Course* running_course = nullptr;
const ScenarioType* running_type = nullptr;

/// The scenario in the shape that Relacy asks for. One type per number of threads, whatever the scenario: the
/// engine is a template over it, and large.
template <rl::thread_id_t kThreads>
struct Execution : rl::test_suite<Execution<kThreads>, kThreads> {
  Execution() {
    SimulatedMemory::begin();
    Sites::begin();
    Faults::begin();
    scenario_ = running_type->make(SimulatedMemory::scenario_memory());
  }
  ~Execution() {
    scenario_->~Scenario();
    SimulatedMemory::end();
  }
  void before() {
    scenario_->before();
    Visibility::noting = true;
  }
  void thread(unsigned index) { Faults::run(*scenario_, index); }
  void after() {
    Visibility::noting = false;
    scenario_->after();
  }
  void invariant() {
    if (running_type->has_invariant) scenario_->invariant();
  }

 private:
  Scenario* scenario_;
};

/// What a scenario lives in that the other engine explores.
constexpr graph::Surroundings kSurroundings{[] {
                                              SimulatedMemory::begin();
                                              Sites::begin();
                                              Faults::begin();
                                            },
                                            SimulatedMemory::scenario_memory, SimulatedMemory::end, Faults::run,
                                            [](unsigned threads) { Faults::may_vanish(threads, graph::kMostThreads); }};

/// What the engine's result is in our words.
Ending ending_of(rl::test_result_e result, bool in_invariant) {
  switch (result) {
    case rl::test_result_user_assert_failed: return in_invariant ? Ending::kInvariantFails : Ending::kRequirementFails;
    case rl::test_result_user_invariant_failed: return Ending::kInvariantFails;
    case rl::test_result_data_race: return Ending::kDataRace;
    case rl::test_result_access_to_freed_memory: return Ending::kFreedMemory;
    case rl::test_result_double_free: return Ending::kDoubleFree;
    case rl::test_result_memory_leak: return Ending::kMemoryLeak;
    case rl::test_result_resource_leak: return Ending::kResourceLeak;
    case rl::test_result_unitialized_access: return Ending::kUninitialised;
    case rl::test_result_deadlock: return Ending::kDeadlock;
    case rl::test_result_livelock: return Ending::kLivelock;
    case rl::test_result_recursion_on_nonrecursive_mutex: return Ending::kMutexLockedTwice;
    case rl::test_result_unlocking_mutex_wo_ownership: return Ending::kMutexUnlockedByAnother;
    case rl::test_result_destroying_owned_mutex: return Ending::kMutexDestroyedWhileLocked;
    default: return Ending::kMisuse;
  }
}

/// Relacy's context, in which threads may vanish where they are switched.
template <rl::thread_id_t kThreads>
class SearchContext : public rl::context_impl<Execution<kThreads>, Scheduler<kThreads>> {
  using Base = rl::context_impl<Execution<kThreads>, Scheduler<kThreads>>;

 public:
  using Base::Base;

  /// A step between two threads' operations. The base does the same, with a detour by the scenario's invariant.
  void sched() override {
    if (this->special_function_executing || this->disable_preemption_ != 0 || running_type->has_invariant)
        [[unlikely]] {
      Base::sched();
      return Faults::at_step();
    }
    if (this->sched_count_++ > this->params_.execution_depth_limit) [[unlikely]]
      this->fail_test("livelock", rl::test_result_livelock, rl::debug_info("sched", __FILE__, __LINE__));
    rl::unpark_reason reason = rl::unpark_reason_normal;
    const rl::thread_id_t next = this->sched_.schedule(reason, 0);
    this->threads_[next].unpark_reason_ = reason;
    this->switch_to_fiber(next);
    Faults::at_step();
  }
  void yield(unsigned count, rl::debug_info_param info) override {
    Base::yield(count, info);
    Faults::at_resumption();
  }
  void fail_test(const char* what, rl::test_result_e result, rl::debug_info_param info) override {
    if (Recorder::running != nullptr) {
      ++this->disable_alloc_;
      Recorder::running->announce_fault(ending_of(result, this->invariant_executing), what);
      --this->disable_alloc_;
    }
    Base::fail_test(what, result, info);
  }
};

template <rl::thread_id_t kThreads>
rl::test_result_e run(rl::test_params& params) {
  rl::ostringstream state;
  rl::istringstream from_the_beginning(params.initial_state);
  typename Scheduler<kThreads>::shared_context_t shared;
  return SearchContext<kThreads>(params, shared).simulate(state, from_the_beginning, false);
}

rl::test_result_e run(const ScenarioType& type, rl::test_params& params) {
  running_type = &type;
  switch (type.threads) {
    case 2: return run<2>(params);
    case 3: return run<3>(params);
    default: return run<4>(params);
  }
}

rl::test_params params_for(unsigned depth, const Strategy& strategy, std::ostream& out, std::ostream& nowhere) {
  rl::test_params params;
  params.output_stream = &out;
  params.progress_stream = &nowhere;
  params.execution_depth_limit = depth;
  params.search_type = strategy.exhaustive() ? rl::sched_full : rl::sched_random;
  return params;
}

/// Choices as text: '0'..'9', 'a'..'z', 'A'..'Z', a dot before what is larger, and a run of n zeros as "_n_".
/// A minus in front says that yields did not block.
std::string encode(const Choices& choices, bool yields_block) {
  static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string text = yields_block ? "" : "-";
  for (std::size_t i = 0; i < choices.size();) {
    std::size_t zeros = 0;
    while (i + zeros < choices.size() && choices[i + zeros] == 0) ++zeros;
    if (zeros > 3) {
      text += fmt::format("_{}_", zeros);
      i += zeros;
      continue;
    }
    const unsigned choice = choices[i++];
    if (choice < 62) {
      text += kDigits[choice];
    } else {
      text += fmt::format(".{}.", choice);
    }
  }
  return text;
}

/// The number in text[i..] up to `end`; moves i behind it. \return -1 if there is none.
long number_before(const std::string& text, std::size_t& i, char end) {
  const std::size_t close = text.find(end, i);
  if (close == std::string::npos || close == i || close - i > 5) return -1;
  long value = 0;
  for (; i < close; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  ++i;
  return value;
}

bool decode(const std::string& text, Choices& choices, bool& yields_block) {
  yields_block = !text.starts_with('-');
  for (std::size_t i = yields_block ? 0 : 1; i < text.size();) {
    const char c = text[i++];
    long value = -1;
    std::size_t times = 1;
    if (c >= '0' && c <= '9') value = c - '0';
    if (c >= 'a' && c <= 'z') value = c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') value = c - 'A' + 36;
    if (c == '.') value = number_before(text, i, '.');
    if (c == '_') {
      const long zeros = number_before(text, i, '_');
      if (zeros > 0) {
        times = static_cast<std::size_t>(zeros);
        value = 0;
      }
    }
    if (value < 0 || value > 0xffff) return false;
    choices.insert(choices.end(), times, static_cast<std::uint16_t>(value));
  }
  return true;
}

/// Runs the choices with the recording of every step switched on.
rl::test_result_e retrace(const ScenarioType& type, unsigned depth, const Strategy& strategy, const Choices& choices,
                          bool yields_block, Outcome& outcome, bool& fits) {
  rl::ostringstream out;
  std::ostream nowhere(nullptr);
  rl::test_params params = params_for(depth, strategy, out, nowhere);
  params.collect_history = true;
  Visibility::reducing = false;
  Course course;
  course.strategy = strategy;
  course.replay = &choices;
  course.yields_block = yields_block;
  running_course = &course;
  Recorder recorder;
  const rl::test_result_e result = run(type, params);
  fits = course.deterministic && course.choices.size() == choices.size();
  if (result == rl::test_result_success) return result;
  outcome.ending = recorder.ending();
  outcome.detail = recorder.detail();
  outcome.problem = described(outcome.ending, outcome.detail);
  outcome.trace = recorder.trace();
  return result;
}

// Positions: "executions|count.index.type ...|knowledge" ------------------------------------------------------------

std::string position_of(const Course& course) {
  std::string text = fmt::format("{}{}", course.executions, course.yields_block ? '|' : '-');
  for (const TreeNode& node : course.tree) text += fmt::format("{}.{}.{} ", node.count, node.index, node.type);
  return text + "|" + Visibility::knowledge();
}

/// Takes up a position. One that is damaged is a search from the beginning.
void read_position(const std::string& text, Course& course) {
  std::istringstream in(text);
  char separator = 0;
  std::uint64_t executions = 0;
  if (!(in >> executions >> separator) || (separator != '|' && separator != '-')) return;
  while (in >> std::ws && in.peek() != '|') {
    TreeNode node{};
    char dots[2] = {};
    if (!(in >> node.count >> dots[0] >> node.index >> dots[1] >> node.type)) return course.tree.clear();
    course.tree.push_back(node);
  }
  in.get();
  std::string knowledge;
  std::getline(in, knowledge);
  course.knowledge = knowledge;
  course.yields_block = separator == '|';
  course.executions = executions;
}

/// One run through the search tree, or as much of it as there is time for.
rl::test_result_e pass(const ScenarioType& type, unsigned depth, Course& course) {
  rl::ostringstream out;
  std::ostream nowhere(nullptr);
  rl::test_params params = params_for(depth, course.strategy, out, nowhere);
  running_course = &course;
  Visibility::reducing = !course.branches_everywhere;
  const rl::test_result_e result = run(type, params);
  Visibility::reducing = false;
  return result;
}

/// A reduced search, which begins anew whenever it has learned that more matters than it knew of. A full search takes
/// yields for steps without meaning, as the loops of lock-free code end without them; when there is a loop that does
/// not, it begins anew with yields that wait for the others.
rl::test_result_e reduced(const ScenarioType& type, unsigned depth, Course& course, const Limits& limits) {
  Visibility::forget();
  Visibility::recall(course.knowledge);
  bool waits = limits.waits || (!course.tree.empty() && course.yields_block);
  for (;; course.tree.clear()) {
    Visibility::update();
    if (limits.begins_anew != nullptr) limits.begins_anew();
    Course attempt = course;
    if (attempt.tree.empty()) attempt.executions = 0;
    attempt.branches_everywhere = false;
    attempt.yields_block = waits || course.strategy.kind != Strategy::Kind::kFull;
    const rl::test_result_e result = pass(type, depth, attempt);
    if (result == rl::test_result_livelock && !attempt.yields_block) {
      waits = true;
      continue;
    }
    const bool settled = result != rl::test_result_success || !attempt.deterministic || !Visibility::outdated();
    const bool over = course.deadline != 0 && now() > course.deadline;
    if (!settled && !*course.stop && !over) continue;
    course = attempt;
    if (!settled) course.time_over = true;
    return result;
  }
}

}  // namespace

bool Outcome::shows(std::string_view expected) const {
  const std::string_view word = ending == Ending::kNoVerdict ? std::string_view() : word_of(ending);
  return word.find(expected) != std::string_view::npos || detail.find(expected) != std::string::npos;
}

void Outcome::set_aside(std::string why) {
  failed = true;
  ending = Ending::kNoVerdict;
  detail.clear();
  problem = std::move(why);
}

Course& current_course() noexcept { return *running_course; }

Outcome explore(const ScenarioType& type, unsigned depth, const Search& search, const Limits& limits) {
  if (search.strategy.by_graphs()) return graph::explore(type, depth, search, limits, kSurroundings);
  Course course;
  course.strategy = search.strategy;
  course.seed = limits.seed;
  course.most_executions = search.executions;
  const double start = now();
  const double processor_start = processor_time();
  course.deadline = search.seconds == 0 ? 0 : start + search.seconds;
  course.stop = limits.stop;
  course.progress = limits.progress;
  course.share = limits.share;
  course.part = limits.part;
  if (limits.knowledge != nullptr) course.knowledge = *limits.knowledge;
  if (limits.position != nullptr) read_position(*limits.position, course);

  const bool plain = search.plain || !search.strategy.exhaustive() || type.has_invariant;
  const rl::test_result_e result = plain ? pass(type, depth, course) : reduced(type, depth, course, limits);
  Outcome outcome;
  outcome.executions = course.executions;
  if (!plain) outcome.knowledge = Visibility::knowledge();
  outcome.waits = course.yields_block;
  outcome.steps = course.most_steps;
  outcome.promised = course.executions - course.with_fewer_steps;
  outcome.seconds = now() - start;
  outcome.processor_seconds = processor_time() - processor_start;
  // A sample that is given nothing but time is done when that is over, or when somebody ends it.
  const bool has_an_end = search.strategy.exhaustive() || search.executions != 0 || course.executions == 0;
  outcome.cut =
      ((course.stopped || course.time_over) && has_an_end) || (course.most_reached && search.strategy.exhaustive());
  if (outcome.cut && !course.tree.empty()) outcome.position = position_of(course);
  if (!course.deterministic) {
    outcome.set_aside("the scenario is not deterministic: the same choices led elsewhere");
    return outcome;
  }
  if (result == rl::test_result_success) return outcome;
  outcome.failed = true;
  ++outcome.executions;
  outcome.choices = encode(course.choices, course.yields_block);
  bool fits = false;
  const Choices choices = course.choices;
  if (retrace(type, depth, search.strategy, choices, course.yields_block, outcome, fits) != result || !fits) {
    outcome.set_aside(
        fmt::format("the scenario is not deterministic: {} is not reproduced", rl::test_result_str(result)));
  }
  return outcome;
}

Outcome explore_progress(const ScenarioType& type, unsigned depth, unsigned thread, const Search& search,
                         const Limits& limits) {
  return graph::explore_progress(type, depth, thread, search, limits, kSurroundings);
}

Outcome replay(const ScenarioType& type, unsigned depth, const Strategy& strategy, const std::string& text) {
  if (strategy.by_graphs()) return graph::replay(type, depth, text, kSurroundings);
  Outcome outcome;
  outcome.executions = 1;
  Choices choices;
  bool fits = false;
  bool yields_block = true;
  if (!decode(text, choices, yields_block)) {
    outcome.set_aside("the list of choices is damaged");
    return outcome;
  }
  const double start = now();
  outcome.failed = retrace(type, depth, strategy, choices, yields_block, outcome, fits) != rl::test_result_success;
  outcome.seconds = now() - start;
  if (!fits) {
    outcome.set_aside("the choices do not fit the scenario");
  }
  return outcome;
}

}  // namespace check
