#pragma once
/// The litmus tests under the graph engine: a thread is run from its beginning each time that its next operation is asked
/// for, with the values that it has read so far.

#include <cstddef>
#include <span>
#include <type_traits>

#include "engine/graph/program.hpp"
#include "litmus/litmus.hpp"

namespace check {

/// A run of a thread through what it has done already, up to its next operation.
class Recital {
 public:
  /// Thrown out of the thread by its next operation.
  struct Ends {};

  /// From now on, until it is destroyed, operations are this run's. \param read what the first `done` operations have read
  Recital(std::size_t done, std::span<const graph::Value> read) noexcept;
  ~Recital();
  Recital(const Recital&) = delete;
  Recital& operator=(const Recital&) = delete;

  [[nodiscard]] static bool is_running() noexcept;
  /// An operation of the run. \return what it has read, if anything
  static int does(const graph::Operation& operation);
  /// What the thread does next; what it has done has to be over.
  [[nodiscard]] const graph::Operation& next() const noexcept { return next_; }

 private:
  std::size_t done_;
  std::span<const graph::Value> read_;
  graph::Operation next_;
};

/// An atomic whose operations are those of the recital, by the place where it is among three. Behind all threads it is
/// what it was set to.
template <class T>
class RecitedAtomic {
  static_assert(std::is_same_v<T, int>);
  using What = graph::Operation::What;

 public:
  explicit RecitedAtomic(int value) : value_(value) {}

  void place(graph::Location location, int last_value) {
    location_ = location;
    value_ = last_value;
  }

  int load(std::memory_order order) const {
    return Recital::is_running() ? Recital::does({.what = What::kRead, .location = location_, .order = order}) : value_;
  }
  void store(int value, std::memory_order order) {
    (void)Recital::does({.what = What::kWrite, .location = location_, .order = order, .value = bits_of(value)});
  }
  int fetch_add(int value, std::memory_order order) {
    const auto sum = [](graph::Value before, graph::Value operand) {
      return bits_of(static_cast<int>(before + operand));
    };
    return Recital::does(
        {.what = What::kUpdate, .location = location_, .order = order, .value = bits_of(value), .update = sum});
  }
  bool compare_exchange_strong(int& expected, int desired, std::memory_order success, std::memory_order failure) {
    const int found = Recital::does({.what = What::kCompareExchange,
                                     .location = location_,
                                     .order = success,
                                     .failure_order = failure,
                                     .value = bits_of(desired),
                                     .expected = bits_of(expected)});
    if (found == expected) return true;
    expected = found;
    return false;
  }

 private:
  static graph::Value bits_of(int value) { return static_cast<unsigned>(value); }

  graph::Location location_ = 0;
  int value_;
};

/// A shape as a program of the graph engine.
struct RecitedShape {
  using Memory = LitmusMemory<RecitedAtomic>;

  unsigned threads;
  void (*thread)(Memory&, unsigned index);
  void (*after)(Memory&);

  template <class Shape>
  static constexpr RecitedShape of() {
    return {Shape::kThreads, [](Memory& memory, unsigned index) { Shape::thread(memory, index); },
            [](Memory& memory) { Shape::after(memory); }};
  }
};

/// All executions of a shape.
GraphOutcomes by_graphs(const RecitedShape& shape);

}  // namespace check
