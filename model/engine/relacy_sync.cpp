#include "model/engine/relacy_sync.hpp"

#include "model/engine/relacy.hpp"
#include "model/engine/sites.hpp"

namespace hakmem::model {

void RelacySync::pause(Where where) noexcept {
  const Site& site = Sites::hit(where, Operation::kPause, {std::memory_order_relaxed});
  if (site.behaviour == Behaviour::kLost) return;
  rl::yield(1, info_of(site.where));
}

void fail_execution(const char* what, const Where& where) {
  rl::ctx().fail_test(what, rl::test_result_user_assert_failed, info_of(where));
}

}  // namespace hakmem::model
