#pragma once
/// Floor 5. What an owner does with a slab: cut it into blocks, take up freed ones, put it to sleep and wake it.
///
/// `frees_to_event` makes one decrement-and-test in the free path cover every case: while the slab is awake it counts
/// the blocks that are out (handed out, or in the class's detached list), so zero means empty; while it sleeps it
/// counts down the class's wake threshold, so that a slab is not woken for a single block.

#include "heap/class_list.hpp"
#include "layout/descriptors.hpp"
#include "layout/free_mark.hpp"
#include "layout/size_class.hpp"

namespace hakmem {

/// All functions but `take_over`: owner of the slab only.
template <class Config>
struct SlabOps {
  using Sync = typename Config::Sync;
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;
  using SlabT = Slab<Config>;
  using List = ClassList<Config>;
  using Chain = typename decltype(SlabT::remote)::Chain;

  /// Where the blocks of a refill came from. An untouched block is cut alone from memory that holds zeroes: nothing is
  /// written to it, neither a link nor a mark.
  enum class Source : std::uint8_t { kOwner, kOthers, kFresh, kUntouched };

  /// What `refill` has taken up.
  struct Refill {
    Chain chain;
    Source source;
  };

  /// Larger than any number of frees into one slab.
  static constexpr std::int32_t kNoEvent = 1 << 30;

  /// Turns freshly acquired slots into an awake slab of a class with no block cut yet.
  static void make(SlabT& slab, ThreadContext<Config>& owner, unsigned size_class) noexcept {
    const auto& layout = Classes::layout(size_class);
    slab.free.adopt(nullptr);
    slab.frees_to_event.set(0);
    slab.size_class.set(static_cast<std::uint16_t>(size_class));
    slab.state.set(SlabState::kAwake);
    slab.divisor.set(layout.divisor);
    set_cut(slab, layout, 0);
    slab.capacity.set(layout.capacity);
    slab.carved.set(0);
    slab.cut_before.set(0);
    slab.shown.set(std::uint32_t{size_class} << 16);
    slab.remote.reset();
    // Relaxed: the first block's handoff publishes the owner (handoff lemma).
    slab.owner.store(layout.cache_blocks == 0 ? &owner : cached_owner(&owner), std::memory_order_relaxed);
  }

  /// A slab of one block, which is out, becomes one of another such class; it has the slots already.
  static void change_class(SlabT& slab, unsigned size_class) noexcept {
    const auto& layout = Classes::layout(size_class);
    slab.size_class.set(static_cast<std::uint16_t>(size_class));
    slab.divisor.set(layout.divisor);
    set_cut(slab, layout, 1);
    slab.show();
  }

  /// Undoes `make` before the slots are given back.
  static void unmake(SlabT& slab) noexcept {
    slab.state.set(SlabState::kNone);
    // Relaxed: no block is out, so no freer may look; who frees a block twice reads null or the next owner.
    slab.owner.store(nullptr, std::memory_order_relaxed);
  }

  [[nodiscard]] static bool is_full(const SlabT& slab) noexcept { return slab.carved.get() == slab.capacity.get(); }

  /// Takes up what is free for allocation: the owner's frees, then others' frees, then what is to be cut anew, which the owner
  /// has freed as well, then fresh blocks. \param most fresh blocks cut at a time at the most
  /// \return a chain for the class's detached list, without a head when the slab is full. An untouched block, the only
  /// one of its chain, has no link.
  [[nodiscard]] static Refill refill(SlabT& slab, unsigned most) noexcept {
    Refill refill{{nullptr, 0}, Source::kOwner};
    if (!slab.free.empty()) {
      const auto out = static_cast<std::uint32_t>(slab.frees_to_event.get());
      refill.chain = {slab.free.take_all(), slab.carved.get() - out};
    } else if (slab.remote.has_chain()) {
      refill = {slab.remote.take_all(slab.base.get()), Source::kOthers};
    } else if (!is_full(slab)) {
      refill = slab.cut_before.get() != 0 ? cut_again(slab) : carve(slab, most);
    }
    // With the chain detached every cut block is out.
    slab.frees_to_event.set(slab.carved.get());
    return refill;
  }

  /// Gives all but the first block of a chain of linked blocks back that `refill` has just returned. \return the first.
  static void* keep_first(SlabT& slab, Chain chain) noexcept {
    slab.free.adopt(Sync::load_link(chain.head));
    slab.frees_to_event.set(slab.frees_to_event.get() - static_cast<std::int32_t>(chain.count) + 1);
    return chain.head;
  }

  /// Whether the order matters in which the slab's blocks go out: a few small ones are in a cache anyway, and larger ones are
  /// each many lines.
  [[nodiscard]] static bool is_wide(const SlabT& slab) noexcept {
    return Classes::is_small(slab.size_class.get()) &&
           slab.carved.get() * slab.block_bytes() > 4 * Geometry::kCarveBytes;
  }

  /// An empty awake slab's blocks are to be cut anew. Their list has the order of the frees, and a program that walks what it
  /// allocates in a row misses the caches with each block that is not beside the last. They are blocks as before: `extent` stays.
  static void uncut(SlabT& slab) noexcept {
    slab.free.adopt(nullptr);
    slab.cut_before.set(static_cast<std::uint16_t>(slab.carved.get() + slab.cut_before.get()));
    slab.carved.set(0);
    slab.show();
  }

  /// Adds others' frees to the owner's. The slab is awake.
  static void collect(SlabT& slab) noexcept {
    if (!slab.remote.has_chain()) return;
    const auto chain = slab.remote.take_all(slab.base.get());
    append(slab, chain.head);
    slab.frees_to_event.set(slab.frees_to_event.get() - static_cast<std::int32_t>(chain.count));
  }

  /// Puts a full slab, the first of its list, to sleep and off the list. \return false when blocks have arrived
  /// meanwhile: refill again.
  [[nodiscard]] static bool sleep(List& list, SlabT& slab) noexcept {
    // All of it beforehand: once the slab sleeps, others may free every block and take it over.
    list.remove(slab);
    slab.state.set(SlabState::kAsleep);
    slab.frees_to_event.set(wake_threshold(slab));
    if (slab.remote.try_sleep()) return true;
    slab.state.set(SlabState::kAwake);
    slab.frees_to_event.set(slab.carved.get());
    list.push_front(slab);
    return false;
  }

  /// The owner has freed as many blocks into its sleeping slab as it takes to wake it.
  static void wake_by_owner(List& list, SlabT& slab) noexcept {
    if (slab.remote.try_wake()) {
      become_awake(list, slab, wake_threshold(slab));
    } else {
      slab.state.set(SlabState::kAwaited);
      slab.frees_to_event.set(kNoEvent);
    }
  }

  /// Takes a posted slab away from its owner and undoes `make`, if others have freed every block of it. Any thread that
  /// has taken the slab from its owner's inbox. \return whether it has: the slots are the caller's to give back.
  [[nodiscard]] static bool take_over(SlabT& slab) noexcept {
    // Sleeping slabs are full. A block that the owner has freed is not among these, and no more are out.
    if (slab.remote.count() != slab.capacity.get()) return false;
    (void)slab.remote.take_all(slab.base.get());
    unmake(slab);
    return true;
  }

  /// A waker's post has arrived in the inbox.
  static void wake_by_post(List& list, SlabT& slab) noexcept {
    const std::int32_t awaited = slab.state.get() == SlabState::kAwaited ? kNoEvent : 0;
    const std::int32_t freed = wake_threshold(slab) + awaited - slab.frees_to_event.get();
    const auto chain = slab.remote.take_all(slab.base.get());
    append(slab, chain.head);
    become_awake(list, slab, freed + static_cast<std::int32_t>(chain.count));
  }

  /// Blocks that the owner knows to be out, in any state: handed out or in a detached list, or freed by others and not
  /// yet taken up.
  [[nodiscard]] static std::int32_t out(const SlabT& slab) noexcept {
    const std::int32_t to_event = slab.frees_to_event.get();
    switch (slab.state.get()) {
      case SlabState::kAsleep: return slab.carved.get() - (wake_threshold(slab) - to_event);
      case SlabState::kAwaited: return slab.carved.get() - (wake_threshold(slab) + kNoEvent - to_event);
      default: return to_event;
    }
  }

  /// Whether exactly `count` blocks of an awake slab are out.
  [[nodiscard]] static bool is_out(const SlabT& slab, std::uint32_t count) noexcept {
    return static_cast<std::uint32_t>(slab.frees_to_event.get()) == count;
  }

  /// Whether no block of an awake slab is out.
  [[nodiscard]] static bool is_empty(const SlabT& slab) noexcept { return slab.frees_to_event.get() == 0; }

 private:
  static std::int32_t wake_threshold(const SlabT& slab) noexcept {
    return Classes::layout(slab.size_class.get()).wake_blocks;
  }

  static void become_awake(List& list, SlabT& slab, std::int32_t free_blocks) noexcept {
    slab.state.set(SlabState::kAwake);
    slab.frees_to_event.set(static_cast<std::int32_t>(slab.carved.get()) - free_blocks);
    list.push_back(slab);
  }

  /// Puts `chain` behind the owner's frees, which are the shorter walk.
  static void append(SlabT& slab, void* chain) noexcept {
    if (slab.free.empty()) {
      slab.free.adopt(chain);
      return;
    }
    void* last = slab.free.peek();
    while (void* next = Sync::load_link(last)) last = next;
    Sync::store_link(last, chain);
  }

  /// Links and marks `count` adjacent blocks from `block` on.
  static void link(char* block, unsigned count, std::size_t bytes) noexcept {
    for (; count > 1; --count) {
      Sync::store_link(block, block + bytes);
      FreeMark<Sync>::set(block);
      block += bytes;
    }
    Sync::store_link(block, nullptr);
    FreeMark<Sync>::set(block);
  }

  /// So many blocks of the slab are blocks from now on.
  static void set_cut(SlabT& slab, const typename Classes::Layout& layout, unsigned count) noexcept {
    // Relaxed, both: the handoffs of those blocks publish it (handoff lemma). Who frees a block of the slots' former slab late
    // reads either.
    slab.limit.store(count * layout.excess, std::memory_order_relaxed);
    slab.extent.store(count * layout.block_bytes, std::memory_order_relaxed);
  }

  /// The next `count` blocks are being cut. \return the first of them
  static char* advance(SlabT& slab, unsigned count) noexcept {
    const unsigned carved = slab.carved.get();
    slab.carved.set(static_cast<std::uint16_t>(carved + count));
    slab.show();
    return reinterpret_cast<char*>(slab.base.get()) + std::size_t{carved} * slab.block_bytes();
  }

  /// Cuts the next few blocks, so that memory is touched no sooner than it is used.
  static Refill carve(SlabT& slab, unsigned most) noexcept {
    const auto& layout = Classes::layout(slab.size_class.get());
    const unsigned left = layout.capacity - slab.carved.get();
    const unsigned count = most < left ? most : left;
    char* first = advance(slab, count);
    const bool untouched = count == 1 && slab.fresh.get();
    if (!untouched) link(first, count, layout.block_bytes);
    set_cut(slab, layout, slab.carved.get());
    return {{first, count}, untouched ? Source::kUntouched : Source::kFresh};
  }

  /// Cuts the next blocks that were cut before, more of them than of untouched ones: their memory is there already.
  static Refill cut_again(SlabT& slab) noexcept {
    constexpr unsigned kMost = 64;
    const unsigned left = slab.cut_before.get();
    const unsigned count = kMost < left ? kMost : left;
    slab.cut_before.set(static_cast<std::uint16_t>(left - count));
    char* first = advance(slab, count);
    link(first, count, slab.block_bytes());
    return {{first, count}, Source::kOwner};
  }
};

}  // namespace hakmem
