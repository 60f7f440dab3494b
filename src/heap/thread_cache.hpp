#pragma once
/// Floor 5. What acts on one thread's cache: detached lists, awake slabs, and how much a thread keeps of what it frees.
///
/// Every call takes the context of the calling thread, or of one that it has borrowed. Those that may give slabs back to
/// the pool say whether they have: it is time then to look what else goes back (see Reclaimer::purge).

#include "heap/misuse.hpp"
#include "heap/settings.hpp"
#include "heap/slab_ops.hpp"
#include "heap/thread_context.hpp"
#include "os/event.hpp"
#include "superslab/shared_pool.hpp"

namespace hakmem {

template <class Config>
class ThreadCache {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;
  using Context = ThreadContext<Config>;
  using Ops = SlabOps<Config>;
  using SlabT = Slab<Config>;
  using SettingsT = Settings<Config>;
  using Mark = FreeMark<Sync>;

 public:
  constexpr ThreadCache() noexcept = default;
  constexpr explicit ThreadCache(const Os& os) noexcept : misuse_(os) {}

  [[nodiscard]] Misuse<Config>& misuse() noexcept { return misuse_; }
  [[nodiscard]] const Misuse<Config>& misuse() const noexcept { return misuse_; }
  [[nodiscard]] Backend<Config>& backend() noexcept { return misuse_.backend(); }
  [[nodiscard]] SettingsT& settings() noexcept { return settings_; }
  [[nodiscard]] SharedPool<Config>& pool() noexcept { return pool_; }

  // Allocation -------------------------------------------------------------------------------------------------------

  /// A block that no slab has to be asked for, or hardly, or nullptr.
  [[nodiscard]] void* take(Context& context, unsigned size_class) noexcept {
    if (!Classes::is_small(size_class)) return context.take_any_cached(size_class);
    void* block = context.take(size_class);
    return block != nullptr ? block : take_up_own(context, size_class);
  }

  /// The commonest refill of a small class, whose detached list is empty: what the owner has freed into the class's
  /// first slab. \return the first block, or nullptr when only `refill` can tell.
  [[nodiscard, gnu::always_inline]] void* take_up_own(Context& context, unsigned size_class) noexcept {
    SlabT* slab = context.slabs[size_class].first();
    if (slab == nullptr || slab->free.empty() || !settings_.caches(PoolKind::kSmall)) return nullptr;
    // Who posts slabs is not kept waiting.
    if (!context.inbox.looks_empty()) return nullptr;
    context.unretain(*slab);
    const auto out = static_cast<std::uint32_t>(slab->frees_to_event.get());
    const std::uint32_t cut = slab->carved.get();
    slab->frees_to_event.set(static_cast<std::int32_t>(cut));
    constexpr auto kPool = static_cast<unsigned>(PoolKind::kSmall);
    context.refills[kPool].add();
    context.refilled_blocks[kPool].add(cut - out);
    void* first = slab->free.take_all();
    context.heads[size_class].adopt(Sync::load_link(first));
    Mark::clear(first);
    return first;
  }

  /// A cached block of a larger mid class that wastes no more than `max_waste` allows, or nullptr. It belongs to its own
  /// class as before and goes back there when it is freed.
  [[nodiscard]] void* borrow(Context& context, unsigned size_class, std::size_t bytes,
                             std::uint32_t max_waste) noexcept {
    if (SettingsT::pool_of(size_class) != PoolKind::kMid) return nullptr;
    const std::size_t most = bytes * max_waste / SettingsT::kNoWaste;
    for (unsigned c = size_class + 1; c < Classes::kCount && !Classes::is_large(c); ++c) {
      if (Classes::block_bytes(c) > most) return nullptr;
      void* block = context.take(c);
      if (block == nullptr) continue;
      context.allowances[c].lent();
      auto& tally = context.tallies[size_class - Classes::kSmallCount];
      tally.borrowed.add();
      tally.served_bytes.add(Classes::block_bytes(c));
      return block;
    }
    return nullptr;
  }

  /// The detached list of a class has run out: a block of the context's slabs, or nullptr when all of them are full.
  /// \param written when somebody wants to know: set to how many bytes from the block's start may be other than zero,
  /// if less than all
  [[nodiscard]] void* refill(Context& context, unsigned size_class, std::size_t* written) noexcept {
    auto& list = context.slabs[size_class];
    while (SlabT* slab = list.first()) {
      context.unretain(*slab);
      const auto refill = take_up(context, *slab, size_class, written);
      if (refill.chain.head != nullptr) return hand_out(context, *slab, size_class, refill);
      // A full slab sleeps, unless blocks have arrived just now: then it is refilled from them.
      (void)Ops::sleep(list, *slab);
    }
    return nullptr;
  }

  /// The same from slots that have just been acquired for the class.
  [[nodiscard]] void* refill_from(SlabT& slab, Context& context, unsigned size_class, std::size_t* written) noexcept {
    Ops::make(slab, context, size_class);
    context.given_back.set(0);
    context.slabs[size_class].push_back(slab);
    return hand_out(context, slab, size_class, take_up(context, slab, size_class, written));
  }

  /// A block that has a slab to itself grows where it is, if the slab is the context's and the slots behind it are free.
  /// \param slab of a live block, whose holder calls \param bytes more than it has
  [[nodiscard]] bool grow(Context& context, SlabT& slab, std::size_t bytes) noexcept {
    static_assert(Geometry::kCachedMax >= Geometry::kLargeMax || Geometry::kCachedMax <= kSlotBytes<Geometry>,
                  "such classes are all cached or none is: the mark of the owner stays");
    if (slab.capacity.get() != 1 || bytes > Geometry::kLargeMax) return false;
    // Relaxed: handoff lemma.
    if (unmarked_owner(slab.owner.load(std::memory_order_relaxed)) != &context) return false;
    const unsigned size_class = Classes::of(bytes);
    if (!pool_.extend(backend(), slab, size_class)) return false;
    const bool is_awake = slab.state.get() == SlabState::kAwake;
    if (is_awake) context.slabs[slab.size_class.get()].remove(slab);
    Ops::change_class(slab, size_class);
    if (is_awake) context.slabs[size_class].push_back(slab);
    return true;
  }

  // Deallocation -----------------------------------------------------------------------------------------------------

  /// Whether a block that is about to be freed is free already: by its mark, or where blocks are not marked because it is
  /// the last one on its list.
  [[nodiscard, gnu::always_inline]] static bool is_free(const LocalList<Sync>& list, const void* block) noexcept {
    if constexpr (Mark::kKept) return Mark::is_set(block);
    return list.peek() == block;
  }

  /// `frees_to_event` of a slab has reached 0, or gone below because the slab was empty before this free.
  /// \return whether slabs have gone back to the pool
  [[gnu::always_inline]] bool on_event(Context& context, SlabT& slab, void* block) noexcept {
    if (slab.frees_to_event.get() < 0) [[unlikely]] {
      (void)slab.free.pop();
      slab.frees_to_event.set(0);
      misuse_.report_double_free(slab, block);
      return false;
    }
    auto& list = context.slabs[slab.size_class.get()];
    if (slab.state.get() == SlabState::kAsleep) {
      Ops::wake_by_owner(list, slab);
      if (slab.state.get() != SlabState::kAwake || !Ops::is_empty(slab)) return false;
    }
    return retain_or_release(context, slab);
  }

  /// Whether a thread may keep one large block more of a class.
  [[nodiscard]] bool keeps_large(const Context& context, unsigned size_class) const noexcept {
    return settings_.caches(PoolKind::kLarge) && context.fits_retained(Classes::layout(size_class).block_bytes);
  }

  /// A large block that the thread may not keep goes back to its slab, unless what the thread has kept gives way.
  /// \return whether slabs have gone back to the pool
  bool put_refused(Context& context, SlabT& slab, void* block) noexcept {
    const unsigned size_class = slab.size_class.get();
    const bool gives_way = settings_.caches(PoolKind::kLarge) && context.refuse();
    const bool released = gives_way && release_retained(context);
    if (!keeps_large(context, size_class)) return put_back_checked(context, slab, block) || released;
    if (context.put_large(size_class, block)) return released;
    return spill(context, size_class) || released;
  }

  /// A detached list has outgrown its allowance: the allowance grows with the setting, or the list's colder half goes
  /// back to the slabs. \return whether slabs have gone back to the pool
  bool spill(Context& context, unsigned size_class) noexcept {
    auto& allowance = context.allowances[size_class];
    const std::int32_t length = allowance.length();
    const std::int32_t cap = settings_.cap(size_class);
    if (length <= cap) {
      allowance.grant(cap, length);
      return false;
    }
    context.spills.add();
    const std::int32_t keep = cap / 2;
    tell<Os>(EventKind::kSpill,
             [&] { return Event{EventKind::kSpill, nullptr, size_class, 0, 0, static_cast<std::size_t>(keep)}; });
    if (keep == 0) return put_back_list(context, size_class);
    void* last = context.heads[size_class].peek();
    for (std::int32_t i = 1; i < keep; ++i) last = Sync::load_link(last);
    void* rest = Sync::load_link(last);
    Sync::store_link(last, nullptr);
    context.change_retained(size_class, keep - length);
    allowance.grant(cap, keep);
    return put_back_chain(context, rest);
  }

  // Giving back ------------------------------------------------------------------------------------------------------

  /// A detached list goes back to the slabs. \return whether slabs have gone back to the pool
  bool put_back_list(Context& context, unsigned size_class) noexcept {
    // Also of small classes, whose allowance is unused.
    auto& allowance = context.allowances[size_class];
    context.change_retained(size_class, -allowance.length());
    allowance.grant(0, 0);
    return put_back_chain(context, context.heads[size_class].take_all());
  }

  /// An awake slab has become empty: the owner keeps a few, so that coming and going blocks cost no slots.
  /// \return whether slabs have gone back to the pool
  [[gnu::always_inline]] bool retain_or_release(Context& context, SlabT& slab) noexcept {
    const bool caches = settings_.caches(SettingsT::pool_of(slab.size_class.get()));
    if (!caches || !context.fits_retained(Context::bytes_of(slab))) [[unlikely]]
      return retain_refused(context, slab, caches);
    context.retain(slab);
    if (Ops::is_wide(slab)) Ops::uncut(slab);
    return false;
  }

  /// The detached lists follow the slabs once these have gone back in a row, none acquired between, as many bytes as a
  /// thread may retain: such a thread frees more than it will ask for soon, and each cached block holds a slab back that
  /// else might be empty. What that costs is small beside the frees that have filled the lists.
  void let_lists_follow(Context& context) noexcept {
    if (context.given_back.get() <= Geometry::kRetainBytes) return;
    context.given_back.set(0);
    (void)put_back_lists(context);
  }

  /// All detached lists go back to the slabs. \return whether slabs have gone back to the pool
  bool put_back_lists(Context& context) noexcept {
    bool released = false;
    for (unsigned c = 0; c < Classes::kCount; ++c) released |= put_back_list(context, c);
    return released;
  }

  /// A slab of the context, awake and empty, goes back to the pool.
  void release(Context& context, SlabT& slab) noexcept {
    context.given_back.set(context.given_back.get() + Context::bytes_of(slab));
    context.slabs[slab.size_class.get()].remove(slab);
    Ops::unmake(slab);
    pool_.release(backend(), slab);
  }

 private:
  /// Takes blocks up from a slab and counts where they came from. \return as SlabOps::refill.
  [[gnu::always_inline]] typename Ops::Refill take_up(Context& context, SlabT& slab, unsigned size_class,
                                                      std::size_t* written) noexcept {
    const auto refill = Ops::refill(slab, settings_.carve_blocks(size_class));
    switch (refill.source) {
      case Ops::Source::kOwner: break;
      case Ops::Source::kOthers: context.taken_remote.add(refill.chain.count); break;
      case Ops::Source::kFresh:
      case Ops::Source::kUntouched:
        context.taken_fresh.add(refill.chain.count);
        if (written != nullptr && slab.fresh.get()) *written = refill.source == Ops::Source::kFresh ? kLinkBytes : 0;
    }
    return refill;
  }

  /// Makes a chain, just taken from a slab, the class's detached list and takes its first block.
  void* hand_out(Context& context, SlabT& slab, unsigned size_class, typename Ops::Refill refill) noexcept {
    const auto chain = refill.chain;
    const auto pool = static_cast<unsigned>(SettingsT::pool_of(size_class));
    context.refills[pool].add();
    const bool caches = settings_.caches(SettingsT::pool_of(size_class));
    const std::int32_t length = caches ? static_cast<std::int32_t>(chain.count) - 1 : 0;
    if (!Classes::is_small(size_class)) {
      const std::int32_t cap = settings_.cap(size_class);
      context.allowances[size_class].grant(cap < length ? length : cap, length);
      context.change_retained(size_class, length);
      context.tallies[size_class - Classes::kSmallCount].misses.add();
    }
    if (caches) [[likely]]
      context.refilled_blocks[pool].add(chain.count);
    if (refill.source == Ops::Source::kUntouched) return chain.head;
    if (!caches) [[unlikely]] {
      Mark::clear(chain.head);
      return Ops::keep_first(slab, chain);
    }
    context.heads[size_class].adopt(chain.head);
    return context.take(size_class);
  }

  /// A chain of blocks goes back to the context's own slabs. \return whether slabs have gone back to the pool
  bool put_back_chain(Context& context, void* block) noexcept {
    bool released = false;
    while (block != nullptr) {
      void* next = Sync::load_link(block);
      SlabT& slab = *backend().map.find(block);
      released |= put_back_checked(context, slab, block);
      block = next;
    }
    return released;
  }

  /// A block goes back to its slab, which is the context's own, unless it has done so already.
  bool put_back_checked(Context& context, SlabT& slab, void* block) noexcept {
    if (slab.free.peek() == block) [[unlikely]] {
      misuse_.report_double_free(slab, block);
      return false;
    }
    slab.free.push(block);
    return !slab.frees_to_event.take_leaves_some() && on_event(context, slab, block);
  }

  /// A slab that the thread may not keep goes back to the pool. What was kept first does not keep the place for ever:
  /// after a number of refusals it goes back, and what is freed now is kept instead.
  [[gnu::noinline]] bool retain_refused(Context& context, SlabT& slab, bool caches) noexcept {
    if (!caches || !context.refuse()) {
      release(context, slab);
      return true;
    }
    // Nothing is retained any more, and a slab alone fits.
    const bool released = release_retained(context);
    context.retain(slab);
    return released;
  }

  /// Large blocks in lists and empty slabs go back. \return whether slabs have gone back to the pool
  [[gnu::noinline]] bool release_retained(Context& context) noexcept {
    bool released = false;
    for (unsigned c = Classes::kCount; c-- > Classes::kSmallCount && Classes::is_large(c);) {
      released |= put_back_list(context, c);
    }
    for (auto& list : context.slabs) {
      list.visit([&](SlabT& slab) {
        if (slab.state.get() != SlabState::kRetained) return;
        context.unretain(slab);
        release(context, slab);
        released = true;
      });
    }
    // It makes place for what the thread goes on with: no sign that it only frees.
    context.given_back.set(0);
    return released;
  }

  /// So much at the beginning of a free block may be written to link and to mark it.
  static constexpr std::size_t kLinkBytes = std::size_t{1} << Geometry::kGranuleShift;

  Misuse<Config> misuse_;
  SettingsT settings_;
  SharedPool<Config> pool_;
};

}  // namespace hakmem
