#include "trace/order.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace check {

void Order::join(Clock& clock, const Clock& other) {
  for (const auto& [thread, steps] : other) clock[thread] = std::max(clock[thread], steps);
}

Order::Order(const Trace& trace) : events_(trace.events) {
  for (std::size_t i = 0; i < events_.size(); ++i) take(i);
}

bool Order::happens_before(std::size_t first, std::size_t second) const {
  const auto at = clocks_[second].find(events_[first].thread);
  return at != clocks_[second].end() && at->second > first;
}

void Order::take(std::size_t i) {
  const Event& event = events_[i];
  Clock& mine = now_[event.thread];
  // What comes before the threads and after them is ordered with all that they do.
  if (event.kind == EventKind::kSetUpEnds || event.kind == EventKind::kJudgingBegins) {
    for (auto& [thread, clock] : now_) join(mine, clock);
    everybody_ = mine;
  }
  join(mine, everybody_);
  if (event.kind == EventKind::kUnlock) {
    mine[event.thread] = i + 1;
    locks_[*event.address] = mine;
  }
  if (event.kind == EventKind::kLock) join(mine, locks_[*event.address]);
  if (event.reads_from) read(i, mine);
  mine[event.thread] = i + 1;
  if (is_store(event)) store(i, mine);
  clocks_.push_back(mine);
}

void Order::read(std::size_t i, Clock& mine) {
  const std::size_t from = *events_[i].reads_from;
  const Clock& released = released_[from];
  const bool synchronises = acquires(load_order(events_[i])) && !released.empty();
  if (synchronises) join(mine, released);
  if (events_[from].thread != events_[i].thread) edges_.push_back({from, i, synchronises});
}

/// A change by one step continues the release sequence of what it replaces; a plain store ends it.
void Order::store(std::size_t i, const Clock& mine) {
  const Event& event = events_[i];
  Clock& released = released_[i];
  if (event.reads_from) released = released_[*event.reads_from];
  if (releases(event.order)) join(released, mine);
}

namespace {

bool writes(const Event& event) { return is_store(event) || (is_plain(event) && event.kind != EventKind::kRead); }

/// What kept a read from ordering what was read.
const char* weakness(const Event& store, const Event& load) {
  const bool released = releases(store.order);
  if (!released && !acquires(load_order(load))) return "the one does not release and the other does not acquire";
  return released ? "the read does not acquire" : "the write does not release";
}

/// Finds the words for a trace.
class Explainer {
 public:
  Explainer(const Trace& trace, const Order& order, const Style& style)
      : events_(trace.events), order_(order), style_(style) {}

  Diagnosis explain() {
    const Event& fault = events_.back();
    const Ending ending = fault.kind == EventKind::kFault ? fault.ending : Ending::kNoVerdict;
    if (ending == Ending::kDataRace) return of_race();
    if (ending == Ending::kFreedMemory) return of_freed_memory();
    return of_broken_promise();
  }

 private:
  [[nodiscard]] std::string step(std::size_t i) const { return step_of(events_[i], style_); }

  /// The last event before the end in which its thread was at something in memory.
  [[nodiscard]] std::size_t last_access() const {
    std::size_t last = events_.size() - 1;
    const unsigned thread = events_.back().thread;
    while (last > 0 && (events_[last].thread != thread || !(is_atomic(events_[last]) || is_plain(events_[last]))))
      --last;
    return last;
  }

  [[nodiscard]] bool conflict(std::size_t i, std::size_t j) const {
    const Event& a = events_[i];
    const Event& b = events_[j];
    return a.address == b.address && a.thread != b.thread && (writes(a) || writes(b)) && (is_plain(a) || is_plain(b));
  }

  /// Two steps on the same memory by two threads, at least one of which writes, with nothing between them.
  [[nodiscard]] Diagnosis of_race() const {
    const std::size_t second = last_access();
    std::size_t first = second;
    for (std::size_t i = 0; i < second; ++i) {
      if (conflict(i, second) && !order_.happens_before(i, second)) first = i;
    }
    if (first == second) return {"The conflicting step of the other thread is not in the trace.", {}};
    Diagnosis explanation{fmt::format("Missing edge: nothing orders {} before {}.", step(first), step(second)),
                          {first, second, false}};
    for (const Edge& edge : order_.edges()) {
      const bool carries = !edge.orders && edge.to <= second && events_[edge.to].thread == events_[second].thread &&
                           edge.from > first && events_[edge.from].thread == events_[first].thread;
      if (!carries) continue;
      explanation = {
          fmt::format("Missing edge: {} reads what {} wrote, but {}; so {} does not happen before {}.", step(edge.to),
                      step(edge.from), weakness(events_[edge.from], events_[edge.to]), step(first), step(second)),
          edge};
    }
    return explanation;
  }

  /// The step that has given back what was touched at the end; the last one of the trace when there is none.
  [[nodiscard]] std::size_t given_back() const {
    const std::size_t end = events_.size() - 1;
    const bool is_object = end != 0 && events_[end - 1].kind == EventKind::kGone;
    std::size_t found = end;
    for (std::size_t i = end; i-- > 0;) {
      const Event& event = events_[i];
      if (!is_object && event.kind == EventKind::kUnmap) return i;
      // An object lies in the nearest block at or below it.
      const bool below = is_object && event.kind == EventKind::kFree && *event.address <= *events_[end - 1].address;
      if (below && (found == end || *event.address > *events_[found].address)) found = i;
    }
    return found;
  }

  /// Memory that another thread has given back.
  [[nodiscard]] Diagnosis of_freed_memory() const {
    const std::size_t end = events_.size() - 1;
    const std::size_t i = given_back();
    if (i == end) return {"No edge is missing: the memory was nobody's whatever the order.", {}};
    return {fmt::format("Missing edge: nothing keeps {} behind {}.", step(i), step(end)), {end, i, false}};
  }

  /// An invariant that does not hold: by what was read too late, or by the order of the steps alone.
  [[nodiscard]] Diagnosis of_broken_promise() const {
    for (std::size_t i = events_.size(); i-- > 0;) {
      if (events_[i].stores_ago == 0) continue;
      for (std::size_t j = i; j-- > 0;) {
        const Event& newer = events_[j];
        if (!is_store(newer) || newer.address != events_[i].address || newer.thread == events_[i].thread) continue;
        return {fmt::format("A stale read: {} sees what was there before {}; nothing orders the one behind the other.",
                            step(i), step(j)),
                {j, i, false}};
      }
    }
    return {fmt::format("No edge is missing: these steps, one after the other, end in {}.",
                        happening_of(events_.back(), style_)),
            {}};
  }

  const std::vector<Event>& events_;
  const Order& order_;
  const Style& style_;
};

}  // namespace

Diagnosis explain(const Trace& trace, const Order& order, const Style& style) {
  if (trace.empty()) return {};
  return Explainer(trace, order, style).explain();
}

}  // namespace check
