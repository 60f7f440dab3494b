#include "engine/graph/explorer.hpp"

#include <algorithm>
#include <optional>

#include "engine/graph/sequential.hpp"

namespace check::graph {

namespace {

/// The thread whose read-modify-write lacks its write; it comes at once, so there is one at most.
std::optional<unsigned> half_done(const Graph& graph) {
  for (unsigned thread = 0; thread < graph.threads(); ++thread) {
    const auto& steps = graph.steps(thread);
    if (!steps.empty() && steps.back().is_read() && steps.back().exclusive) return thread;
  }
  return std::nullopt;
}

}  // namespace

bool Explorer::run() {
  Graph graph(program_.threads());
  visit(graph);
  return !stopped_;
}

/// All executions that begin with the graph, which is afterwards what it was.
void Explorer::visit(Graph& graph) {
  const std::size_t size = graph.size();
  std::vector<Choice> choices;
  for (bool goes_on = true;;) {
    while (goes_on) goes_on = extend(graph, choices);
    if (stopped_ || choices.empty()) break;
    const Choice choice = choices.back();
    choices.pop_back();
    graph.truncate(choice.size);
    goes_on = take(graph, choice);
  }
  graph.truncate(size);
}

/// What a thread does behind its first steps.
Operation Explorer::operation_of(const Graph& graph, unsigned thread, std::size_t steps) const {
  return program_.next(thread, graph.operations(thread, steps), graph.values_read(thread, steps));
}

/// Adds the next step of the first thread that has one. \return whether the graph is one to go on with
bool Explorer::extend(Graph& graph, std::vector<Choice>& choices) {
  const std::optional<unsigned> in_step = half_done(graph);
  for (unsigned thread = in_step.value_or(0); thread < graph.threads(); ++thread) {
    const auto& steps = graph.steps(thread);
    Operation operation = operation_of(graph, thread, steps.size() - (in_step ? 1 : 0));
    const bool updates = in_step && operation.what == Operation::What::kUpdate;
    if (updates) operation.value = operation.update(steps.back().value, operation.value);
    switch (operation.what) {
      case Operation::What::kEnd: continue;
      case Operation::What::kFence: return fence(graph, thread, operation);
      case Operation::What::kWrite: return write(graph, thread, operation, choices);
      case Operation::What::kRead:
      case Operation::What::kUpdate:
      case Operation::What::kCompareExchange:
        return in_step ? write(graph, thread, operation, choices) : read(graph, thread, operation, choices);
    }
  }
  return complete(graph);
}

bool Explorer::complete(const Graph& graph) {
  ++executions_;
  if (!found_.execution(graph)) stopped_ = true;
  return false;
}

bool Explorer::holds(const Graph& graph) const { return !rules_.sequential || is_sequentially_consistent(graph); }

Value Explorer::value_of(const Graph& graph, Location location, EventId write) const {
  return write.is_initial() ? program_.initial(location) : graph[write].value;
}

// Forward -------------------------------------------------------------------------------------------------------------

/// A read as what it turns out to be with what it reads.
Event Explorer::read_event(const Graph& graph, Event event, const Operation& operation, EventId from) const {
  const bool compares = operation.what == Operation::What::kCompareExchange;
  const bool finds = !compares || value_of(graph, operation.location, from) == operation.expected;
  event.exclusive = operation.what == Operation::What::kUpdate || (compares && finds);
  if (!finds) event.order = operation.failure_order;
  return event;
}

/// Adds what a choice stands for. \return whether the graph is one to go on with
bool Explorer::take(Graph& graph, const Choice& choice) {
  const unsigned thread = choice.thread;
  const EventId id = graph.next_of(thread);
  const bool in_step = half_done(graph).has_value();
  if (in_step || choice.operation.what == Operation::What::kWrite) {
    graph.add_write(thread, graph.made(thread, Kind::kWrite, choice.operation), choice.position);
  } else {
    const Location location = choice.operation.location;
    const EventId from = graph.write_at(location, choice.position);
    const Event event = graph.made(thread, Kind::kRead, choice.operation);
    graph.add_read(thread, read_event(graph, event, choice.operation, from), from, value_of(graph, location, from));
  }
  return is_race_free(graph, id) && holds(graph);
}

bool Explorer::read(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices) {
  const std::size_t newest = graph.writes(operation.location).size();
  const std::size_t lowest = rules_.coherence ? graph.lowest(graph.made(thread, Kind::kRead, operation)) : 0;
  // Without a race a plain read has one choice.
  for (std::size_t position = lowest; !operation.plain && position < newest; ++position) {
    choices.push_back({graph.size(), thread, operation, position});
  }
  return take(graph, {graph.size(), thread, operation, newest});
}

/// Behind which positions of its location a write may go.
std::vector<std::size_t> Explorer::places(const Graph& graph, const Event& event, unsigned thread) const {
  const auto& writes = graph.writes(event.location);
  std::size_t lowest = rules_.coherence ? graph.lowest(event) : 0;
  std::size_t highest = writes.size();
  if (event.exclusive && rules_.atomicity) {
    lowest = highest = graph.position(event.location, graph.steps(thread).back().from);
  }
  std::vector<std::size_t> found;
  for (std::size_t position = lowest; position <= highest; ++position) {
    const bool parts = position < writes.size() && graph[writes[position]].exclusive;
    if (!parts || !rules_.atomicity) found.push_back(position);
  }
  return found;
}

bool Explorer::write(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices) {
  const Event event = graph.made(thread, Kind::kWrite, operation);
  if (rules_.revisits && !operation.plain) revisit_all(graph, thread, operation, event);
  const std::vector<std::size_t> found = places(graph, event, thread);
  if (found.empty()) return false;  // a read-modify-write that has lost to another: no execution
  for (std::size_t i = 0; i + 1 < found.size(); ++i) choices.push_back({graph.size(), thread, operation, found[i]});
  return !stopped_ && take(graph, {graph.size(), thread, operation, found.back()});
}

bool Explorer::fence(Graph& graph, unsigned thread, const Operation& operation) {
  graph.add_fence(thread, graph.made(thread, Kind::kFence, operation));
  return holds(graph);
}

bool Explorer::is_race_free(const Graph& graph, EventId newest) {
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

/// A write that is about to come may have been read before, by reads that it does not follow.
void Explorer::revisit_all(const Graph& graph, unsigned thread, const Operation& operation, const Event& event) {
  for (const EventId id : graph.accesses(event.location)) {
    const bool is_early_read = graph[id].is_read() && !graph[id].plain && !event.past.has(id);
    if (!stopped_ && is_early_read && may_revisit(graph, id, event.past))
      revisit(graph, id, thread, operation, event.past);
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
  if (!event.is_access()) return true;
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
void Explorer::revisit(const Graph& graph, EventId read, unsigned thread, const Operation& operation,
                       const Clock& past) {
  Graph rest = graph.without_what_follows(read, past);
  const Operation again = operation_of(rest, read.thread, read.index);
  const std::size_t size = rest.size();
  const Event event = rest.made(thread, Kind::kWrite, operation);
  for (const std::size_t behind : places(rest, event, thread)) {
    const EventId id = rest.next_of(thread);
    rest.add_write(thread, event, behind);
    const Event reading = rest.made_again(read, again);
    if (!rules_.coherence || rest.lowest(reading) <= behind + 1) {
      rest.reread(read, read_event(rest, reading, again, id), id, event.value);
      if (is_race_free(rest, id) && is_race_free(rest, read) && holds(rest)) visit(rest);
    }
    rest.truncate(size);
    if (stopped_) return;
  }
}

}  // namespace check::graph
