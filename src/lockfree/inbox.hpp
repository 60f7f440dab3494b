#pragma once
/// Floor 2. A thread context's inbox: slabs that remote frees have woken, waiting for their owner.

#include "lockfree/take_all_list.hpp"

namespace hakmem {

/// Wakers post, the owner collects all; so may another thread that posts again what it does not keep. A slab is posted
/// only by its single waker (I3) or by who has just collected it, so it is in at most one inbox and at most once, and
/// its link is free to use.
template <class Sync, class Slab, auto kNext>
class Inbox {
 public:
  /// Hands a slab that this thread has woken, or collected, to its owner. Any thread.
  void post(Slab* slab) noexcept { list_.push(slab); }

  /// Takes all posted slabs, linked through kNext. Any thread.
  [[nodiscard]] Slab* collect() noexcept { return list_.take_all(); }

  /// Cheap look; may be out of date either way.
  [[nodiscard]] bool looks_empty() const noexcept { return list_.looks_empty(); }

 private:
  TakeAllList<Sync, Slab, kNext> list_;
};

}  // namespace hakmem
