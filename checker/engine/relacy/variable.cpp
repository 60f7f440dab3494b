#include "engine/relacy/variable.hpp"

#include <ostream>

#include "core/event.hpp"
#include "engine/relacy/relacy.hpp"

namespace check {

namespace {

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
  event.kind = plain.is_unmap ? EventKind::kUnmap : plain.is_write ? EventKind::kWrite : EventKind::kRead;
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

RaceCheck::RaceCheck() : data_(rl::ctx().var_ctor()) {}
RaceCheck::~RaceCheck() { rl::ctx().var_dtor(data_); }

void RaceCheck::initialise() { data_->init(*rl::ctx().threadx_); }

void RaceCheck::access(const PlainEvent& event, const Where& where) const {
  rl::context& c = rl::ctx();
  if (c.invariant_executing) return;
  if (c.collecting_history()) [[unlikely]]
    c.exec_log(info_of(where), LoggedEvent(event));
  const bool ordered = event.is_write ? data_->store(*c.threadx_) : data_->load(*c.threadx_);
  if (!ordered) [[unlikely]]
    c.fail_test("data race detected", rl::test_result_data_race, info_of(where));
}

void Alive::fail(const Where& where) const {
  rl::context& c = rl::ctx();
  if (c.collecting_history()) c.exec_log(info_of(where), GoneEvent(this));
  c.fail_test("access to freed memory", rl::test_result_access_to_freed_memory, info_of(where));
}

}  // namespace check
