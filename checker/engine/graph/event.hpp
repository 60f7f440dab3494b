#pragma once
/// What executions are made of, as the graph engine keeps them.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/event.hpp"

namespace check::graph {

using Value = std::uint64_t;
using Location = std::uint32_t;

/// More threads than any suite has.
inline constexpr unsigned kMostThreads = 8;
/// More steps of a thread than a program has that comes to an end.
inline constexpr std::size_t kMostSteps = 4096;

/// A step of a thread, by its number there. The write that a location begins with is no step.
struct EventId {
  static constexpr std::uint16_t kNobody = 0xffff;

  std::uint16_t thread = kNobody;
  std::uint16_t index = 0;

  [[nodiscard]] constexpr bool is_initial() const noexcept { return thread == kNobody; }
  friend constexpr bool operator==(const EventId&, const EventId&) = default;
};
inline constexpr EventId kInitial{};
static_assert(kMostSteps < EventId::kNobody, "an index, and a count of steps in a clock, fit");

/// For each thread, how many of its first steps are known.
class Clock {
 public:
  void join(const Clock& other) noexcept {
    for (unsigned i = 0; i < kMostThreads; ++i) steps_[i] = std::max(steps_[i], other.steps_[i]);
  }
  void set(unsigned thread, std::size_t steps) noexcept { steps_[thread] = static_cast<std::uint16_t>(steps); }
  [[nodiscard]] bool has(EventId id) const noexcept { return id.is_initial() || steps_[id.thread] > id.index; }

 private:
  std::array<std::uint16_t, kMostThreads> steps_{};
};

/// What a thread does next. A choice is no step on memory: something that may happen in several ways.
struct Operation {
  enum class What : std::uint8_t { kEnd, kRead, kWrite, kUpdate, kCompareExchange, kFence, kChoice };

  What what = What::kEnd;
  bool plain = false;  ///< of a read or a write: no atomic
  bool weak = false;   ///< of a compare-and-swap: may fail though it finds what is expected
  bool fails = false;  ///< and does
  Location location = 0;
  std::memory_order order = std::memory_order_relaxed;
  std::memory_order failure_order = std::memory_order_relaxed;  ///< of a compare-and-swap
  Value value = 0;     ///< written; of an update, its operand; of a choice, among how many
  Value expected = 0;  ///< by a compare-and-swap
  Value (*update)(Value before, Value operand) = nullptr;  ///< what an update writes
};

enum class Kind : std::uint8_t { kRead, kWrite, kFence, kChoice };

/// A read-modify-write is two steps, a read and a write right behind it, both `exclusive`; a compare-and-swap that finds
/// something else is a read alone.
struct Event {
  Kind kind = Kind::kFence;
  bool plain = false;
  bool exclusive = false;
  std::memory_order order = std::memory_order_relaxed;
  Location location = 0;
  Value value = 0;          ///< read, written or chosen
  EventId from = kInitial;  ///< of a read: the write whose value it has
  std::uint32_t stamp = 0;  ///< its place in the order in which the graph has got its events
  Operation operation;      ///< that it is, or is a part of

  Clock past;      ///< what it follows by program order and reads-from
  Clock happened;  ///< what happens before it, and itself
  Clock released;  ///< of a write: what happens before who reads it and acquires
  Clock readable;  ///< what its thread gets to know by an acquire fence
  Clock fenced;    ///< what happened before the thread's last release fence

  [[nodiscard]] bool is_read() const noexcept { return kind == Kind::kRead; }
  [[nodiscard]] bool is_write() const noexcept { return kind == Kind::kWrite; }
  [[nodiscard]] bool is_access() const noexcept { return is_read() || is_write(); }
  [[nodiscard]] bool is_sequential() const noexcept { return !plain && order == std::memory_order_seq_cst; }
};

}  // namespace check::graph
