#include "engine/relacy/variable.hpp"

#include <ostream>

#include "core/event.hpp"
#include "engine/graph/native.hpp"
#include "engine/relacy/relacy.hpp"

namespace check {

namespace {

using graph::Native;

EventKind kind_of(const PlainEvent& plain) {
  return plain.is_unmap ? EventKind::kUnmap : plain.is_write ? EventKind::kWrite : EventKind::kRead;
}

/// For the engine's own history, which nobody reads: what is shown is recorded.
struct Unread {
  void output(std::ostream&) const {}
};

struct LoggedEvent : Unread {
  PlainEvent event;
  explicit LoggedEvent(const PlainEvent& plain) : event(plain) {}
};

void describe(const LoggedEvent& from, Event& event) {
  const PlainEvent& plain = from.event;
  event.kind = kind_of(plain);
  event.address = reinterpret_cast<std::uintptr_t>(plain.address);
  event.text = plain.what;
  event.type = plain.is_pointer ? ValueType::kPointer : ValueType::kUnsigned;
  (plain.is_write ? event.after : event.before) = plain.value;
}

struct GoneEvent : Unread {
  const void* address;
  explicit GoneEvent(const void* object) : address(object) {}
};

void describe(const GoneEvent& from, Event& event) {
  event.kind = EventKind::kGone;
  event.address = reinterpret_cast<std::uintptr_t>(from.address);
}

}  // namespace

RaceCheck::RaceCheck() {
  if (Native* const native = Native::running) {
    data_ = native->make_plain();
  } else {
    data_ = rl::ctx().var_ctor();
  }
}

RaceCheck::~RaceCheck() {
  if (Native* const native = Native::running) {
    native->gone(*static_cast<graph::Use*>(data_));
  } else {
    rl::ctx().var_dtor(static_cast<rl::var_data*>(data_));
  }
}

void RaceCheck::initialise() {
  if (Native::running == nullptr) static_cast<rl::var_data*>(data_)->init(*rl::ctx().threadx_);
}

void RaceCheck::access(const PlainEvent& event, const Where& where) const {
  if (Native* const native = Native::running) {
    const ValueType type = event.is_pointer ? ValueType::kPointer : ValueType::kUnsigned;
    const graph::Note note{kind_of(event), type, event.address, where, event.what};
    return native->access(*static_cast<graph::Use*>(data_), event.is_write, note, event.value);
  }
  auto* const data = static_cast<rl::var_data*>(data_);
  rl::context& c = rl::ctx();
  if (c.invariant_executing) return;
  if (c.collecting_history()) [[unlikely]]
    c.exec_log(info_of(where), LoggedEvent(event));
  const bool ordered = event.is_write ? data->store(*c.threadx_) : data->load(*c.threadx_);
  if (!ordered) [[unlikely]]
    c.fail_test("data race detected", rl::test_result_data_race, info_of(where));
}

void Alive::fail(const Where& where) const {
  if (Native* const native = Native::running) {
    native->note(EventKind::kGone, "", where, this);
    native->fail(Ending::kFreedMemory, "access to freed memory", where);
  }
  rl::context& c = rl::ctx();
  if (c.collecting_history()) c.exec_log(info_of(where), GoneEvent(this));
  c.fail_test("access to freed memory", rl::test_result_access_to_freed_memory, info_of(where));
}

}  // namespace check
