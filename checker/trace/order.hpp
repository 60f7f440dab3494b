#pragma once
/// What happens before what in a trace, and the edge that is missing.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/event.hpp"
#include "trace/text.hpp"

namespace check {

/// A write that another thread has read, by their places in the trace.
struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
  bool orders = false;  ///< what came before the write happens before what comes after the read

  friend bool operator==(const Edge&, const Edge&) = default;
};

class Order {
 public:
  /// \param trace must live as long
  explicit Order(const Trace& trace);

  /// Whether one event, by its place in the trace, happens before a later one.
  [[nodiscard]] bool happens_before(std::size_t first, std::size_t second) const;
  /// Writes that other threads have read, in the order of the reads.
  [[nodiscard]] const std::vector<Edge>& edges() const noexcept { return edges_; }

 private:
  /// For each thread, how many of the trace's events are known to have happened.
  using Clock = std::map<unsigned, std::size_t>;

  static void join(Clock& clock, const Clock& other);
  void take(std::size_t i);
  void read(std::size_t i, Clock& mine);
  void store(std::size_t i, const Clock& mine);

  const std::vector<Event>& events_;
  Clock everybody_;
  std::map<unsigned, Clock> now_;
  std::map<std::uintptr_t, Clock> locks_;
  std::map<std::size_t, Clock> released_;  ///< by a store, to who reads it and acquires
  std::vector<Clock> clocks_;
  std::vector<Edge> edges_;
};

/// Why an execution has come to its end.
struct Diagnosis {
  std::string sentence;  ///< about the edge that would have prevented it, or that there is none
  Edge gap;              ///< its ends; both 0 when no edge is missing
};

Diagnosis explain(const Trace& trace, const Order& order, const Style& style = {});

}  // namespace check
