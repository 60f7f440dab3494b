#pragma once
/// Floor 2. A thread context's inbox: slabs that remote frees have woken, waiting for their owner.

#include "lockfree/take_all_list.hpp"

namespace hakmem {

/// Wakers post, the owner collects all. A slab is posted only by its single waker (I3), so it is in at most one inbox
/// and at most once, and its link is free to use.
template <class Sync, class Slab, auto kNext>
class Inbox {
 public:
  /// Hands a slab that this thread has woken to its owner. Any thread.
  void post(Slab* slab) noexcept { list_.push(slab); }

  /// Takes all posted slabs, linked through kNext. Only the owner of the inbox.
  [[nodiscard]] Slab* collect() noexcept { return list_.take_all(); }

  /// Cheap look; may be out of date either way.
  [[nodiscard]] bool looks_empty() const noexcept { return list_.looks_empty(); }

 private:
  TakeAllList<Sync, Slab, kNext> list_;
};

}  // namespace hakmem
