#pragma once
/// Visits each execution of a program that RC11 allows, once: Kokologiannakis et al., Truly stateless, optimal dynamic
/// partial order reduction (POPL 2022). What is kept is a way from the first graph to the present one, no set of graphs.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/graph/machine.hpp"
#include "engine/graph/program.hpp"
#include "engine/graph/way.hpp"

namespace check::graph {

/// Rules that an exploration keeps. All hold, but where a test shows that it would notice one that does not.
struct Rules {
  bool coherence = true;      ///< nobody reads or writes below what it has seen
  bool atomicity = true;      ///< nothing comes between what a read-modify-write reads and what it writes
  bool sequential = true;     ///< seq_cst operations have one order
  bool revisits = true;       ///< what was read early is read again from writes that come later
  bool once = true;           ///< a read is read again from one of the graphs alone that lead to the same
  bool kept_reads = true;     ///< of those, from none in which a read that stays has read what goes
  bool kept_failures = true;  ///< and from none in which a compare-and-swap that goes has failed for no reason
};

/// Two conflicting accesses, at least one of them plain, of which none happens before the other.
struct Race {
  EventId first, second;
};

/// Who is told what is found. \return whether the exploration goes on
struct Found {
  std::function<bool(const Graph&)> execution;
  std::function<bool(const Graph&, const Race&)> race;  ///< what follows the race is not visited
  std::function<void(const Graph&)> fault = {};         ///< the machine has failed; nothing else is visited
  std::function<bool()> impossible = {};                ///< a graph has turned out to be no execution
};

class Explorer {
 public:
  /// \param program must live as long
  Explorer(const Program& program, Found found, Rules rules = {})
      : own_(std::make_unique<ProgramMachine>(program)), machine_(*own_), found_(std::move(found)), rules_(rules) {}
  /// \param machine must live as long
  Explorer(Machine& machine, Found found, Rules rules = {})
      : machine_(machine), found_(std::move(found)), rules_(rules) {}

  /// \return whether all was visited
  /// \throws std::length_error when the program has more threads, or one of them more steps, than a graph keeps
  bool run();
  /// Leaves out what more than so many operations stray for on the way to it. Left to themselves, threads run one after
  /// the other, the first one to its end or until it waits, each read reads what was written last, each write comes last,
  /// and of what may happen in several ways the first happens. An operation strays that does something else: a read that
  /// reads something older, or a write that a later thread has yet to do; a write that comes before one that is there; or
  /// another way. Of two updates the other way round one strays, the first one. There is one way to each execution, so the
  /// bound leaves out the same wherever it is reached, and a larger one leaves out less.
  void bound(unsigned straying) noexcept { bound_ = straying; }
  /// Lets weak compare-and-swaps fail though they find what they expect, all together at most so often in an execution:
  /// each of these executions is visited once, too. Such an operation strays. At first they never do.
  void let_fail(unsigned times) noexcept { failures_ = times; }
  /// Divides the exploration into units: what is reached by so many choices that are no first ones, or an execution that is
  /// reached by fewer. They are numbered from 0 in the order in which they come, which is the same in every run.
  static constexpr unsigned kChoicesOfAUnit = 3;
  /// \param visits asked for each unit when all before it are done; what it leaves out is neither visited nor counted
  void divide(std::function<bool(std::uint64_t unit)> visits) { visits_ = std::move(visits); }
  /// Whether the bound has left anything out so far.
  [[nodiscard]] bool has_left_out() const noexcept { return has_left_out_; }
  /// Complete executions so far.
  [[nodiscard]] std::uint64_t executions() const noexcept { return executions_; }
  /// Graphs so far that have turned out to be no executions.
  [[nodiscard]] std::uint64_t impossible() const noexcept { return impossible_; }

  /// Goes one way instead of all. \param end is told the execution, if there is no fault on the way
  /// \return whether it is a way, to its end or to a fault
  bool follow(const Way& way, const std::function<void(const Graph&)>& end = {});

 private:
  /// What else could have come at a place: a read from another write, a write at another place, another choice; or that
  /// the write that comes there is read by one that came before.
  struct Choice {
    std::size_t size;  ///< of the graph before it
    unsigned thread;
    Operation operation;
    std::size_t position;         ///< of what is read, or behind which is written; what is chosen
    std::optional<EventId> read;  ///< that is to read from the write
    unsigned strayed = 0;         ///< with it, how many operations have strayed
    unsigned chosen = 0;          ///< and how many choices lead here
  };
  /// The positions behind which a write may go are some of these.
  struct Places {
    std::size_t lowest, highest;
  };

  void visit(Graph& graph);
  void note(std::vector<Choice>& choices, Choice choice, unsigned straying = 1);
  bool goes_on(const Graph& graph, bool possible);
  bool is_left_out();
  bool extend(Graph& graph, std::vector<Choice>& choices);
  bool add(Graph& graph, unsigned thread, Operation operation, bool in_step, std::vector<Choice>& choices);
  bool take(Graph& graph, const Choice& choice);
  bool finish_step(Graph& graph, const Choice& choice, std::vector<Choice>& choices);
  bool read(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices);
  bool write(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices);
  bool fence(Graph& graph, unsigned thread, const Operation& operation);
  void note_failure(const Graph& graph, unsigned thread, Operation operation, std::size_t position,
                    std::vector<Choice>& choices);
  bool choose(Graph& graph, unsigned thread, const Operation& operation, std::vector<Choice>& choices);
  [[nodiscard]] bool may_fail(const Graph& graph, const Operation& operation, Value value) const;
  [[nodiscard]] Event read_event(const Graph& graph, Event event, const Operation& operation, EventId from) const;
  [[nodiscard]] Value value_of(const Graph& graph, Location location, EventId write) const;
  [[nodiscard]] Places places(const Graph& graph, const Event& event, unsigned thread) const;
  [[nodiscard]] bool is_place(const Graph& graph, Location location, std::size_t position) const;
  [[nodiscard]] bool holds(const Graph& graph) const;
  bool is_race_free(const Graph& graph, EventId newest);
  bool complete(const Graph& graph);

  void note_revisits(const Graph& graph, unsigned thread, const Operation& operation, const Event& event,
                     std::vector<Choice>& choices);
  void revisit(const Graph& graph, EventId read, unsigned thread, const Operation& operation);
  void reread(Graph& rest, EventId read, Operation how, EventId from, Value value);
  [[nodiscard]] std::unique_ptr<Graph> spare();
  [[nodiscard]] bool may_revisit(const Graph& graph, EventId read, const Clock& past) const;
  [[nodiscard]] bool is_maximal(const Graph& graph, EventId id, const Clock& past) const;

  std::unique_ptr<Machine> own_;
  Machine& machine_;
  Found found_;
  Rules rules_;
  std::vector<std::unique_ptr<Graph>> spare_;  ///< whose room is used again
  std::optional<unsigned> bound_;
  unsigned failures_ = 0;  ///< of weak compare-and-swaps, at most
  std::function<bool(std::uint64_t)> visits_;
  std::uint64_t units_ = 0;  ///< so far
  unsigned strayed_ = 0;     ///< on the way to the present graph
  unsigned chosen_ = 0;      ///< likewise
  bool has_left_out_ = false;
  bool stopped_ = false;
  std::uint64_t executions_ = 0;
  std::uint64_t impossible_ = 0;
};

}  // namespace check::graph
