#include "engine/graph/explorer.hpp"

#include <algorithm>
#include <optional>

#include "engine/graph/sequential.hpp"

namespace check::graph {

namespace {

/// The thread whose read-modify-write lacks its write; it comes at once, so there is one at most.
std::optional<unsigned> half_done(const Graph& graph) {
  for (unsigned thread = 0; thread < graph.threads(); ++thread) {
    if (graph.is_half_done(thread)) return thread;
  }
  return std::nullopt;
}

}  // namespace

bool Explorer::run() {
  Graph graph(machine_.threads());
  visit(graph);
  return !stopped_;
}

/// All executions that begin with the graph.
void Explorer::visit(Graph& graph) {
  std::vector<Choice> choices;
  for (bool more = goes_on(graph, machine_.restart(graph));;) {
    while (more) more = extend(graph, choices);
    if (stopped_ || choices.empty()) break;
    const Choice choice = choices.back();
    choices.pop_back();
    if (choice.chosen == kChoicesOfAUnit && is_left_out()) continue;
    strayed_ = choice.strayed;
    chosen_ = choice.chosen;
    graph.truncate(choice.size);
    if (choice.read) {
      revisit(graph, *choice.read, choice.thread, choice.operation);
      more = false;
    } else {
      more = take(graph, choice) && finish_step(graph, choice, choices) && goes_on(graph, machine_.restart(graph));
    }
  }
}

/// Adds the write of a read-modify-write that a choice has begun: what it writes is known without its thread, and there may
/// be no place for it.
bool Explorer::finish_step(Graph& graph, const Choice& choice, std::vector<Choice>& choices) {
  return !graph.is_half_done(choice.thread) || add(graph, choice.thread, choice.operation, true, choices);
}

/// Whether the next unit begins here and is left out.
bool Explorer::is_left_out() { return visits_ && !visits_(units_++); }

/// Keeps for later what else there could be, unless too many operations have strayed for it.
void Explorer::note(std::vector<Choice>& choices, Choice choice, unsigned straying) {
  choice.strayed = strayed_ + straying;
  choice.chosen = chosen_ + 1;
  if (bound_ && choice.strayed > *bound_) {
    has_left_out_ = true;
    return;
  }
  choices.push_back(choice);
}

bool Explorer::follow(const Way& way, const std::function<void(const Graph&)>& end) {
  Graph graph(machine_.threads());
  if (!goes_on(graph, machine_.restart(graph))) return machine_.failed();
  for (const auto& [thread, position, fails] : way.steps) {
    if (thread >= graph.threads()) return false;
    Operation operation = machine_.next(graph, thread);
    const bool in_step = graph.is_half_done(thread);
    if (in_step && operation.what == Operation::What::kUpdate) {
      operation.value = operation.update(graph.steps(thread).back().value, operation.value);
    }
    const bool chooses = operation.what == Operation::What::kChoice;
    const std::size_t ways = chooses ? operation.value : graph.writes(operation.location).size() + 1;
    if (operation.what == Operation::What::kEnd || position >= ways || (fails && !operation.weak)) return false;
    operation.fails = fails && !in_step;
    if (operation.what == Operation::What::kFence) {
      if (!fence(graph, thread, operation)) return false;
    } else if (!take(graph, {graph.size(), thread, operation, position, {}})) {
      return false;
    }
    if (!graph.is_half_done(thread) && !goes_on(graph, machine_.advance(graph, thread))) return machine_.failed();
  }
  if (machine_.finish(graph) != Finish::kExecution) return machine_.failed();
  if (end) end(graph);
  return true;
}

/// Whether a graph is one to go on with, after its threads have run.
bool Explorer::goes_on(const Graph& graph, bool possible) {
  if (possible) return true;
  if (!machine_.failed()) {
    ++impossible_;
    if (found_.impossible && !found_.impossible()) stopped_ = true;
    return false;
  }
  stopped_ = true;
  if (found_.fault) found_.fault(graph);
  return false;
}

/// Adds the next step of the first thread that has one. \return whether the graph is one to go on with
bool Explorer::extend(Graph& graph, std::vector<Choice>& choices) {
  const std::optional<unsigned> in_step = half_done(graph);
  for (unsigned thread = in_step.value_or(0); thread < graph.threads(); ++thread) {
    const Operation operation = machine_.next(graph, thread);
    if (operation.what == Operation::What::kEnd) continue;
    if (!add(graph, thread, operation, in_step.has_value(), choices)) return false;
    return graph.is_half_done(thread) || goes_on(graph, machine_.advance(graph, thread));
  }
  return complete(graph);
}

/// Adds a step of a thread, and notes what else there could be at its place.
bool Explorer::add(Graph& graph, unsigned thread, Operation operation, bool in_step, std::vector<Choice>& choices) {
  if (in_step && operation.what == Operation::What::kUpdate) {
    operation.value = operation.update(graph.steps(thread).back().value, operation.value);
  }
  switch (operation.what) {
    case Operation::What::kFence: return fence(graph, thread, operation);
    case Operation::What::kChoice: return choose(graph, thread, operation, choices);
    case Operation::What::kWrite: return write(graph, thread, operation, choices);
    default: return in_step ? write(graph, thread, operation, choices) : read(graph, thread, operation, choices);
  }
}

bool Explorer::complete(const Graph& graph) {
  const Finish finish = machine_.finish(graph);
  if (finish != Finish::kExecution) return goes_on(graph, false);
  if (chosen_ < kChoicesOfAUnit && is_left_out()) return false;
  ++executions_;
  if (!found_.execution(graph)) stopped_ = true;
  return false;
}

bool Explorer::holds(const Graph& graph) const { return !rules_.sequential || is_sequentially_consistent(graph); }

Value Explorer::value_of(const Graph& graph, Location location, EventId write) const {
  return write.is_initial() ? machine_.initial(location) : graph[write].value;
}

// Forward -------------------------------------------------------------------------------------------------------------

/// A read as what it turns out to be with what it reads.
Event Explorer::read_event(const Graph& graph, Event event, const Operation& operation, EventId from) const {
  const bool compares = operation.what == Operation::What::kCompareExchange;
  const bool finds = !compares || (value_of(graph, operation.location, from) == operation.expected && !operation.fails);
  event.exclusive = operation.what == Operation::What::kUpdate || (compares && finds);
  if (!finds) event.order = operation.failure_order;
  return event;
}

/// Whether a compare-and-swap that finds a value may fail for no reason.
bool Explorer::may_fail(const Graph& graph, const Operation& operation, Value value) const {
  return operation.weak && value == operation.expected && graph.failures() < failures_;
}

/// Adds what a choice stands for. \return whether the graph is one to go on with
bool Explorer::take(Graph& graph, const Choice& choice) {
  const unsigned thread = choice.thread;
  const Operation& operation = choice.operation;
  const EventId id = graph.next_of(thread);
  if (operation.what == Operation::What::kChoice) {
    graph.add_choice(thread, graph.made(thread, Kind::kChoice, operation), choice.position);
    return true;
  }
  if (graph.is_half_done(thread) || operation.what == Operation::What::kWrite) {
    graph.add_write(thread, graph.made(thread, Kind::kWrite, operation), choice.position);
  } else {
    const EventId from = graph.write_at(operation.location, choice.position);
    const Event event = graph.made(thread, Kind::kRead, operation);
    graph.add_read(thread, read_event(graph, event, operation, from), from, value_of(graph, operation.location, from));
  }
  return is_race_free(graph, id) && holds(graph);
}

bool Explorer::read(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices) {
  const std::size_t newest = graph.writes(operation.location).size();
  const Event event = graph.made(thread, Kind::kRead, operation);
  const std::size_t lowest = rules_.coherence ? graph.lowest(event) : 0;
  // Without a race a plain read has one choice.
  for (std::size_t position = lowest; !operation.plain && position < newest; ++position) {
    const EventId from = graph.write_at(operation.location, position);
    note_failure(graph, thread, operation, position, choices);
    // Of two updates that read the same the one which was there first is to read the other one, and strays; or it is none.
    const bool displaces = read_event(graph, event, operation, from).exclusive &&
                           graph[graph.write_at(operation.location, position + 1)].exclusive;
    note(choices, {graph.size(), thread, operation, position, {}}, displaces ? 0 : 1);
  }
  note_failure(graph, thread, operation, newest, choices);
  return take(graph, {graph.size(), thread, operation, newest, {}});
}

void Explorer::note_failure(const Graph& graph, unsigned thread, Operation operation, std::size_t position,
                            std::vector<Choice>& choices) {
  const EventId from = graph.write_at(operation.location, position);
  if (!operation.weak || !may_fail(graph, operation, value_of(graph, operation.location, from))) return;
  operation.fails = true;
  note(choices, {graph.size(), thread, operation, position, {}});
}

/// The bounds of the positions behind which a write may go.
Explorer::Places Explorer::places(const Graph& graph, const Event& event, unsigned thread) const {
  if (event.exclusive && rules_.atomicity) {
    const std::size_t only = graph.position(event.location, graph.steps(thread).back().from);
    return {only, only};
  }
  return {rules_.coherence ? graph.lowest(event) : 0, graph.writes(event.location).size()};
}

/// Whether a write behind a position parts no read-modify-write from what it has read.
bool Explorer::is_place(const Graph& graph, Location location, std::size_t position) const {
  const auto& writes = graph.writes(location);
  return !rules_.atomicity || position == writes.size() || !graph[writes[position]].exclusive;
}

bool Explorer::write(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices) {
  const Event event = graph.made(thread, Kind::kWrite, operation);
  if (rules_.revisits && !operation.plain) note_revisits(graph, thread, operation, event, choices);
  std::optional<std::size_t> last;
  const Places all = places(graph, event, thread);
  for (std::size_t position = all.lowest; position <= all.highest; ++position) {
    if (!is_place(graph, operation.location, position)) continue;
    if (last) note(choices, {graph.size(), thread, operation, *last, {}});
    last = position;
  }
  // Without a place it is a read-modify-write that has lost to another: no execution.
  return last && take(graph, {graph.size(), thread, operation, *last, {}});
}

bool Explorer::fence(Graph& graph, unsigned thread, const Operation& operation) {
  graph.add_fence(thread, graph.made(thread, Kind::kFence, operation));
  return holds(graph);
}

bool Explorer::choose(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices) {
  for (std::size_t way = operation.value; way-- > 1;) note(choices, {graph.size(), thread, operation, way, {}});
  return take(graph, {graph.size(), thread, operation, 0, {}});
}

bool Explorer::is_race_free(const Graph& graph, EventId newest) {
  if (!graph.has_plain()) return true;
  const Event& event = graph[newest];
  for (const EventId id : graph.accesses(event.location)) {
    const Event& other = graph[id];
    const bool conflict = (event.is_write() || other.is_write()) && (event.plain || other.plain);
    if (id == newest || !conflict || graph.happens_before(id, newest) || graph.happens_before(newest, id)) continue;
    if (!found_.race(graph, {id, newest})) stopped_ = true;
    return false;
  }
  return true;
}

// Backward ------------------------------------------------------------------------------------------------------------

/// A write that is about to come may be read by those that came before, unless it follows them.
void Explorer::note_revisits(const Graph& graph, unsigned thread, const Operation& operation, const Event& event,
                             std::vector<Choice>& choices) {
  for (const EventId id : graph.accesses(event.location)) {
    const bool is_early_read = graph[id].is_read() && !graph[id].plain && !event.past.has(id);
    if (is_early_read && may_revisit(graph, id, event.past)) note(choices, {graph.size(), thread, operation, 0, id});
  }
}

/// Of all graphs that lead to the same one by a revisit, it is done from the one in which all that goes was added last.
bool Explorer::may_revisit(const Graph& graph, EventId read, const Clock& past) const {
  if (!rules_.once) return true;
  const auto& order = graph.order();
  for (std::size_t i = graph[read].stamp; i < order.size(); ++i) {
    const bool goes = order[i] == read || !past.has(order[i]);
    if (goes && !is_maximal(graph, order[i], past)) return false;
  }
  return true;
}

/// Whether an event was added behind all that was there: by coherence order, and read by nobody of them.
bool Explorer::is_maximal(const Graph& graph, EventId id, const Clock& past) const {
  const Event& event = graph[id];
  if (event.kind == Kind::kChoice) return event.value == 0;
  if (!event.is_access()) return true;
  if (event.is_read() && event.operation.fails && rules_.kept_failures) return false;
  const auto was_there = [&](EventId other) {
    return other.is_initial() || graph[other].stamp <= event.stamp || past.has(other);
  };
  if (event.is_write() && rules_.kept_reads) {
    for (const EventId other : graph.accesses(event.location)) {
      if (graph[other].is_read() && graph[other].from == id && was_there(other)) return false;
    }
  }
  const EventId write = event.is_read() ? event.from : id;
  if (!was_there(write)) return false;
  const auto& writes = graph.writes(event.location);
  const auto later = writes.begin() + static_cast<std::ptrdiff_t>(graph.position(event.location, write));
  return std::none_of(later, writes.end(), was_there);
}

/// Cuts the graph back to what the read and the write need, and goes on from there with the one reading the other.
void Explorer::revisit(const Graph& graph, EventId read, unsigned thread, const Operation& operation) {
  const Clock past = graph.made(thread, Kind::kWrite, operation).past;
  const unsigned strayed = strayed_;
  const unsigned chosen = chosen_;
  std::unique_ptr<Graph> room = spare();
  Graph& rest = *room;
  graph.without_what_follows(read, past, rest);
  const std::size_t size = rest.size();
  const Event before = rest[read];
  const Event event = rest.made(thread, Kind::kWrite, operation);
  const Places all = places(rest, event, thread);
  for (std::size_t behind = all.lowest; behind <= all.highest && !stopped_; ++behind) {
    if (!is_place(rest, operation.location, behind)) continue;
    const EventId id = rest.next_of(thread);
    rest.add_write(thread, event, behind);
    if (!rules_.coherence || rest.lowest(rest.made_again(read)) <= behind + 1) {
      reread(rest, read, before.operation, id, event.value);
      strayed_ = strayed;
      chosen_ = chosen;
    }
    rest.truncate(size);
    rest.restore(read, before);
  }
  spare_.push_back(std::move(room));
}

/// Goes on with the read reading the write in each way that it can: as a compare-and-swap it may fail for no reason.
void Explorer::reread(Graph& rest, EventId read, Operation how, EventId from, Value value) {
  const bool fails_too = may_fail(rest, how, value);
  const unsigned strayed = strayed_;
  const unsigned chosen = chosen_;
  const std::size_t size = rest.size();
  for (how.fails = false;; how.fails = true) {
    Event reading = rest.made_again(read);
    reading.operation = how;
    rest.reread(read, read_event(rest, reading, how, from), from, value);
    if (is_race_free(rest, from) && is_race_free(rest, read) && holds(rest)) visit(rest);
    if (how.fails || !fails_too || stopped_) return;
    rest.truncate(size);
    if (bound_ && strayed == *bound_) {
      has_left_out_ = true;
      return;
    }
    strayed_ = strayed + 1;
    chosen_ = chosen;
  }
}

std::unique_ptr<Graph> Explorer::spare() {
  if (spare_.empty()) return std::make_unique<Graph>(machine_.threads());
  std::unique_ptr<Graph> graph = std::move(spare_.back());
  spare_.pop_back();
  return graph;
}

}  // namespace check::graph
