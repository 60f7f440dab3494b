#pragma once
/// Takes down what the engine logs of an execution, event by event. The patched engine hands over its events as they are
/// (note_event, at the end); what they say is put into our own.

#include <cstddef>
#include <map>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/event.hpp"
#include "core/where.hpp"
#include "engine/relacy/patched.hpp"

namespace check {

class Recorder {
 public:
  /// The one that records the running execution; null unless one is retraced.
  static inline Recorder* running = nullptr;

  Recorder() { running = this; }
  ~Recorder() { running = nullptr; }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// The next step. \param event all that does not depend on where and when it happens
  void take(unsigned thread, const Where& where, Event event);
  /// What is logged next is the end of the execution. \param detail must live until then
  void announce_fault(Ending ending, const char* detail);
  /// An atomic comes into being: what was stored at its address is of another one. Allocates nothing, as it is called
  /// where memory would be the scenario's.
  void forget(const void* atomic) noexcept;

  [[nodiscard]] Ending ending() const noexcept { return ending_; }
  [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
  /// All that was taken down; nothing is left.
  [[nodiscard]] Trace trace() noexcept { return {std::move(events_)}; }

 private:
  /// \return whether the event is one to keep
  bool place(Event& event, const Where& where) const;
  void connect(Event& event);

  std::vector<Event> events_;
  std::map<std::uintptr_t, std::vector<std::size_t>> stores_;  ///< places of the events that have stored, by address
  unsigned steps_ = 0;
  Ending ending_ = Ending::kHolds;
  const char* announced_ = nullptr;
  std::string detail_;
};

// What the engine's events say ----------------------------------------------------------------------------------------

template <class Value>
std::uint64_t bits_of(Value value) {
  if constexpr (std::is_pointer_v<Value>) {
    return reinterpret_cast<std::uintptr_t>(value);
  } else {
    return static_cast<std::uint64_t>(value);
  }
}

template <class Value>
void describe_atomic(Event& event, const void* address, rl::memory_order order) {
  event.address = reinterpret_cast<std::uintptr_t>(address);
  event.order = static_cast<std::memory_order>(static_cast<int>(order));
  event.type = std::is_pointer_v<Value>  ? ValueType::kPointer
               : std::is_signed_v<Value> ? ValueType::kSigned
                                         : ValueType::kUnsigned;
}

template <class T>
void describe(const rl::atomic_load_event<T>& from, Event& event) {
  event.kind = EventKind::kLoad;
  describe_atomic<T>(event, from.var_addr_, from.mo_);
  event.before = bits_of(from.value_);
  event.stores_ago = from.age_;
}

template <class T>
void describe(const rl::atomic_store_event<T>& from, Event& event) {
  event.kind = EventKind::kStore;
  describe_atomic<T>(event, from.var_addr_, from.mo_);
  event.before = bits_of(from.prev_value_);
  event.after = bits_of(from.value_);
}

inline EventKind kind_of(rl::rmw_type_e type) {
  switch (type) {
    case rl::rmw_type_add: return EventKind::kFetchAdd;
    case rl::rmw_type_sub: return EventKind::kFetchSub;
    case rl::rmw_type_and: return EventKind::kFetchAnd;
    case rl::rmw_type_or: return EventKind::kFetchOr;
    case rl::rmw_type_xor: return EventKind::kFetchXor;
    default: return EventKind::kExchange;
  }
}

template <class T, class Y>
void describe(const rl::atomic_rmw_event<T, Y>& from, Event& event) {
  event.kind = kind_of(from.type_);
  describe_atomic<T>(event, from.var_addr_, from.mo_);
  event.before = bits_of(from.prev_value_);
  event.operand = bits_of(from.op_value_);
  event.after = bits_of(from.new_value_);
}

template <class T>
void describe(const rl::atomic_cas_event<T>& from, Event& event) {
  event.kind = from.success_            ? EventKind::kCompareExchange
               : from.spurious_failure_ ? EventKind::kCompareExchangeSpurious
                                        : EventKind::kCompareExchangeFailed;
  describe_atomic<T>(event, from.var_addr_, from.mo_);
  event.failure_order = static_cast<std::memory_order>(static_cast<int>(from.failure_mo_));
  event.before = bits_of(from.cur_value_);
  event.expected = bits_of(from.cmp_value_);
  event.operand = bits_of(from.xchg_value_);
  if (from.success_) event.after = event.operand;
  event.aba = from.aba_;
  event.stores_ago = from.age_;
}

inline void describe(const rl::memory_free_event& from, Event& event) {
  event.kind = EventKind::kFree;
  event.address = reinterpret_cast<std::uintptr_t>(from.addr_) + (from.is_array_ ? rl::alignment : 0);
}

/// What an event of the engine has to say.
template <class Other>
std::string words_of(const Other& from) {
  std::ostringstream text;
  from.output(text);
  return text.str();
}

inline void describe(const rl::yield_event& from, Event& event) {
  event.kind = EventKind::kYield;
  event.operand = from.count_;
  event.text = words_of(from);
}

/// What a mutex does: \param type as the engine numbers it
void describe_mutex(const void* address, unsigned type, Event& event);

/// Any other event of the engine, by what it has to say.
template <class Other>
void describe(const Other& from, Event& event) {
  if constexpr (requires { Other::type_destroying_owned_mutex; }) {
    static_assert(Other::type_lock == 0 && Other::type_destroying_owned_mutex == 13);
    describe_mutex(from.var_addr_, static_cast<unsigned>(from.type_), event);
  } else if constexpr (requires { from.addr_; } && sizeof(Other) == sizeof(void*)) {
    // Nobody else may name this event: an access to an object, whose address is all that it has.
    event.kind = EventKind::kGone;
    event.address = reinterpret_cast<std::uintptr_t>(from.addr_);
  } else {
    event.text = words_of(from);
  }
}

}  // namespace check

namespace rl {

/// What the patched engine calls with each event that it logs.
template <class E>
[[gnu::cold, gnu::noinline]] void note_event(thread_id_t thread, debug_info_param info, const E& logged, int) {
  if (check::Recorder::running == nullptr) return;
  check::Event event;
  describe(logged, event);
  check::Recorder::running->take(static_cast<unsigned>(thread), {info.func_, info.file_, info.line_}, std::move(event));
}

}  // namespace rl
