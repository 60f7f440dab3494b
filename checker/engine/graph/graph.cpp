#include "engine/graph/graph.hpp"

#include <algorithm>
#include <stdexcept>

namespace check::graph {

namespace {

[[nodiscard]] bool releases(const Event& event) { return !event.plain && check::releases(event.order); }
[[nodiscard]] bool acquires(const Event& event) { return !event.plain && check::acquires(event.order); }

const std::vector<EventId> kNone;

}  // namespace

Graph::Graph(unsigned threads) : threads_(threads) {
  if (threads > kMostThreads) throw std::length_error("a program has more threads than a graph keeps");
}

const std::vector<EventId>& Graph::writes(Location location) const noexcept {
  return location < writes_.size() ? writes_[location] : kNone;
}

const std::vector<EventId>& Graph::accesses(Location location) const noexcept {
  return location < accesses_.size() ? accesses_[location] : kNone;
}

std::size_t Graph::position(Location location, EventId write) const noexcept {
  if (write.is_initial()) return 0;
  const auto& all = writes(location);
  return static_cast<std::size_t>(std::find(all.begin(), all.end(), write) - all.begin()) + 1;
}

EventId Graph::write_at(Location location, std::size_t position) const noexcept {
  return position == 0 ? kInitial : writes_[location][position - 1];
}

std::vector<Value> Graph::values_read(unsigned thread, std::size_t steps) const {
  std::vector<Value> values;
  for (std::size_t i = 0; i < steps; ++i) {
    if (threads_[thread][i].is_read()) values.push_back(threads_[thread][i].value);
  }
  return values;
}

std::size_t Graph::operations(unsigned thread, std::size_t steps) const noexcept {
  const auto begin = threads_[thread].begin();
  return static_cast<std::size_t>(
      std::count_if(begin, begin + static_cast<std::ptrdiff_t>(steps),
                    [](const Event& event) { return !(event.is_write() && event.exclusive); }));
}

EventId Graph::next_of(unsigned thread) const noexcept {
  return {static_cast<std::uint16_t>(thread), static_cast<std::uint16_t>(threads_[thread].size())};
}

// Growth --------------------------------------------------------------------------------------------------------------

Event Graph::behind(const Event* last, Kind kind, const Operation& operation) const {
  Event event;
  event.kind = kind;
  event.plain = operation.plain;
  event.order = operation.order;
  event.location = operation.location;
  event.value = operation.value;
  event.operation = operation;
  if (last == nullptr) return event;
  event.past = last->past;
  event.happened = last->happened;
  event.readable = last->readable;
  event.fenced = last->fenced;
  return event;
}

Event Graph::made(unsigned thread, Kind kind, const Operation& operation) const {
  const auto& steps = threads_[thread];
  Event event = behind(steps.empty() ? nullptr : &steps.back(), kind, operation);
  event.exclusive = kind == Kind::kWrite && !steps.empty() && steps.back().is_read() && steps.back().exclusive;
  return event;
}

Event Graph::made_again(EventId read) const {
  const auto& steps = threads_[read.thread];
  return behind(read.index == 0 ? nullptr : &steps[read.index - 1u], Kind::kRead, steps[read.index].operation);
}

/// The position up to which an access has seen its location.
std::size_t Graph::seen_position(EventId access) const noexcept {
  const Event& event = (*this)[access];
  return position(event.location, event.is_write() ? access : event.from);
}

std::size_t Graph::lowest(const Event& event) const noexcept {
  std::size_t position = 0;
  for (const EventId access : accesses(event.location)) {
    if (event.happened.has(access)) position = std::max(position, seen_position(access));
  }
  return position;
}

void Graph::read_from(Event& event, EventId from, Value value) const {
  event.from = from;
  event.value = value;
  if (from.is_initial()) return;
  const Event& write = (*this)[from];
  event.past.join(write.past);
  if (event.plain) return;
  event.readable.join(write.released);
  if (acquires(event)) event.happened.join(write.released);
}

/// Counts an event, or takes it back: -1.
void Graph::count(const Event& event, int one) noexcept {
  if (event.plain) plain_ += static_cast<std::size_t>(one);
  if (event.is_sequential()) sequential_ += static_cast<std::size_t>(one);
  if (event.is_read() && event.operation.fails) failures_ += static_cast<unsigned>(one);
}

void Graph::append(unsigned thread, const Event& event) {
  if (threads_[thread].size() == kMostSteps) throw std::length_error("a thread has more steps than a graph keeps");
  const EventId id = next_of(thread);
  order_.push_back(id);
  threads_[thread].push_back(event);
  Event& added = threads_[thread].back();
  added.stamp = static_cast<std::uint32_t>(order_.size() - 1);
  count(event, 1);
  added.past.set(thread, id.index + 1u);
  added.happened.set(thread, id.index + 1u);
  if (!event.is_access()) return;
  if (event.location >= writes_.size()) {
    writes_.resize(event.location + 1u);
    accesses_.resize(event.location + 1u);
  }
  accesses_[event.location].push_back(id);
}

void Graph::add_read(unsigned thread, Event event, EventId from, Value value) {
  read_from(event, from, value);
  append(thread, event);
}

void Graph::add_write(unsigned thread, Event event, std::size_t behind) {
  const EventId id = next_of(thread);
  Clock mine = event.happened;
  mine.set(thread, id.index + 1u);
  if (!event.plain) event.released = releases(event) ? mine : event.fenced;
  if (event.exclusive) {
    const EventId replaced = threads_[thread].back().from;
    if (!replaced.is_initial()) event.released.join((*this)[replaced].released);
  }
  append(thread, event);
  auto& writes = writes_[event.location];
  writes.insert(writes.begin() + static_cast<std::ptrdiff_t>(behind), id);
}

void Graph::add_fence(unsigned thread, Event event) {
  if (acquires(event)) event.happened.join(event.readable);
  if (releases(event)) {
    event.fenced = event.happened;
    event.fenced.set(thread, next_of(thread).index + 1u);
  }
  append(thread, event);
}

void Graph::add_choice(unsigned thread, Event event, Value chosen) {
  event.value = chosen;
  append(thread, event);
}

void Graph::truncate(std::size_t size) {
  while (order_.size() > size) {
    const EventId id = order_.back();
    const Event& event = (*this)[id];
    count(event, -1);
    if (event.is_access()) accesses_[event.location].pop_back();
    if (event.is_write()) {
      auto& writes = writes_[event.location];
      writes.erase(std::find(writes.begin(), writes.end(), id));
    }
    threads_[id.thread].pop_back();
    order_.pop_back();
  }
}

void Graph::clear() noexcept {
  for (auto& steps : threads_) steps.clear();
  for (auto& writes : writes_) writes.clear();
  for (auto& accesses : accesses_) accesses.clear();
  order_.clear();
  plain_ = sequential_ = 0;
  failures_ = 0;
}

// Revisits ------------------------------------------------------------------------------------------------------------

void Graph::without_what_follows(EventId read, const Clock& past_of_write, Graph& rest) const {
  const std::uint32_t from = (*this)[read].stamp;
  const auto stays = [&](EventId id) { return (*this)[id].stamp <= from || past_of_write.has(id); };
  rest.clear();
  if (rest.writes_.size() < writes_.size()) {
    rest.writes_.resize(writes_.size());
    rest.accesses_.resize(accesses_.size());
  }
  for (const EventId id : order_) {
    if (!stays(id)) continue;
    const Event& event = (*this)[id];
    if (event.is_read() && id != read && !event.from.is_initial() && !stays(event.from)) {
      throw std::logic_error("a read is left without what it has read");
    }
    rest.append(id.thread, event);
  }
  for (std::size_t location = 0; location < writes_.size(); ++location) {
    for (const EventId id : writes_[location]) {
      if (stays(id)) rest.writes_[location].push_back(id);
    }
  }
}

void Graph::reread(EventId read, Event event, EventId from, Value value) {
  event.stamp = (*this)[read].stamp;
  read_from(event, from, value);
  event.past.set(read.thread, read.index + 1u);
  event.happened.set(read.thread, read.index + 1u);
  restore(read, event);
}

void Graph::restore(EventId read, const Event& event) noexcept {
  Event& there = threads_[read.thread][read.index];
  count(there, -1);
  there = event;
  count(there, 1);
}

}  // namespace check::graph
