#pragma once
/// Floor 5. A thread context: everything that one thread allocates from. Pooled and type-stable: a thread that exits
/// parks it, the next thread adopts it whole, slabs and all.

#include "heap/class_list.hpp"
#include "heap/outbox.hpp"
#include "heap/thread_context_fwd.hpp"
#include "layout/free_mark.hpp"
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
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;
  using SlabT = Slab<Config>;
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
  /// Bytes of slabs that went back to the pool since one was acquired, or since the lists followed them.
  Plain<std::size_t> given_back{};
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

  // What its owner does with it alone ----------------------------------------------------------------------------------

  /// A block of the detached list of a class, to be handed out, or nullptr.
  [[nodiscard, gnu::always_inline]] void* take(unsigned size_class) noexcept {
    void* block = heads[size_class].pop();
    if (block != nullptr) [[likely]]
      FreeMark<Sync>::clear(block);
    return block;
  }

  /// The same of a cached class.
  [[nodiscard, gnu::always_inline]] void* take_cached(unsigned size_class) noexcept {
    void* block = take(size_class);
    if (block != nullptr) [[likely]]
      allowances[size_class].took();
    return block;
  }

  /// The same also of large classes, whose blocks count against what a thread may retain.
  [[nodiscard]] void* take_any_cached(unsigned size_class) noexcept {
    void* block = take_cached(size_class);
    if (block != nullptr && Classes::is_large(size_class)) change_retained(size_class, -1);
    return block;
  }

  /// Puts a free block of a large class on its detached list. \return false when there was no place for it
  [[nodiscard]] bool put_large(unsigned size_class, void* block) noexcept {
    heads[size_class].push(block);
    change_retained(size_class, 1);
    return allowances[size_class].put();
  }

  /// So many blocks more of a class are kept on a detached list; only large ones count.
  void change_retained(unsigned size_class, std::int32_t blocks) noexcept {
    if (!Classes::is_large(size_class)) return;
    const std::int64_t bytes = std::int64_t{Classes::layout(size_class).block_bytes} * blocks;
    retained_bytes.set(retained_bytes.get() + static_cast<std::size_t>(bytes));
  }

  [[nodiscard]] bool fits_retained(std::size_t bytes) const noexcept {
    return retained_bytes.get() + bytes <= Geometry::kRetainBytes;
  }

  /// An empty awake slab stays on its class list for the next blocks.
  void retain(SlabT& slab) noexcept {
    retained_bytes.set(retained_bytes.get() + bytes_of(slab));
    slab.state.set(SlabState::kRetained);
  }

  /// Takes a slab that is about to be used or released out of the retained ones.
  void unretain(SlabT& slab) noexcept {
    if (slab.state.get() != SlabState::kRetained) return;
    retained_bytes.set(retained_bytes.get() - bytes_of(slab));
    slab.state.set(SlabState::kAwake);
  }

  /// Something could not be retained. \return whether that has happened so often that what was kept first must give way
  [[nodiscard]] bool refuse() noexcept {
    const std::uint32_t so_far = refusals.get() + 1;
    refusals.set(so_far % kRefusals);
    return so_far >= kRefusals;
  }

  static std::size_t bytes_of(const SlabT& slab) noexcept {
    return std::size_t{slab.slots.get()} << Geometry::kSlotShift;
  }

 private:
  /// Blocks or slabs that a thread may not keep until it gives back what it has kept. What that costs, a few hundred
  /// instructions for each of a few slabs, is then small beside what the refusals have cost.
  static constexpr std::uint32_t kRefusals = 64;
};

template <class Config>
SlabInbox<Config>& inbox_of(ThreadContext<Config>& context) noexcept {
  return context.inbox;
}

/// A Config that lets threads gather what they free though they never allocate: `context_of_freer()` is asked at each free
/// into a slab by a thread without a context. \return the calling thread's context from now on, or nullptr: none, this time
template <class Config>
concept GivesFreersContexts = requires {
  { Config::context_of_freer() } noexcept -> std::same_as<ThreadContext<Config>*>;
};

}  // namespace hakmem
