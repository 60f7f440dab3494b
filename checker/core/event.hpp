#pragma once
/// The record of an execution, as data: an event for each step, in the order in which they happened.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace check {

/// What an execution has come to.
enum class Ending : std::uint8_t {
  kHolds,
  kNoVerdict,  ///< the scenario is not deterministic, or the choices do not fit it
  kRequirementFails,
  kInvariantFails,
  kDataRace,
  kFreedMemory,
  kDoubleFree,
  kMemoryLeak,
  kResourceLeak,
  kUninitialised,
  kDeadlock,
  kLivelock,
  kMutexLockedTwice,
  kMutexUnlockedByAnother,
  kMutexDestroyedWhileLocked,
  kMisuse,  ///< of the engine, in any other way
};

/// Such as "DATA RACE"; what suites name as expected is found in it.
const char* word_of(Ending ending);
std::optional<Ending> ending_named(std::string_view word);

/// An ending with what was said about it: "DATA RACE (data race detected)".
std::string described(Ending ending, const std::string& detail);

enum class EventKind : std::uint8_t {
  // On an atomic.
  kLoad,
  kStore,
  kExchange,
  kFetchAdd,
  kFetchSub,
  kFetchOr,
  kFetchAnd,
  kFetchXor,
  kCompareExchange,          ///< has found what it expected, and stored
  kCompareExchangeFailed,    ///< has found something else
  kCompareExchangeSpurious,  ///< has found what it expected, and failed all the same
  // On something plain.
  kRead,
  kWrite,
  kUnmap,  ///< of a granule of simulated memory
  kFree,
  kGone,  ///< an access to what does not exist any more
  // On a mutex.
  kLock,
  kUnlock,
  kMutex,  ///< anything else, such as waiting for it
  // Of a thread, or of the execution as a whole.
  kSetUpEnds,      ///< all before happens before what threads do
  kThreadEnds,     ///< by itself
  kJudgingBegins,  ///< all that threads have done happens before what follows
  kJudgingEnds,
  kYield,
  kVanishes,  ///< a thread stops for ever
  kForks,     ///< all other threads stop for ever
  kHappens,   ///< what may happen or not
  kMessage,   ///< of the engine
  kFault,
};

/// "compare_exchange_failed": as in JSON.
const char* name_of(EventKind kind);
std::optional<EventKind> kind_named(std::string_view name);

/// How the bits of a value are meant.
enum class ValueType : std::uint8_t { kUnsigned, kSigned, kPointer };

/// A step. What a kind does not have is as it is here.
struct Event {
  EventKind kind = EventKind::kMessage;
  unsigned thread = 0;
  unsigned step = 0;  ///< its number in the execution
  std::string function;
  std::string file;   ///< as in the sites, from the root of the source; empty: nowhere in it
  unsigned line = 0;  ///< 0: not told
  std::optional<std::uintptr_t> address;
  std::string text;  ///< what is plain ("payload"), what a mutex does, a message, the detail of a fault

  std::memory_order order = std::memory_order_relaxed;          ///< in force
  std::memory_order failure_order = std::memory_order_relaxed;  ///< of a compare-and-swap
  ValueType type = ValueType::kUnsigned;                        ///< of the values; signed ones are extended to 64 bits
  std::uint64_t before = 0;                                     ///< what was read; of a store, what it has replaced
  std::uint64_t after = 0;                                      ///< what has been written
  std::uint64_t expected = 0;                                   ///< by a compare-and-swap
  std::uint64_t operand = 0;  ///< of a fetch_..., exchange or compare-and-swap; of a yield, for how many steps
  bool aba = false;         ///< a compare-and-swap has found what was expected, though it was something else in between
  unsigned stores_ago = 0;  ///< how many stores have followed the one whose value was read: 0 is the newest
  std::optional<std::size_t> reads_from;  ///< of an atomic that was read: the event that stored the value, by its place
                                          ///< in the trace; none: from before, or set up without a step
  Ending ending = Ending::kHolds;         ///< of a fault

  friend bool operator==(const Event&, const Event&) = default;
};

/// Whether a step reads an atomic: a failed compare-and-swap does.
[[nodiscard]] bool is_load(const Event& event);
/// Whether a step changes an atomic.
[[nodiscard]] bool is_store(const Event& event);
[[nodiscard]] inline bool is_atomic(const Event& event) { return is_load(event) || is_store(event); }
/// Whether a step reads or writes plain memory.
[[nodiscard]] bool is_plain(const Event& event);
[[nodiscard]] bool is_compare_exchange(const Event& event);
/// The order in which a step reads: of a compare-and-swap that fails, that of failure.
[[nodiscard]] std::memory_order load_order(const Event& event);

[[nodiscard]] constexpr bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
[[nodiscard]] constexpr bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}

/// A failed execution, step by step, the fault last. Empty when there is none to show.
struct Trace {
  std::vector<Event> events;

  [[nodiscard]] bool empty() const noexcept { return events.empty(); }
  friend bool operator==(const Trace&, const Trace&) = default;
};

}  // namespace check
