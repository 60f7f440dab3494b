#include "engine/graph/way.hpp"

namespace check::graph {

namespace {

/// The position of a write among those of its location that have been done.
std::size_t position_among(const Graph& graph, Location location, EventId write, const std::vector<std::size_t>& done) {
  if (write.is_initial()) return 0;
  std::size_t position = 1;
  for (const EventId other : graph.writes(location)) {
    if (other == write) break;
    position += done[other.thread] > other.index ? 1u : 0u;
  }
  return position;
}

}  // namespace

Way Way::to(const Graph& graph) {
  Way way;
  std::vector<std::size_t> done(graph.threads());
  const auto can_come = [&](const Event& event) {
    return !event.is_read() || event.from.is_initial() || done[event.from.thread] > event.from.index;
  };
  for (bool moves = true; moves;) {
    moves = false;
    for (unsigned thread = 0; thread < graph.threads(); ++thread) {
      const auto& steps = graph.steps(thread);
      for (; done[thread] < steps.size() && can_come(steps[done[thread]]); moves = true) {
        const Event& event = steps[done[thread]];
        const EventId id = {static_cast<std::uint16_t>(thread), static_cast<std::uint16_t>(done[thread])};
        std::size_t position = event.kind == Kind::kChoice ? event.value : 0;
        if (event.is_read()) position = position_among(graph, event.location, event.from, done);
        if (event.is_write()) position = position_among(graph, event.location, id, done) - 1;
        way.steps.push_back({thread, position, event.is_read() && event.operation.fails});
        ++done[thread];
      }
    }
  }
  return way;
}

}  // namespace check::graph
