#pragma once
/// An execution as a graph: program order, who reads from whom, and the coherence order of each location's writes.
///
/// It grows by one event at a time, none of which comes before one that is there already, by program order and
/// reads-from: so there is no value out of thin air, and what happens before an event is known once it is added. The
/// clocks say so; see Lahav et al., Repairing sequential consistency in C/C++11 (PLDI 2017) for the relations, with
/// release sequences as in C++20: a write and the read-modify-writes behind it.

#include <cstddef>
#include <vector>

#include "engine/graph/event.hpp"

namespace check::graph {

class Graph {
 public:
  /// \throws std::length_error when these are more than kMostThreads
  explicit Graph(unsigned threads);

  // What there is ----------------------------------------------------------------------------------------------------

  [[nodiscard]] unsigned threads() const noexcept { return static_cast<unsigned>(threads_.size()); }
  [[nodiscard]] std::size_t size() const noexcept { return order_.size(); }
  [[nodiscard]] const Event& operator[](EventId id) const noexcept { return threads_[id.thread][id.index]; }
  [[nodiscard]] const std::vector<Event>& steps(unsigned thread) const noexcept { return threads_[thread]; }
  /// All events in the order in which they have come.
  [[nodiscard]] const std::vector<EventId>& order() const noexcept { return order_; }
  /// The writes of a location, in coherence order, without the one it begins with.
  [[nodiscard]] const std::vector<EventId>& writes(Location location) const noexcept;
  /// Its reads and writes, in the order in which they have come.
  [[nodiscard]] const std::vector<EventId>& accesses(Location location) const noexcept;
  [[nodiscard]] std::size_t locations() const noexcept { return writes_.size(); }
  /// Of a write in its location's coherence order: 0 is the one it begins with.
  [[nodiscard]] std::size_t position(Location location, EventId write) const noexcept;
  /// The write at a position.
  [[nodiscard]] EventId write_at(Location location, std::size_t position) const noexcept;
  /// Whether one event happens before another, or is it.
  [[nodiscard]] bool happens_before(EventId first, EventId second) const noexcept {
    return (*this)[second].happened.has(first);
  }
  /// The values that a thread has read by its first steps, in its order.
  [[nodiscard]] std::vector<Value> values_read(unsigned thread, std::size_t steps) const;
  /// How many operations these are: the two steps of a read-modify-write are one.
  [[nodiscard]] std::size_t operations(unsigned thread, std::size_t steps) const noexcept;
  /// Whether the last operation of a thread is a read-modify-write that lacks its write.
  [[nodiscard]] bool is_half_done(unsigned thread) const noexcept {
    const auto& steps = threads_[thread];
    return !steps.empty() && steps.back().is_read() && steps.back().exclusive;
  }
  /// Whether there is anything plain in it, which may race.
  [[nodiscard]] bool has_plain() const noexcept { return plain_ != 0; }
  /// How many of its events are seq_cst.
  [[nodiscard]] std::size_t sequential() const noexcept { return sequential_; }
  /// How many compare-and-swaps have failed for no reason.
  [[nodiscard]] unsigned failures() const noexcept { return failures_; }
  /// The next step of a thread; no event yet has this name.
  [[nodiscard]] EventId next_of(unsigned thread) const noexcept;

  // Growth -----------------------------------------------------------------------------------------------------------

  /// What comes next in a thread, with all that its clocks have before it reads or is written.
  [[nodiscard]] Event made(unsigned thread, Kind kind, const Operation& operation) const;
  /// The lowest position that coherence leaves to a step: of the write that a read reads, or behind which a write goes.
  /// What is below is hidden from it by what happens before it.
  [[nodiscard]] std::size_t lowest(const Event& event) const noexcept;
  // Each throws std::length_error when the thread has kMostSteps already.

  /// Adds a read and lets it read from a write.
  void add_read(unsigned thread, Event event, EventId from, Value value);
  /// Adds a write right behind a position of its location.
  void add_write(unsigned thread, Event event, std::size_t behind);
  void add_fence(unsigned thread, Event event);
  void add_choice(unsigned thread, Event event, Value chosen);
  /// Takes back what has come last, until so many events are left.
  void truncate(std::size_t size);
  /// Nothing is left, but for the room.
  void clear() noexcept;

  // Revisits ---------------------------------------------------------------------------------------------------------

  /// What is left when a read is to read from a write that has come later: all that came before the read, the read,
  /// and what the write follows by program order and reads-from. \param rest becomes that
  /// \throws std::logic_error when another read would be left without what it has read
  void without_what_follows(EventId read, const Clock& past_of_write, Graph& rest) const;
  /// Lets the last step of a thread, a read, read from another write. \param event as `made` makes it, of the step
  void reread(EventId read, Event event, EventId from, Value value);
  /// Undoes that. \param event what the step was
  void restore(EventId read, const Event& event) noexcept;
  /// What the step was before it was made: the state of its thread in front of it.
  [[nodiscard]] Event made_again(EventId read) const;

 private:
  Event behind(const Event* last, Kind kind, const Operation& operation) const;
  void read_from(Event& event, EventId from, Value value) const;
  void append(unsigned thread, const Event& event);
  void count(const Event& event, int one) noexcept;
  std::size_t seen_position(EventId access) const noexcept;

  std::vector<std::vector<Event>> threads_;
  std::vector<EventId> order_;
  std::vector<std::vector<EventId>> writes_;
  std::vector<std::vector<EventId>> accesses_;
  std::size_t plain_ = 0;
  std::size_t sequential_ = 0;
  unsigned failures_ = 0;
};

}  // namespace check::graph
