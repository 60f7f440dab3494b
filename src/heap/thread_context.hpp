#pragma once
/// Floor 5. A thread context: everything that one thread allocates from. Pooled and type-stable: a thread that exits
/// parks it, the next thread adopts it whole, slabs and all.

#include "heap/class_list.hpp"
#include "heap/outbox.hpp"
#include "heap/thread_context_fwd.hpp"
#include "sync/counter.hpp"

namespace hakmem {

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
  /// Lengths of the detached lists above the small classes (of which a geometry may have none).
  Plain<std::int32_t> cached[Classes::kCount - Classes::kSmallCount + 1];
  Outbox<Config> outbox;
  /// Slots of empty slabs that are kept for the next blocks, and of large blocks in detached lists; at most about
  /// Geometry::kRetainBytes.
  Plain<std::size_t> retained_bytes{};
  /// Statistics: per pool how often a detached list was refilled, with how many blocks in all; how often one spilled.
  OwnerCounter<Sync> refills[3];
  OwnerCounter<Sync> refilled_blocks[3];
  OwnerCounter<Sync> spills;
  /// Blocks that refills took up which others had freed, and that were cut afresh.
  OwnerCounter<Sync> taken_remote;
  OwnerCounter<Sync> taken_fresh;
  /// Position in the context pool, constant once the context exists.
  Plain<std::uint32_t> index{};
  /// False only for a thread's stand-in before its first allocation and after its exit: it owns nothing, and its frees
  /// go straight to the remote words.
  Plain<bool> attached{};

  /// Apart from the owner's lines: other threads write it.
  alignas(64) SlabInbox<Config> inbox;

  /// Changes the length of a detached list above the small classes. \return the new length.
  std::int32_t add_cached(unsigned size_class, std::int32_t change) noexcept {
    auto& length = cached[size_class - Classes::kSmallCount];
    length.set(length.get() + change);
    if (Classes::is_large(size_class)) {
      const std::int64_t bytes = std::int64_t{Classes::layout(size_class).block_bytes} * change;
      retained_bytes.set(retained_bytes.get() + static_cast<std::size_t>(bytes));
    }
    return length.get();
  }
  /// A block has been taken from a detached list.
  void took_cached(unsigned size_class) noexcept { add_cached(size_class, -1); }
  /// A detached list is empty now.
  void forget_cached(unsigned size_class) noexcept {
    add_cached(size_class, -cached[size_class - Classes::kSmallCount].get());
  }
};

template <class Config>
SlabInbox<Config>& inbox_of(ThreadContext<Config>& context) noexcept {
  return context.inbox;
}

}  // namespace hakmem
