#pragma once
/// Floor 4, SP-SLOT layer 4: the pool of slots that all threads share.
///
/// Acquire in stages (D3): 1 an EMPTY slot of the same class; 1b an EMPTY slot of any class; 2 an UNUSED slot; 3 a
/// retired SuperSlab from the SuperSlab cache, else a new mapping. Release (D4): ACTIVE -> EMPTY, offered to its class; when
/// nothing is ACTIVE any more, the thread whose CAS saw it retires the SuperSlab. No lock anywhere.
///
/// A geometry that forbids sharing gives every SuperSlab to one class, until it is retired: the baseline of D7.

#include <bit>

#include "layout/backend.hpp"
#include "os/event.hpp"
#include "os/os_concept.hpp"
#include "superslab/free_slots.hpp"
#include "superslab/slot_ops.hpp"
#include "superslab/superslab_cache.hpp"
#include "superslab/superslab_table.hpp"

namespace hakmem {

/// Where an acquired run of slots came from.
enum class AcquireStage : std::uint8_t { kSameClass, kAnyClass, kUnused, kCached, kMapped, kCount };

/// The name of a stage, as logs and statistics call it.
[[nodiscard]] constexpr const char* name_of(AcquireStage stage) noexcept {
  switch (stage) {
    case AcquireStage::kSameClass: return "same_class";
    case AcquireStage::kAnyClass: return "any_class";
    case AcquireStage::kUnused: return "unused";
    case AcquireStage::kCached: return "cached";
    case AcquireStage::kMapped: return "mapped";
    case AcquireStage::kCount: break;
  }
  return "?";
}

template <class Config>
class SharedPool {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using BackendT = Backend<Config>;
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;
  using Ops = SlotOps<Config>;
  using SlabT = Slab<Config>;
  using SuperSlabT = SuperSlab<Config>;

 public:
  /// Stages 1 to 2: slots of live SuperSlabs. Any thread.
  /// \return the bound descriptor of a run that fits a slab of the class, the caller's alone, or nullptr.
  [[nodiscard]] SlabT* acquire_live(PageMap<Config>& map, unsigned size_class) noexcept {
    const unsigned count = Classes::layout(size_class).slots;
    const Run run{size_class, count};
    SlabT* slab = free_slots_.take(size_class, [&](SlabT& hint) { return Ops::claim_at(hint, count); });
    if (slab != nullptr) slab = finish_claim(map, *slab->superslab.get(), *slab, run, AcquireStage::kSameClass);
    if (slab != nullptr) return slab;
    if ((slab = claim_available(map, run, SlotChoice::kEmpty, AcquireStage::kAnyClass)) != nullptr) return slab;
    if ((slab = claim_available(map, run, SlotChoice::kUnused, AcquireStage::kUnused)) != nullptr) return slab;
    if (count == 1) return nullptr;
    return claim_available(map, run, SlotChoice::kAny, AcquireStage::kAnyClass);
  }

  /// Stage 3: a whole SuperSlab. Any thread. \return as acquire_live; nullptr when the system gives no memory.
  [[nodiscard]] SlabT* acquire_fresh(BackendT& backend, unsigned size_class) noexcept {
    AcquireStage stage = AcquireStage::kCached;
    SuperSlabT* superslab = cache_.take();
    if (superslab == nullptr) {
      stage = AcquireStage::kMapped;
      superslab = tables_.map_new(backend);
      if (superslab == nullptr) return nullptr;
    } else {
      tell_of(EventKind::kSuperSlabTake, superslab->base.get());
    }
    return start(backend.map, *superslab, {size_class, Classes::layout(size_class).slots}, stage);
  }

  /// Lets the SuperSlab of a slab have large pages, if this was its last free slot and its other blocks have been cut
  /// but for an eighth: who has few blocks in it must not pay for all of it. Only the slab's holder, once it is bound.
  void judge_page_size([[maybe_unused]] BackendT& backend, SlabT& slab) noexcept {
    if constexpr (kHasPageSizes<Os>) {
      SuperSlabT& superslab = *slab.superslab.get();
      if (superslab.word.snapshot().free() != 0 || superslab.large_pages.get() != 0) return;
      if (cut_bytes(backend.map, superslab, slab) < kSuperSlabBytes<Geometry> / 8 * 7) return;
      superslab.large_pages.set(1);
      backend.os.let_pages_be_large(reinterpret_cast<void*>(superslab.base.get()), kSuperSlabBytes<Geometry>);
    }
  }

  /// Gives a slab as many slots as a class needs, which is no less than it has: the further ones lie behind its own. Only
  /// its holder. \return false where these are not free: the slab is as it was
  [[nodiscard]] bool extend([[maybe_unused]] BackendT& backend, [[maybe_unused]] SlabT& slab,
                            [[maybe_unused]] unsigned size_class) noexcept {
    if constexpr (!kSharesSuperSlabs<Geometry>) {
      return false;
    } else {
      const unsigned count = Classes::layout(size_class).slots;
      const unsigned more = count - slab.slots.get();
      if (more == 0) return true;
      if (!Ops::claim_behind(slab, more)) return false;
      SuperSlabT& superslab = *slab.superslab.get();
      tell<Os>(EventKind::kAcquire, [&] {
        return Event{
            EventKind::kAcquire, "behind", size_class, superslab.base.get(), slab.slot.get() + slab.slots.get(), more};
      });
      Ops::bind(backend.map, superslab, slab, count);
      judge_page_size(backend, slab);
      return true;
    }
  }

  /// Gives the slots of a slab back. Only its holder; no block of it is out and nobody else refers to it.
  void release(BackendT& backend, SlabT& slab) noexcept {
    if (wants<Os>(EventKind::kRelease)) [[unlikely]]
      return release_aloud(backend, slab);
    (void)release_quietly(backend, slab);
  }

  /// Gives back the memory of EMPTY slots and of the SuperSlabs in the SuperSlab cache. Any thread.
  /// \return bytes given back to the system.
  std::size_t trim(BackendT& backend) noexcept {
    std::size_t bytes = 0;
    tables_.visit_all([&](SuperSlabT& superslab) { bytes += decommit_empty(backend, superslab, kAllSlots); });
    while (SuperSlabT* superslab = cache_.take()) {
      unmap(backend, *superslab, "trim");
      bytes += kSuperSlabBytes<Geometry>;
    }
    return bytes;
  }

  /// Unmaps SuperSlabs that have waited in the SuperSlab cache for too long. Any thread, every now and then.
  void purge(BackendT& backend) noexcept {
    const std::int64_t delay = purge_delay_.get();
    const std::uint64_t now = milliseconds(backend.os);
    if (delay < 0 || now < static_cast<std::uint64_t>(delay) || cache_.count() == 0) return;
    cache_.purge(now - static_cast<std::uint64_t>(delay),
                 [&](SuperSlabT& superslab) { unmap(backend, superslab, "purge"); });
  }

  /// Gives back the memory of slots that were EMPTY at the last call and are so now. They may have been used in
  /// between: then it goes back sooner than it had to. Any thread, once in a purge delay.
  void decommit_aged(BackendT& backend) noexcept {
    tables_.visit_all([&](SuperSlabT& superslab) {
      const std::uint32_t empty = superslab.word.snapshot().empty();
      const std::uint32_t aged = empty & superslab.empty_before.get();
      superslab.empty_before.set(empty);
      if (aged != 0) (void)decommit_empty(backend, superslab, aged);
    });
  }

  /// Bytes of retired SuperSlabs that stay mapped at the most, in whole SuperSlabs; 0: none.
  void set_cached_bytes(std::size_t bytes) noexcept { cache_.set_most(bytes / kSuperSlabBytes<Geometry>); }
  /// Time that they stay mapped, in milliseconds; negative: for ever.
  void set_purge_delay(std::int64_t ms) noexcept { purge_delay_.set(ms); }
  [[nodiscard]] std::int64_t purge_delay() const noexcept { return purge_delay_.get(); }
  /// Bytes of retired SuperSlabs that are mapped at the moment.
  [[nodiscard]] std::size_t cached_bytes() const noexcept { return cache_.count() * kSuperSlabBytes<Geometry>; }

  /// Number of runs acquired in a stage so far.
  [[nodiscard]] std::uint64_t acquired(AcquireStage stage) const noexcept {
    return acquired_[static_cast<unsigned>(stage)].get();
  }
  [[nodiscard]] std::uint64_t released() const noexcept { return released_.get(); }
  [[nodiscard]] std::uint64_t retired() const noexcept { return retired_.get(); }
  [[nodiscard]] SuperSlabTable<Config>& superslabs() noexcept { return tables_; }

  /// Bytes of the slots that are ACTIVE at the moment. Any thread; out of date by what others do meanwhile.
  [[nodiscard]] std::size_t active_bytes() noexcept {
    std::size_t slots = 0;
    tables_.visit_all([&](SuperSlabT& superslab) {
      slots += static_cast<std::size_t>(std::popcount(superslab.word.snapshot().active()));
    });
    return slots << Geometry::kSlotShift;
  }

 private:
  static constexpr std::uint32_t kAllSlots = SlotSnapshot<Geometry::kSlots>::kAll;

  /// \return whether the SuperSlab was retired.
  bool release_quietly(BackendT& backend, SlabT& slab) noexcept {
    SuperSlabT& superslab = *slab.superslab.get();
    const unsigned size_class = slab.size_class.get();
    // From here on the slots may belong to another thread, the SuperSlab even to another mapping.
    const auto released = Ops::release(slab);
    released_.add();
    if (!released.retired) free_slots_.offer(size_class, slab);
    after_release(backend, superslab, released);
    return released.retired;
  }

  [[gnu::noinline, gnu::cold]] void release_aloud(BackendT& backend, SlabT& slab) noexcept {
    Event event{EventKind::kRelease, nullptr,         slab.size_class.get(), slab.superslab.get()->base.get(),
                slab.slot.get(),     slab.slots.get()};
    tell<Os>(EventKind::kRelease, [&] { return event; });
    if (release_quietly(backend, slab)) return;
    event.kind = EventKind::kOffer;
    tell<Os>(EventKind::kOffer, [&] { return event; });
  }

  /// What the thread must see to whose CAS has released slots.
  template <class Released>
  void after_release(BackendT& backend, SuperSlabT& superslab, Released released) noexcept {
    if (released.retired) {
      retired_.add();
      const std::uintptr_t base = ListensToEvents<Os> ? superslab.base.get() : 0;
      tell_of(EventKind::kRetire, base);
      if constexpr (kHasClock<Os>) superslab.retired_at.set(milliseconds(backend.os));
      if (!cache_.put(superslab)) return unmap(backend, superslab, "full");
      tell_of(EventKind::kSuperSlabPut, base);
    } else if (released.was_full) {
      tables_.offer(superslab);
    }
  }

  /// What is asked for: so many adjacent slots for a class.
  struct Run {
    unsigned size_class;
    unsigned count;
  };

  void unmap(BackendT& backend, SuperSlabT& superslab, const char* reason) noexcept {
    tell<Os>(EventKind::kSuperSlabUnmap,
             [&] { return Event{EventKind::kSuperSlabUnmap, reason, 0, superslab.base.get()}; });
    tables_.unmap(backend, superslab);
  }

  /// Tells of an event that concerns a whole SuperSlab, by its address: it may be another thread's by now.
  static void tell_of(EventKind kind, std::uintptr_t base) noexcept {
    tell<Os>(kind, [&] { return Event{kind, nullptr, 0, base}; });
  }

  /// Claims EMPTY slots of a SuperSlab, so that nobody else uses them meanwhile, and gives their memory back. What the
  /// system does not take back is EMPTY again. \return the bytes that it took.
  std::size_t decommit_empty(BackendT& backend, SuperSlabT& superslab, std::uint32_t among) noexcept {
    const std::uint32_t empty = superslab.word.claim_empty(among);
    std::uint32_t refused = 0;
    // Run by run: a run starts at the lowest slot left and ends before the next one that is not there.
    for (std::uint32_t left = empty; left != 0;) {
      const auto first = static_cast<unsigned>(std::countr_zero(left));
      const auto count = static_cast<unsigned>(std::countr_one(left >> first));
      const std::uintptr_t run = superslab.base.get() + (std::uintptr_t{first} << Geometry::kSlotShift);
      const std::uint32_t mask = SlotSnapshot<Geometry::kSlots>::run_mask(first, count);
      if (!backend.os.decommit(reinterpret_cast<void*>(run), std::size_t{count} << Geometry::kSlotShift))
        refused |= mask;
      left &= ~mask;
    }
    const std::uint32_t taken = empty & ~refused;
    if constexpr (kHasPageSizes<Os>) {
      // Or what was given back would come again with the next large page.
      if (taken != 0 && superslab.large_pages.get() != 0) {
        superslab.large_pages.set(0);
        backend.os.keep_pages_small(reinterpret_cast<void*>(superslab.base.get()), kSuperSlabBytes<Geometry>);
      }
    }
    // Of slots that are less than pages the system has not taken all.
    if (kSlotBytes<Geometry> % backend.os.page_bytes() == 0) Ops::forget_contents(superslab, taken);
    // The slots that are still held keep the SuperSlab from being retired in between.
    if (refused != 0) [[unlikely]]
      after_release(backend, superslab, superslab.word.restore(refused));
    if (taken != 0) after_release(backend, superslab, superslab.word.discard(taken));
    return static_cast<std::size_t>(std::popcount(taken)) << Geometry::kSlotShift;
  }

  /// Bytes of a SuperSlab that have been cut into blocks, with all of one slab, whose blocks are about to be.
  static std::size_t cut_bytes(PageMap<Config>& map, SuperSlabT& superslab, const SlabT& about_to_be) noexcept {
    std::size_t bytes = std::size_t{about_to_be.slots.get()} << Geometry::kSlotShift;
    for (unsigned slot = 0; slot < Geometry::kSlots; ++slot) {
      const SlabT& slab = superslab.slabs[slot];
      const std::uintptr_t first = superslab.base.get() + (std::uintptr_t{slot} << Geometry::kSlotShift);
      if (&slab == &about_to_be || map.find(reinterpret_cast<void*>(first)) != &slab) continue;
      // Relaxed: others cut meanwhile, a guess is enough.
      bytes += slab.extent.load(std::memory_order_relaxed);
    }
    return bytes;
  }

  SlabT* claim_available(PageMap<Config>& map, Run run, SlotChoice choice, AcquireStage stage) noexcept {
    SlabT* slab = nullptr;
    SuperSlabT* from = nullptr;
    tables_.visit_available([&](SuperSlabT& superslab) {
      if (!serves(superslab, run.size_class)) return false;
      slab = Ops::claim_run(superslab, run.count, choice);
      from = &superslab;
      return slab != nullptr;
    });
    return slab == nullptr ? nullptr : finish_claim(map, *from, *slab, run, stage);
  }

  /// Whether slots of a SuperSlab may go to a class: all may, but in the baseline without sharing. There it is a guess
  /// until a slot has been claimed.
  [[nodiscard]] static bool serves(const SuperSlabT& superslab, [[maybe_unused]] unsigned size_class) noexcept {
    if constexpr (kSharesSuperSlabs<Geometry>) {
      return true;
    } else {
      // Relaxed: while a slot is held the class is constant, and the claim's acquire has made it visible.
      return superslab.size_class.load(std::memory_order_relaxed) == size_class;
    }
  }

  /// A run has been claimed in a live SuperSlab, which is the caller's alone.
  /// \return nullptr only without sharing, when the SuperSlab has become another class's meanwhile.
  SlabT* finish_claim(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, Run run, AcquireStage stage) noexcept {
    if constexpr (!kSharesSuperSlabs<Geometry>) {
      if (!serves(superslab, run.size_class)) return leave(map, superslab, slab, run);
    }
    return finish(map, superslab, slab, run, stage);
  }

  /// Undoes a claim in another class's SuperSlab. Whoever retires it by that may have the whole of it.
  SlabT* leave(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, Run run) noexcept {
    const auto first = static_cast<unsigned>(&slab - superslab.slabs);
    const auto released = superslab.word.release(first, run.count);
    if (!released.retired) {
      if (released.was_full) tables_.offer(superslab);
      return nullptr;
    }
    retired_.add();
    return start(map, superslab, run, AcquireStage::kCached);
  }

  /// Brings a retired SuperSlab, owned by the caller, to life with a run of a class at its start.
  SlabT* start(PageMap<Config>& map, SuperSlabT& superslab, Run run, AcquireStage stage) noexcept {
    // Relaxed: published by the activation's release, see serves.
    if constexpr (!kSharesSuperSlabs<Geometry>) superslab.size_class.store(run.size_class, std::memory_order_relaxed);
    superslab.word.activate(run.count);
    if (run.count < Geometry::kSlots) tables_.offer(superslab);
    return finish(map, superslab, superslab.slabs[0], run, stage);
  }

  SlabT* finish(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, Run run, AcquireStage stage) noexcept {
    Ops::bind(map, superslab, slab, run.count);
    acquired_[static_cast<unsigned>(stage)].add();
    tell<Os>(EventKind::kAcquire, [&] {
      return Event{EventKind::kAcquire,  name_of(stage),  run.size_class,
                   superslab.base.get(), slab.slot.get(), run.count};
    });
    return &slab;
  }

  SuperSlabTable<Config> tables_;
  FreeSlots<Config> free_slots_;
  SuperSlabCache<Config> cache_;
  Tunable<Sync, std::int64_t, Geometry::kPurgeDelayMs> purge_delay_;
  Counter<Sync> acquired_[static_cast<unsigned>(AcquireStage::kCount)];
  Counter<Sync> released_;
  Counter<Sync> retired_;
};

}  // namespace hakmem
