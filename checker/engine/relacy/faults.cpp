#include "engine/relacy/faults.hpp"

#include <ostream>

#include "core/event.hpp"
#include "engine/graph/native.hpp"
#include "engine/relacy/execution.hpp"
#include "engine/relacy/relacy.hpp"
#include "engine/relacy/variable.hpp"
#include "engine/relacy/visibility.hpp"

namespace check {

std::jmp_buf Faults::ends_[kMostThreads];

namespace {

using graph::Native;

struct FaultEvent {
  EventKind kind;
  const char* what;
  void output(std::ostream& out) const { out << what; }
};

void describe(const FaultEvent& from, Event& event) {
  event.kind = from.kind;
  event.text = from.what;
}

void log(EventKind kind, const char* what, const Where& where) {
  if (Native* const native = Native::running) return native->note(kind, what, where);
  rl::context& c = rl::ctx();
  if (c.collecting_history()) c.exec_log(info_of(where), FaultEvent{kind, what});
}

}  // namespace

void Faults::run(Scenario& scenario, unsigned thread) {
  alive_ |= 1u << thread;
  if (_setjmp(ends_[thread]) == 0) {
    at_resumption();
    scenario.thread(thread);
  }
  alive_ &= ~(1u << thread);
}

void Faults::fork(Where where) {
  if (Native* const native = Native::running) {
    native->fail(Ending::kNoVerdict, "a fork stops the others at one moment, and a graph has none: --engine relacy",
                 where);
  }
  Visibility::note_fork();
  rl::ctx().sched();
  log(EventKind::kForks, "forks: the other threads vanish", where);
  const unsigned self = running_thread();
  doomed_ = ~(1u << self);
  for (unsigned i = 0; i < static_cast<unsigned>(rl::ctx().get_thread_count()); ++i) {
    if (i != self) Visibility::announce_local_step(i);
  }
}

bool Faults::happens(const char* what, Where where) {
  if (Native* const native = Native::running) {
    return native->choose(2, {EventKind::kHappens, ValueType::kUnsigned, nullptr, where, what}) != 0;
  }
  if (rl::ctx().rand(2, rl::sched_type_user) == 0) return false;
  log(EventKind::kHappens, what, where);
  return true;
}

bool Faults::happens(const char* what, unsigned& left, Where where) {
  Native* const native = Native::running;
  if ((native == nullptr && left == 0) || !happens(what, where)) return false;
  // How often it has happened before is a question of order, and a graph has none: too often is no execution.
  if (left == 0) native->give_up();
  --left;
  return true;
}

void Faults::may_end_here() {
  end_if_doomed();
  const unsigned thread = running_thread();
  if (Native* const native = Native::running) {
    // Who has vanished before is no question of order: too many are no execution.
    const bool mortal = (alive_ & mortal_ & 1u << thread) != 0;
    static constexpr Where kHere{"thread", "", 0};
    if (!mortal || native->choose(2, {EventKind::kMessage, ValueType::kUnsigned, nullptr, kHere}) == 0) return;
    if (left_-- == 0) native->give_up();
    vanish(thread);
  }
  if (left_ == 0 || (alive_ & mortal_ & 1u << thread) == 0) return;
  const unsigned ways = rl::ctx().is_random_sched() ? kRarity : 2;
  if (rl::ctx().rand(ways, rl::sched_type_user) != 1) return;
  --left_;
  vanish(thread);
}

void Faults::end_if_doomed() {
  const unsigned thread = running_thread();
  if ((alive_ & doomed_ & 1u << thread) != 0) vanish(thread);
}

void Faults::vanish(unsigned thread) {
  const Site* site = Visibility::latest(thread);
  log(EventKind::kVanishes, "[THREAD VANISHES before its operation here]",
      site == nullptr ? Where{"thread", "", 0} : site->where);
  vanished_ |= 1u << thread;
  std::longjmp(ends_[thread], 1);
}

}  // namespace check
