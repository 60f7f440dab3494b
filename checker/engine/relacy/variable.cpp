#include "engine/relacy/variable.hpp"

#include <ostream>

#include "engine/relacy/relacy.hpp"

namespace check {

namespace {

/// A line of a trace.
struct LoggedEvent {
  PlainEvent event;

  void output(std::ostream& out) const {
    out << "<" << std::hex << event.address << std::dec << "> " << (event.is_write ? "write " : "read ") << event.what
        << ", value=";
    if (event.is_pointer) {
      out << std::hex << "0x" << event.value << std::dec;
    } else {
      out << event.value;
    }
  }
};

struct GoneEvent {
  const void* address;
  void output(std::ostream& out) const { out << "<" << std::hex << address << std::dec << "> access to freed memory"; }
};

}  // namespace

RaceCheck::RaceCheck() : data_(rl::ctx().var_ctor()) {}
RaceCheck::~RaceCheck() { rl::ctx().var_dtor(data_); }

void RaceCheck::initialise() { data_->init(*rl::ctx().threadx_); }

void RaceCheck::access(const PlainEvent& event, const Where& where) const {
  rl::context& c = rl::ctx();
  if (c.invariant_executing) return;
  if (c.collecting_history()) [[unlikely]]
    c.exec_log(info_of(where), LoggedEvent{event});
  const bool ordered = event.is_write ? data_->store(*c.threadx_) : data_->load(*c.threadx_);
  if (!ordered) [[unlikely]]
    c.fail_test("data race detected", rl::test_result_data_race, info_of(where));
}

void Alive::fail(const Where& where) const {
  rl::context& c = rl::ctx();
  if (c.collecting_history()) c.exec_log(info_of(where), GoneEvent{this});
  c.fail_test("access to freed memory", rl::test_result_access_to_freed_memory, info_of(where));
}

}  // namespace check
