#pragma once
/// The threads under exploration: what they do next, as far as a graph says what they have read.

#include <cstdint>

#include "engine/graph/graph.hpp"
#include "engine/graph/program.hpp"

namespace check::graph {

/// What an execution in which no thread goes on turns out to be.
enum class Finish : std::uint8_t {
  kExecution,   ///< all threads have ended, and what judges them is content
  kImpossible,  ///< none: a thread waits for what it would have read, or more happens than may
  kFault,
};

class Machine {
 public:
  virtual ~Machine() = default;
  /// 1 to kMostThreads.
  [[nodiscard]] virtual unsigned threads() const = 0;
  /// Runs all threads from their beginnings, as far as the graph goes. \return whether they can go on: no fault, and
  /// nothing that the graph cannot have
  virtual bool restart(const Graph& graph) = 0;
  /// What the thread does behind its steps; of a read-modify-write that lacks its write, the whole of it. Of a thread that
  /// has ended, or waits for what is not there, kEnd.
  [[nodiscard]] virtual Operation next(const Graph& graph, unsigned thread) = 0;
  /// The operation of the thread is in the graph now: it goes on to the next one. \return as restart()
  virtual bool advance(const Graph& graph, unsigned thread) = 0;
  /// No thread has a next operation.
  [[nodiscard]] virtual Finish finish(const Graph& graph) = 0;
  /// Whether a fault was found: nothing else is explored.
  [[nodiscard]] virtual bool failed() const { return false; }
  /// What a location begins with that a thread is about to read, or has read before.
  [[nodiscard]] virtual Value initial(Location location) const = 0;
};

/// Threads that are functions of what they have read.
class ProgramMachine : public Machine {
 public:
  /// \param program must live as long
  explicit ProgramMachine(const Program& program) : program_(program) {}

  [[nodiscard]] unsigned threads() const override { return program_.threads(); }
  bool restart(const Graph&) override { return true; }
  [[nodiscard]] Operation next(const Graph& graph, unsigned thread) override {
    const std::size_t steps = graph.steps(thread).size() - (graph.is_half_done(thread) ? 1 : 0);
    return program_.next(thread, graph.operations(thread, steps), graph.values_read(thread, steps));
  }
  bool advance(const Graph&, unsigned) override { return true; }
  [[nodiscard]] Finish finish(const Graph&) override { return Finish::kExecution; }
  [[nodiscard]] Value initial(Location location) const override { return program_.initial(location); }

 private:
  const Program& program_;
};

}  // namespace check::graph
