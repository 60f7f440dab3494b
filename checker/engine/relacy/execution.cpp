#include "engine/relacy/execution.hpp"

#include "core/sites.hpp"
#include "engine/relacy/relacy.hpp"
#include "engine/relacy/visibility.hpp"

namespace check {

void fail_execution(const char* what, const Where& where) {
  rl::ctx().fail_test(what, rl::test_result_user_assert_failed, info_of(where));
}

void pause(Where where) noexcept {
  const Site& site = Sites::hit(where, Operation::kPause, {std::memory_order_relaxed});
  if (site.behaviour == Behaviour::kLost) return;
  rl::yield(1, info_of(site.where));
}

void note_system_call() noexcept { Visibility::note_system_call(); }

unsigned running_thread() noexcept { return static_cast<unsigned>(rl::ctx().threadx_->index_); }

}  // namespace check
