#pragma once
/// Floor 5. The heap: everything below put together. No global state, no lock.

#include <cstring>

#include "heap/context_pool.hpp"
#include "heap/direct.hpp"
#include "heap/outbox.hpp"
#include "heap/settings.hpp"
#include "heap/slab.hpp"
#include "heap/thread_context.hpp"
#include "layout/page_map.hpp"
#include "os/event.hpp"
#include "os/os_concept.hpp"
#include "superslab/shared_pool.hpp"

// A function that the compiler does not analyse. If it saw that a report does not return, callers could not jump there,
// and the call would cost the fast path of free a frame.
#ifdef __clang__
#define HAKMEM_OPAQUE [[gnu::noinline, gnu::cold]]
#else
#define HAKMEM_OPAQUE [[gnu::noipa, gnu::cold]]
#endif

namespace hakmem {

/// A heap over one Config. Thread-safe; every call takes the calling thread's context, which no other thread uses at
/// the same time. Sizes are in bytes. What a call returns as nullptr is lack of memory; nothing is changed then.
template <class Config>
class Heap {
 public:
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using Geometry = typename Config::Geometry;
  using Context = ThreadContext<Config>;
  using Classes = SizeClass<Geometry>;

  static_assert(SyncPolicy<Sync> && OsPolicy<Os> && GeometryPolicy<Geometry>);

  /// Larger requests fail at once, as PTRDIFF_MAX bounds the difference of two pointers.
  static constexpr std::size_t kMaxBytes = static_cast<std::size_t>(PTRDIFF_MAX);

  constexpr Heap() noexcept = default;
  constexpr explicit Heap(const Os& os) noexcept : os_(os) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Before any other call, once.
  void init() noexcept { map_.init(os_); }

  // Threads ----------------------------------------------------------------------------------------------------------

  /// A context for the calling thread. \return nullptr without memory.
  [[nodiscard]] Context* attach() noexcept { return contexts_.adopt(os_); }

  /// The calling thread is done: what it has gathered for others goes out, its larger blocks go back to their slabs.
  /// Slabs and small blocks stay with the context: its next user goes on with them, and before memory is mapped they
  /// are swept. (To walk cold lists was most of a short-lived thread's cost.)
  void detach(Context& context) noexcept {
    context.outbox.flush_all();
    for (unsigned c = Classes::kSmallCount; c < Classes::kCount; ++c) put_back_list(context, c);
    context.attached.set(false);
    if constexpr (kHasClock<Os>) context.parked_at.set(milliseconds(os_));
    contexts_.park(context);
  }

  // Allocation -------------------------------------------------------------------------------------------------------

  /// Fast path: a small block from the detached list. \return nullptr when that does not do; then call `allocate`.
  [[nodiscard, gnu::always_inline]] void* try_allocate(Context& context, std::size_t bytes) noexcept {
    // A request for 0 wraps around and goes the long way.
    if (bytes - 1 >= Geometry::kSmallMax) [[unlikely]]
      return nullptr;
    return take(context.heads[Classes::of_small(bytes)]);
  }

  /// Second fast path: a mid or large block from the detached list, or a small one that this thread has freed.
  /// \param bytes what try_allocate has just refused. \return nullptr when that does not do.
  [[nodiscard, gnu::always_inline]] void* try_allocate_cached(Context& context, std::size_t bytes) noexcept {
    const std::size_t above_small = bytes - (Geometry::kSmallMax + 1);
    if (above_small < Geometry::kMidMax - Geometry::kSmallMax) [[likely]]
      return pop_cached(context, Classes::of_mid(bytes));
    if (above_small < Geometry::kLargeMax - Geometry::kSmallMax)
      return pop_any_cached(context, Classes::of_large(bytes));
    if (bytes - 1 < Geometry::kSmallMax) return take_up_own(context, Classes::of_small(bytes));
    return nullptr;
  }

  /// A block of at least `bytes` (0 counts as 1), aligned to 16 (to the block size where that is a smaller power of
  /// two's multiple). \param context attached.
  [[nodiscard]] void* allocate(Context& context, std::size_t bytes) noexcept {
    if (bytes == 0) bytes = 1;
    if (bytes > Geometry::kLargeMax) [[unlikely]]
      return allocate_direct(context, bytes, 1, Contents::kAny);
    const unsigned size_class = Classes::of(bytes);
    void* block = pop_any(context, size_class);
    return block != nullptr ? block : allocate_missed(context, size_class, bytes);
  }

  /// The same, zero-filled.
  [[nodiscard]] void* allocate_zeroed(Context& context, std::size_t bytes) noexcept {
    if (bytes > Geometry::kLargeMax) return allocate_direct(context, bytes, 1, Contents::kZero);
    const unsigned size_class = Classes::of(bytes == 0 ? 1 : bytes);
    // Whether a block is fresh is known of the first one of a refill. Where that is one of many there is little to win.
    void* block = nullptr;
    // To its end: programs that ask for the usable size expect zeroes there too.
    std::size_t written = Classes::block_bytes(size_class);
    if (Classes::is_small(size_class)) {
      block = allocate(context, bytes);
    } else {
      block = pop_any(context, size_class);
      if (block == nullptr) block = refill(context, size_class, &written);
    }
    if (block != nullptr) std::memset(block, 0, written);
    return block;
  }

  /// A block aligned to `alignment`, any power of two.
  [[nodiscard]] void* allocate_aligned(Context& context, std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > kMaxBytes || alignment > kMaxBytes) return nullptr;
    if (bytes == 0) bytes = 1;
    const unsigned size_class = class_for(bytes, alignment);
    return size_class < Classes::kCount ? allocate_of_class(context, size_class)
                                        : allocate_direct(context, bytes, alignment, Contents::kAny);
  }

  /// The usable size that allocate_aligned would give now, at least; 0 where there can be no such block. Any thread.
  /// A mapping that was kept, and a block that a larger class lends (max_waste), may have more.
  [[nodiscard]] static constexpr std::size_t good_size(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > kMaxBytes || alignment > kMaxBytes) return 0;
    if (bytes == 0) bytes = 1;
    const unsigned size_class = class_for(bytes, alignment);
    return size_class < Classes::kCount ? Classes::block_bytes(size_class) : DirectMappings<Config>::good_size(bytes);
  }

  /// Frees a block of this heap; nullptr is allowed. `context` may be a thread's stand-in (not attached).
  /// Foreign, interior and, where it shows, already free pointers end in Os::fatal.
  [[gnu::always_inline]] void deallocate(Context& context, void* block) noexcept {
    Slab<Config>* slab = map_.find(block);
    if (slab == nullptr) [[unlikely]]
      return deallocate_unmapped(block);
    deallocate_in(context, *slab, block);
  }

  /// Grows or shrinks a block, contents kept up to the smaller size. \param block of this heap, not nullptr;
  /// \param bytes > 0. \return the new block, or nullptr and the old one is as it was.
  [[nodiscard]] void* reallocate(Context& context, void* block, std::size_t bytes) noexcept {
    if (bytes > kMaxBytes) return nullptr;
    Slab<Config>& slab = check(block, "realloc");
    if (is_direct(slab) && bytes > Geometry::kLargeMax) {
      if (void* resized = direct_.reallocate(os_, map_, slab, bytes)) return resized;
    }
    const std::size_t old_bytes = usable_size_of(slab);
    // In place when it fits and would not waste more than half.
    if (bytes <= old_bytes && bytes >= old_bytes / 2) return block;
    void* moved = allocate(context, bytes);
    if (moved == nullptr) return bytes <= old_bytes ? block : nullptr;
    std::memcpy(moved, block, bytes < old_bytes ? bytes : old_bytes);
    deallocate(context, block);
    return moved;
  }

  /// Bytes that may be used of a block of this heap; 0 for nullptr.
  [[nodiscard]] std::size_t usable_size(const void* block) noexcept {
    return block == nullptr ? 0 : usable_size_of(check(block, "malloc_usable_size"));
  }

  /// For a layer that keeps data in blocks. \return bytes of the block that starts at `block`, handed out or in a slab
  /// in use: what the layer has said that it needs, where it was asked; 0 after a report of any other pointer.
  [[nodiscard]] std::size_t bytes_of_block(const void* block, const char* call) noexcept {
    SlabT* slab = map_.find(block);
    if (slab == nullptr) {
      os_.fatal(Corruption::kForeignPointer, call, block, nullptr, 0);
      return 0;
    }
    // Relaxed: handoff lemma. No owner, and no direct mapping's: given back, so the block was free.
    if (!is_direct(*slab) && slab->owner.load(std::memory_order_relaxed) == nullptr) {
      report(Corruption::kReleasedSlab, *slab, block, call);
      return 0;
    }
    if (is_direct(*slab) ? !direct_.is_block(*slab, block) : !slab->is_block(block)) {
      report(Corruption::kInteriorPointer, *slab, block, call);
      return 0;
    }
    const std::size_t usable = usable_size_of(*slab);
    const std::size_t needed = is_alone(*slab) ? slab->needed.get() : 0;
    return needed == 0 || needed > usable ? usable : needed;
  }

  /// For the same layer, which holds the block: it needs `bytes` > 0 of a block of this heap, so that its data need not
  /// lie at the block's end, on a page of its own. Only a block that has a descriptor to itself can keep that.
  /// \return bytes_of_block from now on
  std::size_t need(void* block, std::size_t bytes) noexcept {
    SlabT& slab = *map_.find(block);
    const std::size_t usable = usable_size_of(slab);
    if (!is_alone(slab) || bytes > usable) bytes = usable;
    if (is_alone(slab)) slab.needed.set(bytes);
    return bytes;
  }

  /// Whether an address lies in the first slot-sized piece of a mapping of this heap, or anywhere in its SuperSlabs.
  /// Any address.
  [[nodiscard]] bool owns(const void* p) const noexcept { return map_.find(p) != nullptr; }

  /// Gives back to the system what no live block needs: own and parked contexts' empty slabs, those that others have
  /// freed and whose owner has not looked since, cached SuperSlabs, whales.
  /// \return whether anything was given back.
  bool trim(Context& context) noexcept {
    if (context.attached.get()) sweep(context);
    (void)reclaim_parked();
    (void)reclaim_posted();
    const std::size_t bytes = direct_.trim(os_) + pool_.trim(os_, map_);
    return bytes != 0;
  }

  // For statistics and tests -----------------------------------------------------------------------------------------

  /// The heap itself, also behind a lock or a guard.
  [[nodiscard]] constexpr Heap& core() noexcept { return *this; }
  [[nodiscard]] Os& os() noexcept { return os_; }
  [[nodiscard]] Settings<Config>& settings() noexcept { return settings_; }
  [[nodiscard]] PageMap<Config>& page_map() noexcept { return map_; }
  [[nodiscard]] SharedPool<Config>& pool() noexcept { return pool_; }
  [[nodiscard]] DirectMappings<Config>& direct() noexcept { return direct_; }
  [[nodiscard]] ContextPool<Config>& contexts() noexcept { return contexts_; }
  /// Frees by threads without a context, into other threads' slabs, and how often another thread was faster.
  [[nodiscard]] std::uint64_t late_frees() const noexcept { return late_frees_.get(); }
  [[nodiscard]] std::uint64_t late_retries() const noexcept { return late_retries_.get(); }

 private:
  using Ops = SlabOps<Config>;
  using SlabT = Slab<Config>;
  using SettingsT = Settings<Config>;
  using Mark = FreeMark<Sync>;

  /// Blocks or slabs that a thread may not keep until it gives back what it has kept. What that costs, a few hundred
  /// instructions for each of a few slabs, is then small beside what the refusals have cost.
  static constexpr std::uint32_t kRefusals = 64;

  /// So much at the beginning of a free block may be written to link and to mark it.
  static constexpr std::size_t kLinkBytes = std::size_t{1} << Geometry::kGranuleShift;

  /// A block from a list of free ones, to be handed out, or nullptr.
  [[nodiscard, gnu::always_inline]] static void* take(LocalList<Sync>& list) noexcept {
    void* block = list.pop();
    if (block != nullptr) [[likely]]
      Mark::clear(block);
    return block;
  }

  [[nodiscard, gnu::always_inline]] static void* pop_cached(Context& context, unsigned size_class) noexcept {
    void* block = take(context.heads[size_class]);
    if (block != nullptr) [[likely]]
      context.allowances[size_class].took();
    return block;
  }

  /// The same also for large classes, whose blocks count against what a thread may retain.
  [[nodiscard]] static void* pop_any_cached(Context& context, unsigned size_class) noexcept {
    void* block = pop_cached(context, size_class);
    if (block != nullptr && Classes::is_large(size_class)) change_retained(context, size_class, -1);
    return block;
  }

  /// A block that no slab has to be asked for, or hardly.
  [[nodiscard]] void* pop_any(Context& context, unsigned size_class) noexcept {
    if (!Classes::is_small(size_class)) return pop_any_cached(context, size_class);
    void* block = take(context.heads[size_class]);
    return block != nullptr ? block : take_up_own(context, size_class);
  }

  /// The commonest refill of a small class, whose detached list is empty: what the owner has freed into the class's
  /// first slab. \return the first block, or nullptr when only `refill` can tell.
  [[nodiscard, gnu::always_inline]] void* take_up_own(Context& context, unsigned size_class) noexcept {
    SlabT* slab = context.slabs[size_class].first();
    if (slab == nullptr || slab->free.empty() || !settings_.caches(PoolKind::kSmall)) return nullptr;
    // Who posts slabs is not kept waiting.
    if (!context.inbox.looks_empty()) return nullptr;
    unretain(context, *slab);
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

  /// So many blocks more of a class are kept on a detached list; only large ones count.
  static void change_retained(Context& context, unsigned size_class, std::int32_t blocks) noexcept {
    if (!Classes::is_large(size_class)) return;
    const std::int64_t bytes = std::int64_t{Classes::layout(size_class).block_bytes} * blocks;
    context.retained_bytes.set(context.retained_bytes.get() + static_cast<std::size_t>(bytes));
  }

  // Allocation, slow -------------------------------------------------------------------------------------------------

  /// A block of exactly this class: a larger class's need not be aligned as is asked for.
  void* allocate_of_class(Context& context, unsigned size_class) noexcept {
    void* block = pop_any(context, size_class);
    return block != nullptr ? block : refill(context, size_class);
  }

  /// The detached list of the request's class is empty.
  [[gnu::noinline]] void* allocate_missed(Context& context, unsigned size_class, std::size_t bytes) noexcept {
    const std::uint32_t max_waste = settings_.max_waste();
    if (max_waste > SettingsT::kNoWaste) [[unlikely]] {
      if (void* block = borrow(context, size_class, bytes, max_waste)) return block;
    }
    return refill(context, size_class);
  }

  /// A cached block of a larger mid class that wastes no more than is allowed, or nullptr. It belongs to its own class
  /// as before and goes back there when it is freed.
  void* borrow(Context& context, unsigned size_class, std::size_t bytes, std::uint32_t max_waste) noexcept {
    if (SettingsT::pool_of(size_class) != PoolKind::kMid) return nullptr;
    const std::size_t most = bytes * max_waste / SettingsT::kNoWaste;
    for (unsigned c = size_class + 1; c < Classes::kCount && !Classes::is_large(c); ++c) {
      if (Classes::block_bytes(c) > most) return nullptr;
      void* block = take(context.heads[c]);
      if (block == nullptr) continue;
      context.allowances[c].lent();
      auto& tally = context.tallies[size_class - Classes::kSmallCount];
      tally.borrowed.add();
      tally.served_bytes.add(Classes::block_bytes(c));
      return block;
    }
    return nullptr;
  }

  /// The detached list of a class has run out.
  /// \param written when somebody wants to know: set to how many bytes from the block's start may be other than zero,
  /// if less than all
  [[gnu::noinline]] void* refill(Context& context, unsigned size_class, std::size_t* written = nullptr) noexcept {
    if (!context.inbox.looks_empty()) collect_inbox(context);
    auto& list = context.slabs[size_class];
    for (bool swept = false;; swept = true) {
      while (SlabT* slab = list.first()) {
        unretain(context, *slab);
        const auto refill = take_up(context, *slab, size_class, written);
        if (refill.chain.head != nullptr) return hand_out(context, *slab, size_class, refill);
        // A full slab sleeps, unless blocks have arrived just now: then it is refilled from them.
        (void)Ops::sleep(list, *slab);
      }
      if (SlabT* slab = acquire_slab(size_class)) {
        Ops::make(*slab, context, size_class);
        list.push_back(*slab);
        return hand_out(context, *slab, size_class, take_up(context, *slab, size_class, written));
      }
      if (swept) return nullptr;
      // The system refuses: give back what is only kept, which may wake slabs of the class, and try again.
      sweep(context);
      (void)direct_.trim(os_);
    }
  }

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
      change_retained(context, size_class, length);
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
    return take(context.heads[size_class]);
  }

  SlabT* acquire_slab(unsigned size_class) noexcept {
    purge();
    SlabT* slab = find_slab(size_class);
    if (slab != nullptr) pool_.judge_page_size(os_, map_, *slab);
    return slab;
  }

  SlabT* find_slab(unsigned size_class) noexcept {
    if (SlabT* slab = pool_.acquire_live(map_, size_class)) return slab;
    // Before memory is mapped, look what has come back meanwhile: nothing waits for a thread that is gone or idle.
    if (reclaim_parked()) {
      if (SlabT* slab = pool_.acquire_live(map_, size_class)) return slab;
    }
    if (reclaim_posted()) {
      if (SlabT* slab = pool_.acquire_live(map_, size_class)) return slab;
    }
    return pool_.acquire_fresh(os_, map_, size_class);
  }

  /// \return the class whose blocks serve, or kCount: a mapping of its own
  static constexpr unsigned class_for(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > Geometry::kLargeMax || alignment > kSlotBytes<Geometry>) return Classes::kCount;
    return Classes::of_aligned(bytes, alignment);
  }

  [[gnu::noinline]] void* allocate_direct(Context& context, std::size_t bytes, std::size_t alignment,
                                          Contents contents) noexcept {
    if (bytes > kMaxBytes) return nullptr;
    const unsigned threads = contexts_.in_use();
    if (void* block = direct_.allocate(os_, map_, bytes, alignment, contents, threads)) return block;
    // The system refuses: give back what is only cached and try once more.
    return trim(context) ? direct_.allocate(os_, map_, bytes, alignment, contents, threads) : nullptr;
  }

  // Deallocation -----------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] void deallocate_in(Context& context, SlabT& slab, void* block) noexcept {
    // Relaxed: handoff lemma. Slabs of cached classes carry a marked owner and take the other way.
    if (slab.owner.load(std::memory_order_relaxed) != &context) return deallocate_other(block, slab, context, *this);
    if (!slab.is_block(block)) [[unlikely]]
      return report_interior(slab, block);
    if (looks_free(slab.free, block)) [[unlikely]]
      return deallocate_marked(context, slab, block);
    Mark::set(block);
    put_back(context, slab, block);
  }

  /// Whether a block that is about to be freed may be free already: by its mark, or where blocks are not marked because
  /// it is the last one on its list.
  [[nodiscard, gnu::always_inline]] static bool looks_free(const LocalList<Sync>& list, const void* block) noexcept {
    if constexpr (Mark::kKept) return Mark::is_set(block);
    return list.peek() == block;
  }

  /// A block of the context's own slabs that looks free: it is a double free, or the program's data look like the mark.
  [[gnu::noinline, gnu::cold]] void deallocate_marked(Context& context, SlabT& slab, void* block) noexcept {
    if (is_free(context, slab, block)) return report_double_free(slab, block);
    Mark::clear(block);
    deallocate_in(context, slab, block);
  }

  /// Whether a block of the context's own slab is on one of its lists. What others have freed into a slab that sleeps
  /// cannot be walked.
  [[nodiscard]] bool is_free(Context& context, SlabT& slab, const void* block) noexcept {
    const std::uint32_t most = slab.capacity.get();
    const unsigned size_class = slab.size_class.get();
    // The detached list of a cached class has blocks of several slabs, and is counted.
    const std::int32_t length = context.allowances[size_class].length();
    const std::uint32_t detached = Classes::is_small(size_class) ? most : static_cast<std::uint32_t>(length);
    if (Mark::is_on(block, context.heads[size_class].peek(), detached)) return true;
    if (slab.state.get() == SlabState::kAwake) Ops::collect(slab);
    return Mark::is_on(block, slab.free.peek(), most);
  }

  /// A block goes back to the slab, which is the context's own.
  [[gnu::always_inline]] void put_back(Context& context, SlabT& slab, void* block) noexcept {
    slab.free.push(block);
    if (!slab.frees_to_event.take_leaves_some()) [[unlikely]]
      on_event(context, slab, block);
  }

  /// `frees_to_event` has reached 0, or gone below because the slab was empty before this free.
  [[gnu::noinline]] void on_event(Context& context, SlabT& slab, void* block) noexcept {
    if (slab.frees_to_event.get() < 0) [[unlikely]]
      return report_double_free(slab, block);
    auto& list = context.slabs[slab.size_class.get()];
    if (slab.state.get() == SlabState::kAsleep) {
      Ops::wake_by_owner(list, slab);
      if (slab.state.get() != SlabState::kAwake || !Ops::is_empty(slab)) return;
    }
    retain_or_release(context, list, slab);
  }

  /// Everything but a small block of an own slab. The order of the parameters is that of free's registers.
  [[gnu::noinline]] static void deallocate_other(void* block, SlabT& slab, Context& context, Heap& heap) noexcept {
    // Relaxed: handoff lemma.
    if (slab.owner.load(std::memory_order_relaxed) != cached_owner(&context)) [[unlikely]]
      return heap.deallocate_remote(context, slab, block);
    if (!slab.is_block(block)) [[unlikely]]
      return heap.report_interior(slab, block);
    heap.deallocate_cached(context, slab, block);
  }

  [[gnu::noinline]] void deallocate_remote(Context& context, SlabT& slab, void* block) noexcept {
    // Relaxed: handoff lemma. No owner: a direct mapping, or a block that was free already when its slab went.
    if (slab.owner.load(std::memory_order_relaxed) == nullptr) return deallocate_ownerless(slab, block);
    if (!slab.is_block(block)) [[unlikely]]
      return report_interior(slab, block);
    if (!context.attached.get() || Classes::layout(slab.size_class.get()).outbox_blocks == 1) {
      if (slab.remote.is_head(slab.base.get(), block)) [[unlikely]]
        return report_double_free(slab, block);
      if (context.attached.get()) return context.outbox.send_at_once(slab, block);
      late_frees_.add();
      return send_remote(slab, block, block, 1, [this] { late_retries_.add(); });
    }
    if (context.outbox.add(slab, block, settings_.drain_interval()) == Outbox<Config>::Offer::kDoubleFree) {
      report(Corruption::kDoubleFree, slab, block);
    }
  }

  /// An own block of a cached class goes straight to the detached list, to be handed out next while its memory is hot.
  [[gnu::always_inline]] void deallocate_cached(Context& context, SlabT& slab, void* block) noexcept {
    const unsigned size_class = slab.size_class.get();
    auto& head = context.heads[size_class];
    if (looks_free(head, block)) [[unlikely]]
      return deallocate_marked(context, slab, block);
    Mark::set(block);
    if (Classes::is_large(size_class)) [[unlikely]]
      return deallocate_large(context, slab, block);
    head.push(block);
    if (!context.allowances[size_class].put()) [[unlikely]]
      adjust_cached(context, size_class);
  }

  /// Large blocks are kept within what the thread may retain.
  [[gnu::noinline]] void deallocate_large(Context& context, SlabT& slab, void* block) noexcept {
    const unsigned size_class = slab.size_class.get();
    const std::size_t bytes = Classes::layout(size_class).block_bytes;
    if (!settings_.caches(PoolKind::kLarge) || !fits_retained(context, bytes)) [[unlikely]]
      return deallocate_refused(context, slab, block);
    context.heads[size_class].push(block);
    change_retained(context, size_class, 1);
    if (!context.allowances[size_class].put()) [[unlikely]]
      adjust_cached(context, size_class);
  }

  /// A large block that the thread may not keep, unless what it has kept gives way.
  [[gnu::noinline]] void deallocate_refused(Context& context, SlabT& slab, void* block) noexcept {
    const std::size_t bytes = Classes::layout(slab.size_class.get()).block_bytes;
    if (settings_.caches(PoolKind::kLarge) && gives_way(context, bytes)) return deallocate_large(context, slab, block);
    if (slab.free.peek() == block) [[unlikely]]
      return report_double_free(slab, block);
    put_back(context, slab, block);
  }

  /// A detached list has outgrown its allowance: the allowance grows with the setting, or the list's colder half goes
  /// back to the slabs.
  [[gnu::noinline]] void adjust_cached(Context& context, unsigned size_class) noexcept {
    auto& allowance = context.allowances[size_class];
    const std::int32_t length = allowance.length();
    const std::int32_t cap = settings_.cap(size_class);
    if (length <= cap) return allowance.grant(cap, length);
    context.spills.add();
    const std::int32_t keep = cap / 2;
    tell<Os>(EventKind::kSpill,
             [&] { return Event{EventKind::kSpill, nullptr, size_class, 0, 0, static_cast<std::size_t>(keep)}; });
    if (keep == 0) return put_back_list(context, size_class);
    void* last = context.heads[size_class].peek();
    for (std::int32_t i = 1; i < keep; ++i) last = Sync::load_link(last);
    void* rest = Sync::load_link(last);
    Sync::store_link(last, nullptr);
    change_retained(context, size_class, keep - length);
    allowance.grant(cap, keep);
    put_back_chain(context, rest);
  }

  /// A chain of blocks goes back to the context's own slabs.
  void put_back_chain(Context& context, void* block) noexcept {
    while (block != nullptr) {
      void* next = Sync::load_link(block);
      SlabT& slab = *map_.find(block);
      if (slab.free.peek() == block) [[unlikely]]
        return report_double_free(slab, block);
      put_back(context, slab, block);
      block = next;
    }
  }

  [[gnu::noinline]] void deallocate_ownerless(SlabT& slab, void* block) noexcept {
    if (!is_direct(slab)) return report(Corruption::kReleasedSlab, slab, block);
    if (!direct_.deallocate(os_, map_, slab, block)) report(Corruption::kInteriorPointer, slab, block);
  }

  /// nullptr or a foreign pointer.
  [[gnu::noinline]] void deallocate_unmapped(const void* block) noexcept {
    if (block != nullptr) os_.fatal(Corruption::kForeignPointer, "free", block, nullptr, 0);
  }

  // Empty slabs ------------------------------------------------------------------------------------------------------

  static std::size_t bytes_of(const SlabT& slab) noexcept {
    return std::size_t{slab.slots.get()} << Geometry::kSlotShift;
  }

  /// An awake slab has become empty: the owner keeps a few, so that coming and going blocks cost no slots.
  void retain_or_release(Context& context, ClassList<Config>& list, SlabT& slab) noexcept {
    const bool caches = settings_.caches(SettingsT::pool_of(slab.size_class.get()));
    if (!caches || !may_retain(context, bytes_of(slab))) return release_slab(list, slab);
    context.retained_bytes.set(context.retained_bytes.get() + bytes_of(slab));
    slab.state.set(SlabState::kRetained);
  }

  /// Whether a thread may keep so much more. What was kept first does not keep the place for ever: after a number of
  /// refusals it goes back, and what is freed now is kept instead.
  [[nodiscard]] bool may_retain(Context& context, std::size_t bytes) noexcept {
    return fits_retained(context, bytes) || gives_way(context, bytes);
  }

  [[nodiscard, gnu::noinline]] bool gives_way(Context& context, std::size_t bytes) noexcept {
    const std::uint32_t refusals = context.refusals.get() + 1;
    context.refusals.set(refusals % kRefusals);
    if (refusals < kRefusals) return false;
    release_retained(context);
    return fits_retained(context, bytes);
  }

  static bool fits_retained(const Context& context, std::size_t bytes) noexcept {
    return context.retained_bytes.get() + bytes <= Geometry::kRetainBytes;
  }

  /// Large blocks in lists and empty slabs go back.
  [[gnu::noinline]] void release_retained(Context& context) noexcept {
    for (unsigned c = Classes::kCount; c-- > Classes::kSmallCount && Classes::is_large(c);) put_back_list(context, c);
    for (auto& list : context.slabs) {
      list.visit([&](SlabT& slab) {
        if (slab.state.get() != SlabState::kRetained) return;
        unretain(context, slab);
        release_slab(list, slab);
      });
    }
  }

  /// Takes a slab that is about to be used or released out of the retained ones.
  static void unretain(Context& context, SlabT& slab) noexcept {
    if (slab.state.get() != SlabState::kRetained) return;
    context.retained_bytes.set(context.retained_bytes.get() - bytes_of(slab));
    slab.state.set(SlabState::kAwake);
  }

  void release_slab(ClassList<Config>& list, SlabT& slab) noexcept {
    list.remove(slab);
    Ops::unmake(slab);
    pool_.release(os_, map_, slab);
    purge();
  }

  /// What is only kept goes back after a while; looked at when slabs come and go, and not more often than is useful.
  void purge() noexcept {
    if constexpr (kHasClock<Os>) {
      constexpr std::uint64_t kPurgeIntervalMs = 64;
      const std::uint64_t now = milliseconds(os_);
      if (now - purged_at_.get() < kPurgeIntervalMs) return;
      purged_at_.set(now);
      direct_.purge(os_);
      if (pool_.purge_delay() >= 0) reclaim_late(now, static_cast<std::uint64_t>(pool_.purge_delay()));
      pool_.purge(os_, map_);
    }
  }

  /// What exited threads have left goes back when no new thread has taken it over for a while. What others have freed
  /// of a thread's slabs, and the memory of slots that stay EMPTY, goes back once in a while.
  [[gnu::noinline]] void reclaim_late(std::uint64_t now, std::uint64_t delay) noexcept {
    if (now - reclaimed_at_.get() >= delay) {
      reclaimed_at_.set(now);
      (void)reclaim_posted();
      pool_.decommit_aged(os_, map_);
    }
    contexts_.visit_parked([&](Context& context) {
      if (now - context.parked_at.get() < delay) return;
      // Others may go on to free its blocks: it is looked at again.
      context.parked_at.set(now);
      sweep(context);
    });
  }

  // Housekeeping -----------------------------------------------------------------------------------------------------

  /// Wakes the slabs that others have posted; those that came back empty are given back.
  [[gnu::noinline]] void collect_inbox(Context& context) noexcept {
    for (SlabT* slab = context.inbox.collect(); slab != nullptr;) {
      SlabT* next = slab->inbox_next.get();
      auto& list = context.slabs[slab->size_class.get()];
      Ops::wake_by_post(list, *slab);
      if (Ops::is_empty(*slab)) retain_or_release(context, list, *slab);
      slab = next;
    }
  }

  /// Everything that the context holds for itself goes back: the outbox, the detached lists, empty slabs.
  void sweep(Context& context) noexcept {
    context.outbox.flush_all();
    for (unsigned c = 0; c < Classes::kCount; ++c) put_back_list(context, c);
    sweep_empty(context);
  }

  /// A detached list goes back to the slabs.
  void put_back_list(Context& context, unsigned size_class) noexcept {
    // Also of small classes, whose allowance is unused.
    auto& allowance = context.allowances[size_class];
    change_retained(context, size_class, -allowance.length());
    allowance.grant(0, 0);
    put_back_chain(context, context.heads[size_class].take_all());
  }

  /// Gives slabs back that are empty once what others have freed is taken up; the others are not touched. The
  /// context's owner, attached or borrowing it.
  void sweep_empty(Context& context) noexcept {
    if (!context.inbox.looks_empty()) collect_inbox(context);
    for (auto& list : context.slabs) {
      list.visit([&](SlabT& slab) {
        unretain(context, slab);
        // Every block that is out has come back from others: to take fewer up would walk their cold links for nothing.
        if (Ops::is_out(slab, slab.remote.count())) Ops::collect(slab);
        if (Ops::is_empty(slab)) release_slab(list, slab);
      });
    }
  }

  /// Gives back the posted slabs of all contexts that others have freed to the last block: nothing waits for an owner
  /// that does nothing. A posted slab is in nobody's hands but the inbox's. Its owner may still free blocks of it, but
  /// then not all are others' frees. So who takes it from the inbox and finds that all are may do the owner's part: the
  /// owner's last use is its try_sleep, from where push_chain, post and collect lead here. Any thread.
  /// \return whether there was such a slab.
  bool reclaim_posted() noexcept {
    bool any = false;
    contexts_.visit_posts([&](Context& context) {
      if (context.inbox.looks_empty()) return;
      for (SlabT* slab = context.inbox.collect(); slab != nullptr;) {
        SlabT* next = slab->inbox_next.get();
        if (Ops::take_over(*slab)) {
          pool_.release(os_, map_, *slab);
          any = true;
        } else {
          context.inbox.post(slab);
        }
        slab = next;
      }
    });
    return any;
  }

  /// Lets every parked context take up what others have freed, so that nothing waits for the next thread to adopt it.
  /// \return whether there was a parked context at all.
  bool reclaim_parked() noexcept {
    bool any = false;
    contexts_.visit_parked([&](Context& context) {
      sweep(context);
      any = true;
    });
    return any;
  }

  // Checks -----------------------------------------------------------------------------------------------------------

  /// Whether a descriptor with a live block is a direct mapping's. A slab's state is its owner's to read, so the
  /// absence of an owner is asked first.
  [[nodiscard]] static bool is_direct(const SlabT& slab) noexcept {
    // Relaxed: handoff lemma.
    return slab.owner.load(std::memory_order_relaxed) == nullptr && slab.state.get() == SlabState::kDirect;
  }

  /// Whether a block has a descriptor to itself. Its holder.
  [[nodiscard]] static bool is_alone(const SlabT& slab) noexcept {
    return is_direct(slab) || slab.capacity.get() == 1;
  }

  [[nodiscard]] std::size_t usable_size_of(SlabT& slab) const noexcept {
    return is_direct(slab) ? direct_.usable_size(slab) : slab.block_bytes();
  }

  /// The slab of a block that a caller claims to own.
  SlabT& check(const void* block, const char* call) noexcept {
    SlabT* slab = map_.find(block);
    if (slab == nullptr) os_.fatal(Corruption::kForeignPointer, call, block, nullptr, 0);
    // Relaxed: handoff lemma.
    if (!is_direct(*slab) && slab->owner.load(std::memory_order_relaxed) == nullptr) {
      report(Corruption::kReleasedSlab, *slab, block, call);
    }
    if (is_direct(*slab) ? !direct_.is_block(*slab, block) : !slab->is_block(block)) {
      report(Corruption::kInteriorPointer, *slab, block, call);
    }
    return *slab;
  }

  HAKMEM_OPAQUE void report_interior(SlabT& slab, const void* block) noexcept {
    report(Corruption::kInteriorPointer, slab, block);
  }

  HAKMEM_OPAQUE void report_double_free(SlabT& slab, const void* block) noexcept {
    report(Corruption::kDoubleFree, slab, block);
  }

  [[gnu::noinline, gnu::cold]] void report(Corruption what, SlabT& slab, const void* block,
                                           const char* call = "free") noexcept {
    const std::size_t bytes = usable_size_of(slab);
    if (what == Corruption::kInteriorPointer && !is_direct(slab) && slab.is_uncut(block)) {
      what = Corruption::kForeignPointer;  // no block was ever there
    }
    const auto base = is_direct(slab) ? DirectMapping<Config>::of(slab).base.get() : slab.base.get();
    const auto offset = reinterpret_cast<std::uintptr_t>(block) - base;
    os_.fatal(what, call, block, reinterpret_cast<void*>(base + offset / bytes * bytes), bytes);
  }

  /// First: its root is then where the heap is, which saves the path of free an addition.
  PageMap<Config> map_;
  [[no_unique_address]] Os os_{};
  Settings<Config> settings_;
  Tunable<Sync, std::uint64_t, 0> purged_at_;
  Tunable<Sync, std::uint64_t, 0> reclaimed_at_;
  SharedPool<Config> pool_;
  DirectMappings<Config> direct_;
  ContextPool<Config> contexts_;
  Counter<Sync> late_frees_;
  Counter<Sync> late_retries_;
};

}  // namespace hakmem

#undef HAKMEM_OPAQUE
