#pragma once
/// Floor 5. The heap: routes each request to what serves it. No global state, no lock.

#include <cstring>

#include "heap/reclaimer.hpp"

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
  constexpr explicit Heap(const Os& os) noexcept : reclaimer_(os) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// Before any other call, once.
  void init() noexcept { backend().init(); }

  // Threads ----------------------------------------------------------------------------------------------------------

  /// A context for the calling thread. \return nullptr without memory.
  [[nodiscard]] Context* attach() noexcept { return contexts().adopt(os()); }

  /// The calling thread is done: what it has gathered for others goes out, its larger blocks go back to their slabs.
  /// Slabs and small blocks stay with the context: its next user goes on with them, and before memory is mapped they
  /// are swept. (To walk cold lists was most of a short-lived thread's cost.)
  void detach(Context& context) noexcept {
    context.outbox.flush_all();
    bool released = false;
    for (unsigned c = Classes::kSmallCount; c < Classes::kCount; ++c) released |= cache().put_back_list(context, c);
    if (released) reclaimer_.purge();
    context.attached.set(false);
    if constexpr (kHasClock<Os>) context.parked_at.set(milliseconds(os()));
    contexts().park(context);
  }

  // Allocation -------------------------------------------------------------------------------------------------------

  /// Fast path: a small block from the detached list. \return nullptr when that does not do; then call `allocate`.
  [[nodiscard, gnu::always_inline]] void* try_allocate(Context& context, std::size_t bytes) noexcept {
    // A request for 0 wraps around and goes the long way.
    if (bytes - 1 >= Geometry::kSmallMax) [[unlikely]]
      return nullptr;
    return context.take(Classes::of_small(bytes));
  }

  /// Second fast path: a mid or large block from the detached list, or a small one that this thread has freed.
  /// \param bytes what try_allocate has just refused. \return nullptr when that does not do.
  [[nodiscard, gnu::always_inline]] void* try_allocate_cached(Context& context, std::size_t bytes) noexcept {
    const std::size_t above_small = bytes - (Geometry::kSmallMax + 1);
    if (above_small < Geometry::kMidMax - Geometry::kSmallMax) [[likely]]
      return context.take_cached(Classes::of_mid(bytes));
    if (above_small < Geometry::kLargeMax - Geometry::kSmallMax)
      return context.take_any_cached(Classes::of_large(bytes));
    if (bytes - 1 < Geometry::kSmallMax) return cache().take_up_own(context, Classes::of_small(bytes));
    return nullptr;
  }

  /// A block of at least `bytes` (0 counts as 1), aligned to 16 (to the block size where that is a smaller power of
  /// two's multiple). \param context attached.
  [[nodiscard]] void* allocate(Context& context, std::size_t bytes) noexcept {
    if (bytes == 0) bytes = 1;
    if (bytes > Geometry::kLargeMax) [[unlikely]]
      return allocate_direct(context, bytes, 1, Contents::kAny);
    const unsigned size_class = Classes::of(bytes);
    void* block = cache().take(context, size_class);
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
      block = cache().take(context, size_class);
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
    SlabT* slab = backend().map.find(block);
    if (slab == nullptr) [[unlikely]]
      return deallocate_unmapped(block);
    deallocate_in(context, *slab, block);
  }

  /// Grows or shrinks a block, contents kept up to the smaller size. \param block of this heap, not nullptr;
  /// \param bytes > 0. \return the new block, or nullptr and the old one is as it was.
  [[nodiscard]] void* reallocate(Context& context, void* block, std::size_t bytes) noexcept {
    if (bytes > kMaxBytes) return nullptr;
    SlabT* slab = misuse().find_block(block, "realloc");
    if (slab == nullptr) return nullptr;
    if (MisuseT::is_direct(*slab) && bytes > Geometry::kLargeMax) {
      if (void* resized = direct().reallocate(backend(), *slab, bytes)) return resized;
    }
    const std::size_t old_bytes = MisuseT::usable_size(*slab);
    // In place when it fits and would not waste more than half.
    if (bytes <= old_bytes && bytes >= old_bytes / 2) return block;
    if (bytes > old_bytes && cache().grow(context, *slab, bytes)) return block;
    void* moved = allocate(context, bytes);
    if (moved == nullptr) return bytes <= old_bytes ? block : nullptr;
    std::memcpy(moved, block, bytes < old_bytes ? bytes : old_bytes);
    deallocate(context, block);
    return moved;
  }

  /// Bytes that may be used of a block of this heap; 0 for nullptr.
  [[nodiscard]] std::size_t usable_size(const void* block) noexcept {
    if (block == nullptr) return 0;
    SlabT* slab = misuse().find_block(block, "malloc_usable_size");
    return slab == nullptr ? 0 : MisuseT::usable_size(*slab);
  }

  /// A block that a layer above has found to be one.
  struct Held {
    Slab<Config>* slab;
    std::size_t bytes;
  };

  /// For a layer that keeps data in blocks. \return what is known of the block that starts at `block`, handed out or in a
  /// slab in use, with its bytes: what the layer has said that it needs, where it was asked; 0 after a report of any other
  /// pointer.
  [[nodiscard, gnu::always_inline]] Held hold(const void* block, const char* call) noexcept {
    SlabT* slab = backend().map.find(block);
    // Relaxed: handoff lemma. Without an owner it is a direct mapping, or was given back.
    const bool in_slab = slab != nullptr && slab->owner.load(std::memory_order_relaxed) != nullptr;
    if (!in_slab || slab->capacity.get() == 1 || !slab->is_block(block)) [[unlikely]]
      return hold_other(block, call);
    return {slab, slab->block_bytes()};
  }
  /// The bytes alone.
  [[nodiscard]] std::size_t bytes_of_block(const void* block, const char* call) noexcept {
    return hold(block, call).bytes;
  }
  /// The block around an address that a program is about to use, as of Misuse.
  [[nodiscard]] auto find_around(const void* p, const char* call) noexcept { return misuse().find_around(p, call); }

  /// Frees a block that was held, as `deallocate`.
  [[gnu::always_inline]] void deallocate_held(Context& context, Held held, void* block) noexcept {
    deallocate_in(context, *held.slab, block);
  }

  /// For the same layer, which holds the block: it needs `bytes` > 0 of a block of this heap, so that its data need not
  /// lie at the block's end, on a page of its own. Only a block that has a descriptor to itself can keep that.
  /// \return bytes_of_block from now on
  std::size_t need(void* block, std::size_t bytes) noexcept {
    SlabT& slab = *page_map().find(block);
    const std::size_t usable = MisuseT::usable_size(slab);
    if (!MisuseT::is_alone(slab)) return usable;
    if (bytes > usable) bytes = usable;
    slab.needed.set(bytes);
    return bytes;
  }

  /// Whether an address lies in the first slot-sized piece of a mapping of this heap, or anywhere in its SuperSlabs.
  /// Any address.
  [[nodiscard]] bool owns(const void* p) const noexcept {
    const PageMap<Config>& map = reclaimer_.cache().misuse().backend().map;
    return map.covers(p) && map.find(p) != nullptr;
  }

  /// Gives back to the system what no live block needs: own and parked contexts' empty slabs, those that others have
  /// freed and whose owner has not looked since, cached SuperSlabs, whales.
  /// \return whether anything was given back.
  bool trim(Context& context) noexcept {
    if (context.attached.get()) reclaimer_.sweep(context);
    return reclaimer_.trim();
  }

  /// Gives back what has been kept for the purge delay. Any thread, with a context or without. Without this call the next
  /// operation that takes the long way does it.
  void purge() noexcept { reclaimer_.purge(); }

  // For statistics and tests -----------------------------------------------------------------------------------------

  /// The heap itself, also behind a lock or a guard.
  [[nodiscard]] constexpr Heap& core() noexcept { return *this; }
  [[nodiscard]] Backend<Config>& backend() noexcept { return cache().backend(); }
  [[nodiscard]] Os& os() noexcept { return backend().os; }
  [[nodiscard]] Settings<Config>& settings() noexcept { return cache().settings(); }
  [[nodiscard]] PageMap<Config>& page_map() noexcept { return backend().map; }
  [[nodiscard]] SharedPool<Config>& pool() noexcept { return cache().pool(); }
  [[nodiscard]] DirectMappings<Config>& direct() noexcept { return reclaimer_.direct(); }
  [[nodiscard]] ContextPool<Config>& contexts() noexcept { return reclaimer_.contexts(); }
  /// Frees by threads without a context, into other threads' slabs, and how often another thread was faster.
  [[nodiscard]] std::uint64_t late_frees() const noexcept { return late_frees_.get(); }
  [[nodiscard]] std::uint64_t late_retries() const noexcept { return late_retries_.get(); }

 private:
  using SlabT = Slab<Config>;
  using MisuseT = Misuse<Config>;
  using CacheT = ThreadCache<Config>;
  using SettingsT = Settings<Config>;
  using Mark = FreeMark<Sync>;

  [[nodiscard]] CacheT& cache() noexcept { return reclaimer_.cache(); }
  [[nodiscard]] MisuseT& misuse() noexcept { return cache().misuse(); }

  /// What is no block among others of a slab.
  [[gnu::noinline]] Held hold_other(const void* block, const char* call) noexcept {
    SlabT* slab = misuse().find_block(block, call);
    return slab == nullptr ? Held{nullptr, 0} : Held{slab, MisuseT::needed_size(*slab)};
  }

  // Allocation, slow -------------------------------------------------------------------------------------------------

  /// A block of exactly this class: a larger class's need not be aligned as is asked for.
  void* allocate_of_class(Context& context, unsigned size_class) noexcept {
    void* block = cache().take(context, size_class);
    return block != nullptr ? block : refill(context, size_class);
  }

  /// The detached list of the request's class is empty.
  [[gnu::noinline]] void* allocate_missed(Context& context, unsigned size_class, std::size_t bytes) noexcept {
    const std::uint32_t max_waste = settings().max_waste();
    if (max_waste > SettingsT::kNoWaste) [[unlikely]] {
      if (void* block = cache().borrow(context, size_class, bytes, max_waste)) return block;
    }
    return refill(context, size_class);
  }

  /// The detached list of a class has run out. \param written as of ThreadCache::refill
  [[gnu::noinline]] void* refill(Context& context, unsigned size_class, std::size_t* written = nullptr) noexcept {
    if (!context.inbox.looks_empty() && reclaimer_.collect_inbox(context)) reclaimer_.after_release(context);
    for (bool swept = false;; swept = true) {
      if (void* block = cache().refill(context, size_class, written)) return block;
      if (SlabT* slab = reclaimer_.acquire_slab(size_class)) {
        return cache().refill_from(*slab, context, size_class, written);
      }
      if (swept) return nullptr;
      // The system refuses: give back what is only kept, which may wake slabs of the class, and try again.
      reclaimer_.sweep(context);
      (void)direct().trim(os());
    }
  }

  /// \return the class whose blocks serve, or kCount: a mapping of its own
  static constexpr unsigned class_for(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > Geometry::kLargeMax || alignment > kSlotBytes<Geometry>) return Classes::kCount;
    return Classes::of_aligned(bytes, alignment);
  }

  [[gnu::noinline]] void* allocate_direct(Context& context, std::size_t bytes, std::size_t alignment,
                                          Contents contents) noexcept {
    if (bytes > kMaxBytes) return nullptr;
    const unsigned threads = contexts().in_use();
    if (void* block = direct().allocate(backend(), bytes, alignment, contents, threads)) return block;
    // The system refuses: give back what is only cached and try once more.
    return trim(context) ? direct().allocate(backend(), bytes, alignment, contents, threads) : nullptr;
  }

  // Deallocation -----------------------------------------------------------------------------------------------------

  [[gnu::always_inline]] void deallocate_in(Context& context, SlabT& slab, void* block) noexcept {
    // Relaxed: handoff lemma. Slabs of cached classes carry a marked owner and take the other way.
    if (slab.owner.load(std::memory_order_relaxed) != &context) return deallocate_other(block, slab, context, *this);
    if (!slab.is_block(block)) [[unlikely]]
      return misuse().report_interior(slab, block);
    if (CacheT::is_free(slab.free, block)) [[unlikely]]
      return misuse().report_double_free(slab, block);
    Mark::set(block);
    slab.free.push(block);
    if (!slab.frees_to_event.take_leaves_some()) [[unlikely]]
      on_event(context, slab, block);
  }

  [[gnu::noinline]] void on_event(Context& context, SlabT& slab, void* block) noexcept {
    if (cache().on_event(context, slab, block)) reclaimer_.after_release(context);
  }

  /// Everything but a small block of an own slab. The order of the parameters is that of free's registers.
  [[gnu::noinline]] static void deallocate_other(void* block, SlabT& slab, Context& context, Heap& heap) noexcept {
    // Relaxed: handoff lemma.
    if (slab.owner.load(std::memory_order_relaxed) != cached_owner(&context)) [[unlikely]]
      return heap.deallocate_remote(context, slab, block);
    if (!slab.is_block(block)) [[unlikely]]
      return heap.misuse().report_interior(slab, block);
    heap.deallocate_cached(context, slab, block);
  }

  [[gnu::noinline]] void deallocate_remote(Context& context, SlabT& slab, void* block) noexcept {
    // Relaxed: handoff lemma. No owner: a direct mapping, or a block that was free already when its slab went.
    if (slab.owner.load(std::memory_order_relaxed) == nullptr) return deallocate_ownerless(slab, block);
    if constexpr (GivesFreersContexts<Config>) {
      // The slab may be the context's, which another thread has left.
      Context* given = context.attached.get() ? nullptr : Config::context_of_freer();
      if (given != nullptr) [[unlikely]]
        return deallocate_in(*given, slab, block);
    }
    if (!slab.is_block(block)) [[unlikely]]
      return misuse().report_interior(slab, block);
    if (Mark::is_set(block)) [[unlikely]]
      return misuse().report_double_free(slab, block);
    Mark::set(block);
    if (!context.attached.get() || Classes::layout(slab.size_class.get()).outbox_blocks == 1) {
      if (slab.remote.is_head(slab.base.get(), block)) [[unlikely]]
        return misuse().report_double_free(slab, block);
      if (context.attached.get()) return context.outbox.send_at_once(slab, block);
      late_frees_.add();
      return send_remote(slab, block, block, 1, [this] { late_retries_.add(); });
    }
    if (context.outbox.add(slab, block, settings().drain_interval()) == Outbox<Config>::Offer::kDoubleFree) {
      misuse().report(Corruption::kDoubleFree, slab, block);
    }
  }

  /// An own block of a cached class goes straight to the detached list, to be handed out next while its memory is hot.
  [[gnu::always_inline]] void deallocate_cached(Context& context, SlabT& slab, void* block) noexcept {
    const unsigned size_class = slab.size_class.get();
    auto& head = context.heads[size_class];
    if (CacheT::is_free(head, block)) [[unlikely]]
      return misuse().report_double_free(slab, block);
    Mark::set(block);
    if (Classes::is_large(size_class)) [[unlikely]]
      return deallocate_large(context, slab, block);
    head.push(block);
    if (!context.allowances[size_class].put()) [[unlikely]]
      spill(context, size_class);
  }

  /// Large blocks are kept within what the thread may retain.
  [[gnu::noinline]] void deallocate_large(Context& context, SlabT& slab, void* block) noexcept {
    const unsigned size_class = slab.size_class.get();
    if (!cache().keeps_large(context, size_class)) [[unlikely]]
      return deallocate_refused(context, slab, block);
    if (!context.put_large(size_class, block)) [[unlikely]]
      spill(context, size_class);
  }

  [[gnu::noinline]] void deallocate_refused(Context& context, SlabT& slab, void* block) noexcept {
    if (cache().put_refused(context, slab, block)) reclaimer_.after_release(context);
  }

  [[gnu::noinline]] void spill(Context& context, unsigned size_class) noexcept {
    if (cache().spill(context, size_class)) reclaimer_.after_release(context);
  }

  /// A direct mapping, or a block of a slab that has been given back.
  [[gnu::noinline]] void deallocate_ownerless(SlabT& slab, void* block) noexcept {
    if (!MisuseT::is_direct(slab)) return misuse().report(Corruption::kReleasedSlab, slab, block);
    if (!direct().deallocate(backend(), slab, block)) misuse().report(Corruption::kInteriorPointer, slab, block);
  }

  /// nullptr or a foreign pointer.
  [[gnu::noinline]] void deallocate_unmapped(const void* block) noexcept {
    if (block != nullptr) misuse().report_foreign(block, "free");
  }

  Reclaimer<Config> reclaimer_;
  Counter<Sync> late_frees_;
  Counter<Sync> late_retries_;
};

}  // namespace hakmem
