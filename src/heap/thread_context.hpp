#pragma once
/// Floor 5. A thread context: everything that one thread allocates from. Pooled and type-stable: a thread that exits
/// parks it, the next thread adopts it whole, slabs and all.

#include "heap/class_list.hpp"
#include "heap/outbox.hpp"
#include "heap/thread_context_fwd.hpp"
#include "sync/countdown.hpp"
#include "sync/counter.hpp"

namespace hakmem {

/// How long the detached list of a cached class may become: a count of free places, so that the paths of malloc and
/// free keep it by one addition each, and the setting that it comes from is only read when the places run out.
template <class Sync>
class CacheAllowance {
 public:
  /// Blocks on the list.
  [[nodiscard]] std::int32_t length() const noexcept { return granted_.get() - room_.get(); }
  /// The list has `length` blocks now and may have `cap`. 0 <= length <= cap.
  void grant(std::int32_t cap, std::int32_t length) noexcept {
    granted_.set(cap);
    room_.set(cap - length);
  }
  /// A block has been taken from the list for the program.
  void took() noexcept {
    room_.set(room_.get() + 1);
    hits_.add();
  }
  /// A block has been taken from the list to serve a smaller class.
  void lent() noexcept { room_.set(room_.get() + 1); }
  /// A block has been put on the list. \return false when there was no place for it.
  [[nodiscard]] bool put() noexcept { return !room_.take_from_none(); }
  /// Statistics: blocks that the program got from the list without a refill. Any thread.
  [[nodiscard]] std::uint64_t hits() const noexcept { return hits_.get(); }

 private:
  typename Sync::template Plain<std::int32_t> granted_{};
  Countdown<Sync> room_{};
  OwnerCounter<Sync> hits_;
};

/// Statistics of a cached class beside its hits: what its slow path has done.
template <class Sync>
struct CacheTally {
  OwnerCounter<Sync> misses;        ///< refills
  OwnerCounter<Sync> borrowed;      ///< requests that a cached block of a larger class has served (E4),
  OwnerCounter<Sync> served_bytes;  ///< and these blocks' sizes
};

template <class Config>
struct alignas(64) ThreadContext {
  using Sync = typename Config::Sync;
  using Classes = SizeClass<typename Config::Geometry>;
  template <class T>
  using Plain = typename Sync::template Plain<T>;

  /// Per class the detached list: blocks to hand out next. Of a small class, what was taken up from one slab; of a
  /// cached class, also what the owner has freed since (B3).
  LocalList<Sync> heads[Classes::kCount];
  /// Per class the awake slabs.
  ClassList<Config> slabs[Classes::kCount];
  /// Per cached class how long its detached list may become. Small classes have no use for theirs: they save the paths
  /// of malloc and free an addition.
  CacheAllowance<Sync> allowances[Classes::kCount];
  Outbox<Config> outbox;
  /// Slots of empty slabs that are kept for the next blocks, and of large blocks in detached lists; at most about
  /// Geometry::kRetainBytes.
  Plain<std::size_t> retained_bytes{};
  /// How many slabs and blocks had to go back at once because `retained_bytes` was full, since it last gave way.
  Plain<std::uint32_t> refusals{};
  /// Statistics: per pool how often a detached list was refilled, with how many blocks in all; how often one spilled.
  OwnerCounter<Sync> refills[3];
  OwnerCounter<Sync> refilled_blocks[3];
  OwnerCounter<Sync> spills;
  /// Blocks that refills took up which others had freed, and that were cut afresh.
  OwnerCounter<Sync> taken_remote;
  OwnerCounter<Sync> taken_fresh;
  /// When it was parked, or swept since then, by the policy's clock.
  Plain<std::uint64_t> parked_at{};
  /// Statistics per class above the small ones (of which a geometry may have none).
  CacheTally<Sync> tallies[Classes::kCount - Classes::kSmallCount + 1];
  /// Position in the context pool, constant once the context exists.
  Plain<std::uint32_t> index{};
  /// False only for a thread's stand-in before its first allocation and after its exit: it owns nothing, and its frees
  /// go straight to the remote words.
  Plain<bool> attached{};

  /// Apart from the owner's lines: other threads write it.
  alignas(64) SlabInbox<Config> inbox;
};

template <class Config>
SlabInbox<Config>& inbox_of(ThreadContext<Config>& context) noexcept {
  return context.inbox;
}

}  // namespace hakmem
