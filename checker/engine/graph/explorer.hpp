#pragma once
/// Visits each execution of a program that RC11 allows, once: Kokologiannakis et al., Truly stateless, optimal dynamic
/// partial order reduction (POPL 2022). What is kept is a way from the first graph to the present one, no set of graphs.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/graph/program.hpp"

namespace check::graph {

/// Rules that an exploration keeps. All hold, but where a test shows that it would notice one that does not.
struct Rules {
  bool coherence = true;   ///< nobody reads or writes below what it has seen
  bool atomicity = true;   ///< nothing comes between what a read-modify-write reads and what it writes
  bool sequential = true;  ///< seq_cst operations have one order
  bool revisits = true;    ///< what was read early is read again from writes that come later
  bool once = true;        ///< a read is read again from one of the graphs alone that lead to the same
  bool kept_reads = true;  ///< of those, from none in which a read that stays has read what goes
};

/// Two conflicting accesses, at least one of them plain, of which none happens before the other.
struct Race {
  EventId first, second;
};

/// Who is told what is found. \return whether the exploration goes on
struct Found {
  std::function<bool(const Graph&)> execution;
  std::function<bool(const Graph&, const Race&)> race;  ///< what follows the race is not visited
};

class Explorer {
 public:
  /// \param program must live as long
  Explorer(const Program& program, Found found, Rules rules = {})
      : program_(program), found_(std::move(found)), rules_(rules) {}

  /// \return whether all was visited
  /// \throws std::length_error when the program has more threads, or one of them more steps, than a graph keeps
  bool run();
  /// Complete executions so far.
  [[nodiscard]] std::uint64_t executions() const noexcept { return executions_; }

 private:
  /// What else could have come at a place: a read from another write, or a write at another place.
  struct Choice {
    std::size_t size;  ///< of the graph before it
    unsigned thread;
    Operation operation;
    std::size_t position;  ///< of what is read, or behind which is written
  };

  void visit(Graph& graph);
  bool extend(Graph& graph, std::vector<Choice>& choices);
  bool take(Graph& graph, const Choice& choice);
  bool read(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices);
  bool write(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices);
  bool fence(Graph& graph, unsigned thread, const Operation& operation);
  [[nodiscard]] Operation operation_of(const Graph& graph, unsigned thread, std::size_t steps) const;
  [[nodiscard]] Event read_event(const Graph& graph, Event event, const Operation& operation, EventId from) const;
  [[nodiscard]] Value value_of(const Graph& graph, Location location, EventId write) const;
  [[nodiscard]] std::vector<std::size_t> places(const Graph& graph, const Event& event, unsigned thread) const;
  [[nodiscard]] bool holds(const Graph& graph) const;
  bool is_race_free(const Graph& graph, EventId newest);
  bool complete(const Graph& graph);

  void revisit_all(const Graph& graph, unsigned thread, const Operation& operation, const Event& event);
  void revisit(const Graph& graph, EventId read, unsigned thread, const Operation& operation, const Clock& past);
  [[nodiscard]] bool may_revisit(const Graph& graph, EventId read, const Clock& past) const;
  [[nodiscard]] bool is_maximal(const Graph& graph, EventId id, const Clock& past) const;

  const Program& program_;
  Found found_;
  Rules rules_;
  bool stopped_ = false;
  std::uint64_t executions_ = 0;
};

}  // namespace check::graph
