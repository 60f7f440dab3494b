#include "engine/relacy/execution.hpp"

#include "core/sites.hpp"
#include "engine/graph/native.hpp"
#include "engine/relacy/relacy.hpp"
#include "engine/relacy/visibility.hpp"

namespace check {

using graph::Native;

void fail_execution(const char* what, const Where& where) {
  if (Native* const native = Native::running) native->fail(Ending::kRequirementFails, what, where);
  rl::ctx().fail_test(what, rl::test_result_user_assert_failed, info_of(where));
}

void pause(Where where) noexcept {
  const Site& site = Sites::hit(where, Operation::kPause, {std::memory_order_relaxed});
  if (site.behaviour == Behaviour::kLost) return;
  if (Native* const native = Native::running) return native->pause(site.where);
  rl::yield(1, info_of(site.where));
}

void note_system_call(SystemCall call) noexcept {
  if (Native* const native = Native::running) {
    return native->order_calls(call == SystemCall::kTakes       ? std::memory_order_acquire
                               : call == SystemCall::kGivesBack ? std::memory_order_release
                                                                : std::memory_order_relaxed);
  }
  Visibility::note_system_call();
}

unsigned running_thread() noexcept {
  if (const Native* const native = Native::running) return native->thread();
  return static_cast<unsigned>(rl::ctx().threadx_->index_);
}

}  // namespace check
