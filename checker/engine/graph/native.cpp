#include "engine/graph/native.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace check::graph {

namespace {

/// A loop that looks at nothing which others could change is none that waits.
constexpr unsigned kMostIdlePauses = 1000;

/// Whether two steps are the same, and change nothing: a read-modify-write may write what it has read.
bool same_step(const Event& a, const Event& b) {
  if (a.kind != b.kind || a.location != b.location) return false;
  if (a.is_read() && !a.exclusive && !b.exclusive) return a.from == b.from;
  const bool half = (a.is_read() || a.is_write()) && a.exclusive && b.exclusive;
  return (half || a.kind == Kind::kChoice) && a.value == b.value;
}

/// Whether so many steps from one on are the same as the ones before them, and change nothing.
bool same_again(const std::vector<Event>& steps, std::size_t first, std::size_t length) {
  for (std::size_t i = first; i < first + length; ++i) {
    const Event& event = steps[i];
    if (!same_step(event, steps[i - length])) return false;
    if (event.is_write() && event.value != steps[i - 1].value) return false;
  }
  return true;
}

/// Whether a thread does what it has done before.
bool same_operation(const Operation& now, const Operation& before) {
  return now.what == before.what && now.location == before.location && now.order == before.order &&
         now.value == before.value && now.expected == before.expected;
}

}  // namespace

Native::Native(const ScenarioType& type, unsigned depth, const Surroundings& surroundings)
    : type_(type), depth_(depth), surroundings_(surroundings), alone_([this] {
        switch (stage_) {
          case Stage::kSettingUp: return set_up();
          case Stage::kJudging: return judge();
          default: return clear();
        }
      }) {
  for (unsigned i = 0; i < type.threads; ++i) threads_[i].fiber = std::make_unique<Fiber>([this, i] { body(i); });
  running = this;
}

Native::~Native() {
  if (scenario_ != nullptr) run_alone(Stage::kClearing);
  running = nullptr;
}

// Runs ----------------------------------------------------------------------------------------------------------------

void Native::set_up() {
  surroundings_.begin();
  calls_ = {};
  storage_.begin();
  Scenario* const scenario = type_.make(surroundings_.place());
  scenario_ = scenario;
  scenario->before();
}

void Native::judge() {
  note(EventKind::kJudgingBegins, "[AFTER BEGIN]", {});
  scenario_->after();
  note(EventKind::kJudgingEnds, "[AFTER END]", {});
  clear();
}

void Native::clear() {
  std::exchange(scenario_, nullptr)->~Scenario();
  surroundings_.end();
  if (stage_ == Stage::kJudging && storage_.live() != 0) fail(Ending::kMemoryLeak, "memory leak", {});
}

void Native::body(unsigned thread) {
  surroundings_.run(*scenario_, thread);
  note(EventKind::kThreadEnds, "[THREAD FINISHED]", {});
}

/// Lets the scenario go on: its code runs, and what it takes is its own. \return whether it goes on after that
bool Native::resume(Fiber& fiber, unsigned place) {
  storage_.enter(place);
  Intercepted::take = [](std::size_t bytes) { return running->take(bytes); };
  Intercepted::give_back = [](void* p) { return running->give_back(p); };
  const bool goes_on = fiber.resume();
  Intercepted::take = nullptr;
  return goes_on;
}

/// Runs what is before the threads, behind them, or undoes them. \return whether no fault was found
bool Native::run_alone(Stage stage) {
  stage_ = stage;
  current_ = 0;
  alone_.start();
  return !resume(alone_, 0) && !failed();
}

/// Lets a thread run until it announces its next operation, waits or ends. \return whether the execution can go on
bool Native::run(unsigned thread) {
  Thread& mine = threads_[thread];
  current_ = thread;
  mine.ended = !resume(*mine.fiber, thread + 1);
  return !failed() && !impossible_;
}

bool Native::can_run(const Thread& thread) const {
  if (thread.announced || thread.ended || thread.blocked) return false;
  return thread.awaited.is_initial() || threads_[thread.awaited.thread].at > thread.awaited.index;
}

bool Native::restart(const Graph& graph) {
  graph_ = &graph;
  if (scenario_ != nullptr) run_alone(Stage::kClearing);
  ++run_;
  uses_taken_ = 0;
  impossible_ = false;
  for (unsigned i = 0; i < type_.threads; ++i) {
    Thread& thread = threads_[i];
    std::unique_ptr<Fiber> fiber = std::move(thread.fiber);
    thread = {};
    thread.fiber = std::move(fiber);
    thread.fiber->start();
    recorded_[i].clear();
  }
  if (!run_alone(Stage::kSettingUp)) return false;
  note(EventKind::kSetUpEnds, "[BEFORE END]", {});
  if (survivor_) surroundings_.let_stop(~(1u << *survivor_));
  stage_ = Stage::kThreads;
  for (bool moves = true; moves;) {
    moves = false;
    for (unsigned i = 0; i < type_.threads; ++i) {
      for (; can_run(threads_[i]); moves = true) {
        if (!run(i)) return false;
      }
    }
  }
  return fits(graph);
}

/// Whether each thread has done all its steps in the graph, and is in front of the one that is half done.
bool Native::fits(const Graph& graph) {
  for (unsigned i = 0; i < type_.threads; ++i) {
    const auto& steps = graph.steps(i);
    const bool half_done = graph.is_half_done(i);
    const std::size_t done = steps.size() - (half_done ? 1 : 0);
    if (threads_[i].at != done) {
      set_aside(fmt::format("the scenario is not deterministic: thread {} has done {} steps, and {} before", i,
                            threads_[i].at, done));
      return false;
    }
    if (half_done && !(threads_[i].announced && same_operation(threads_[i].next, steps.back().operation))) {
      set_aside_step(i);
      return false;
    }
  }
  return true;
}

void Native::set_aside_step(unsigned thread) {
  set_aside(fmt::format("the scenario is not deterministic: step {} of thread {} is another than before",
                        threads_[thread].at, thread));
}

void Native::set_aside(std::string why) {
  ending_ = Ending::kNoVerdict;
  detail_ = std::move(why);
}

Operation Native::next(const Graph&, unsigned thread) {
  return threads_[thread].announced ? threads_[thread].next : Operation{};
}

bool Native::advance(const Graph& graph, unsigned thread) {
  graph_ = &graph;
  threads_[thread].announced = false;
  return run(thread);
}

Finish Native::finish(const Graph& graph) {
  graph_ = &graph;
  unsigned blocked = 0;
  unsigned locked_out = 0;
  for (unsigned i = 0; i < type_.threads; ++i) {
    if (!threads_[i].blocked || i != survivor_.value_or(i)) continue;
    if (!waits_in_vain(threads_[i], graph.steps(i))) return Finish::kImpossible;
    ++blocked;
    locked_out += threads_[i].locked_out ? 1u : 0u;
  }
  if (blocked != 0) {
    ending_ = locked_out == blocked ? Ending::kDeadlock : Ending::kLivelock;
    detail_ = "a thread waits for what nobody writes any more";
    note(EventKind::kFault, detail_.c_str(), {});
    if (recording_) events_.back().ending = ending_;
    return Finish::kFault;
  }
  if (survivor_) {
    run_alone(Stage::kClearing);
    return Finish::kExecution;
  }
  for (Location location = 0; location < graph.locations(); ++location) {
    const auto& writes = graph.writes(location);
    if (writes.empty() || atoms_[location]->location != location) continue;  // another one may live at its address
    atoms_[location]->value = graph[writes.back()].value;
  }
  return run_alone(Stage::kJudging) ? Finish::kExecution : Finish::kFault;
}

/// Whether a blocked thread would find the same in all that has been written behind what it has read.
bool Native::waits_in_vain(const Thread& thread, const std::vector<Event>& steps) const {
  for (std::size_t i = thread.paused; i < thread.at; ++i) {
    const Event& read = steps[i];
    if (!read.is_read()) continue;
    const auto& writes = graph_->writes(read.location);
    const auto later = writes.begin() + static_cast<std::ptrdiff_t>(graph_->position(read.location, read.from));
    const auto is_news = [&](EventId write) { return (*graph_)[write].value != read.value; };
    if (std::any_of(later, writes.end(), is_news)) return false;
  }
  return true;
}

// Operations ----------------------------------------------------------------------------------------------------------

void Native::born(Atom& atom, Value value) noexcept {
  atom.value = value;
  atom.location = Atom::kUnnamed;
  atom.birth = stage_ == Stage::kThreads ? moment() : Moment{};
}

/// Who has used the atomic must happen before its end.
void Native::dead(Atom& atom) {
  const Location location = std::exchange(atom.location, Atom::kDead);
  if (stage_ != Stage::kThreads || location == Atom::kUnnamed) return;
  const auto is_done = [&](EventId id) { return threads_[id.thread].at > id.index; };
  for (const EventId id : graph_->accesses(location)) {
    if (is_done(id) && !sees(id)) fail(Ending::kFreedMemory, "an atomic is destroyed that others may still use", {});
  }
}

void* Native::take(std::size_t bytes) {
  void* const block = storage_.take(bytes);
  if (block == nullptr) fail(Ending::kMisuse, "the scenario takes more memory than an execution has", {});
  return block;
}

bool Native::give_back(void* p) {
  const Storage::Given given = storage_.give_back(p);
  if (given == Storage::Given::kTwice) fail(Ending::kDoubleFree, "double free", {});
  return given == Storage::Given::kBack;
}

/// In front of which step the running thread is.
Moment Native::moment() const {
  return {static_cast<std::uint16_t>(current_), static_cast<std::uint16_t>(threads_[current_].at)};
}

/// Whether a moment happens before the running thread's present one.
bool Native::sees(Moment moment) const {
  if (moment.is_initial() || moment.thread == current_) return true;
  const std::size_t at = threads_[current_].at;
  return at != 0 && graph_->steps(current_)[at - 1].happened.has(moment);
}

/// Names an atomic by its address, which is the same in every run. At one address several may live one after the other.
void Native::locate(Atom& atom) {
  const Outside outside;
  for (auto key = reinterpret_cast<std::uintptr_t>(&atom);; ++key) {
    const auto [at, is_new] = names_.try_emplace(key, static_cast<Location>(initial_.size()));
    if (is_new) {
      initial_.emplace_back();
      atoms_.emplace_back();
      named_in_.emplace_back();
    }
    const Location location = at->second;
    if (named_in_[location] == run_) continue;
    named_in_[location] = run_;
    atoms_[location] = &atom;
    initial_[location] = atom.value;
    atom.location = location;
    return;
  }
}

/// Before the threads and behind them memory is simply what it is.
Value Native::directly(Atom& atom, const Operation& operation) {
  const Value seen = atom.value;
  switch (operation.what) {
    case Operation::What::kWrite: atom.value = operation.value; break;
    case Operation::What::kUpdate: atom.value = operation.update(seen, operation.value); break;
    case Operation::What::kCompareExchange:
      if (seen == operation.expected) atom.value = operation.value;
      break;
    default: break;
  }
  return seen;
}

Value Native::perform(Atom& atom, Operation operation, const Note& note) {
  if (atom.location == Atom::kDead) fail(Ending::kFreedMemory, "access to freed memory", note.where);
  if (stage_ != Stage::kThreads) {
    const Value seen = directly(atom, operation);
    if (recording_) take_down(operation, note, {}, seen);
    return seen;
  }
  if (!sees(atom.birth))
    fail(Ending::kUninitialised, "an atomic whose construction this thread cannot see", note.where);
  if (atom.location == Atom::kUnnamed) locate(atom);
  operation.location = atom.location;
  const EventId id = moment();
  const Value seen = step(operation, note.where);
  if (recording_) take_down(operation, note, id, seen);
  return seen;
}

/// A failure for no reason is a turn of its loop that may be the same as the next one, and waits for nobody.
Native::Swapped Native::swap(Atom& atom, const Operation& operation, const Note& note) {
  const Value seen = perform(atom, operation, note);
  const bool finds = seen == operation.expected;
  if (!finds || stage_ != Stage::kThreads) return {seen, finds};
  const bool done = graph_->steps(current_)[threads_[current_].at - 1].exclusive;
  if (!done) does_not_wait();
  return {seen, done};
}

/// One more operation of the running thread: as the graph says, or announced to be added to it. \return what was read
Value Native::step(const Operation& operation, const Where& where) {
  Thread& mine = threads_[current_];
  const unsigned self = current_;
  const std::size_t done = graph_->steps(self).size() - (graph_->is_half_done(self) ? 1 : 0);
  if (mine.at < done) {
    const Event& known = graph_->steps(self)[mine.at];
    if (!same_operation(operation, known.operation)) {
      const Outside outside;
      set_aside_step(self);
      mine.fiber->give_way();
    }
    if (known.is_read() && !known.from.is_initial()) await(known.from);
  } else {
    if (graph_->size() >= depth_) fail(Ending::kLivelock, "livelock", where);
    mine.next = operation;
    mine.announced = true;
    mine.fiber->give_way();
  }
  const Event& event = graph_->steps(self)[mine.at];
  mine.at += event.exclusive ? 2 : 1;
  mine.idle_pauses = 0;
  mine.plain_accesses = 0;
  return event.value;
}

/// Waits until a write has been done in this run.
void Native::await(EventId write) {
  Thread& mine = threads_[current_];
  if (write.thread == current_ || threads_[write.thread].at > write.index) return;
  mine.awaited = write;
  mine.fiber->give_way();
  mine.awaited = {};
}

std::size_t Native::choose(std::size_t ways, const Note& note) {
  if (stage_ != Stage::kThreads) return 0;
  Operation operation;
  operation.what = Operation::What::kChoice;
  operation.value = ways;
  const std::size_t chosen = step(operation, note.where);
  if (recording_ && chosen != 0 && note.text[0] != '\0') this->note(note.kind, note.text, note.where);
  return chosen;
}

void Native::order_calls(std::memory_order order) {
  if (stage_ != Stage::kThreads) return;
  Operation operation;
  operation.what = Operation::What::kUpdate;
  operation.order = order;
  operation.value = 1;
  operation.update = [](Value before, Value one) { return before + one; };
  if (calls_.location == Atom::kUnnamed) locate(calls_);
  operation.location = calls_.location;
  (void)step(operation, {});
}

/// A loop that reads again what it has read before waits: it goes on when somebody writes there.
void Native::pause(const Where& where, bool locked) {
  if (stage_ != Stage::kThreads) return;
  Thread& mine = threads_[current_];
  const std::size_t length = mine.at - mine.paused;
  if (length == 0 && ++mine.idle_pauses > kMostIdlePauses) {
    fail(Ending::kLivelock, "livelock: a loop pauses and reads no atomic", where);
  }
  if (!std::exchange(mine.goes_on, false) && length != 0 && mine.paused >= length &&
      same_again(graph_->steps(current_), mine.paused, length)) {
    mine.blocked = true;
    mine.locked_out = locked;
    note(EventKind::kYield, "waits", where);
    mine.fiber->give_way();
  }
  mine.paused = mine.at;
}

void Native::give_up() {
  impossible_ = true;
  threads_[current_].fiber->give_way();
  __builtin_unreachable();
}

void Native::fail(Ending ending, const char* detail, const Where& where) {
  const bool waits = ending == Ending::kLivelock || ending == Ending::kDeadlock || ending == Ending::kNoVerdict;
  if (survivor_ && stage_ == Stage::kThreads && !(waits && current_ == *survivor_)) {
    impossible_ = true;  // what the others have left half done is not for those who know nothing of that to judge
  } else if (stage_ != Stage::kClearing) {
    const Outside outside;
    ending_ = ending;
    detail_ = detail;
    note(EventKind::kFault, detail, where);
    if (recording_) events_.back().ending = ending;
  }
  Fiber& mine = stage_ == Stage::kThreads ? *threads_[current_].fiber : alone_;
  mine.give_way();
  __builtin_unreachable();
}

}  // namespace check::graph
