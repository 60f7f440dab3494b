#pragma once
/// Floor 4, SP-SLOT layer 4: the pool of slots that all threads share.
///
/// Acquire in stages (D3): 1 an EMPTY slot of the same class; 1b an EMPTY slot of any class; 2 an UNUSED slot; 3 a
/// retired SuperSlab from the LRU cache, else a new mapping. Release (D4): ACTIVE -> EMPTY, offered to its class; when
/// nothing is ACTIVE any more, the thread whose CAS saw it retires the SuperSlab. No lock anywhere.
///
/// A geometry that forbids sharing gives every SuperSlab to one class, until it is retired: the baseline of D7.

#include <bit>

#include "os/os_concept.hpp"
#include "superslab/free_slots.hpp"
#include "superslab/lru_cache.hpp"
#include "superslab/slot_ops.hpp"
#include "superslab/superslab_table.hpp"

namespace hakmem {

/// Where an acquired run of slots came from.
enum class AcquireStage : std::uint8_t { kSameClass, kAnyClass, kUnused, kCached, kMapped, kCount };

template <class Config>
class SharedPool {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
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
    SlabT* slab = free_slots_.take(size_class, [&](SlabT& hint) { return Ops::claim_at(hint, count); });
    if (slab != nullptr) slab = finish_claim(map, *slab->superslab.get(), *slab, size_class, AcquireStage::kSameClass);
    if (slab != nullptr) return slab;
    if ((slab = claim_available(map, size_class, SlotChoice::kEmpty, AcquireStage::kAnyClass)) != nullptr) return slab;
    if ((slab = claim_available(map, size_class, SlotChoice::kUnused, AcquireStage::kUnused)) != nullptr) return slab;
    if (count == 1) return nullptr;
    return claim_available(map, size_class, SlotChoice::kAny, AcquireStage::kAnyClass);
  }

  /// Stage 3: a whole SuperSlab. Any thread. \return as acquire_live; nullptr when the system gives no memory.
  [[nodiscard]] SlabT* acquire_fresh(Os& os, PageMap<Config>& map, unsigned size_class) noexcept {
    AcquireStage stage = AcquireStage::kCached;
    SuperSlabT* superslab = lru_.take();
    if (superslab == nullptr) {
      stage = AcquireStage::kMapped;
      superslab = tables_.map_new(os, map);
      if (superslab == nullptr) return nullptr;
    }
    return start(map, *superslab, size_class, stage);
  }

  /// Gives the slots of a slab back. Only its holder; no block of it is out and nobody else refers to it.
  void release(Os& os, PageMap<Config>& map, SlabT& slab) noexcept {
    SuperSlabT& superslab = *slab.superslab.get();
    const unsigned size_class = slab.size_class.get();
    // From here on the slots may belong to another thread, the SuperSlab even to another mapping.
    const auto released = Ops::release(slab);
    released_.add();
    if (!released.retired) free_slots_.offer(size_class, slab);
    after_release(os, map, superslab, released);
  }

  /// Gives back the memory of EMPTY slots and of the SuperSlabs in the LRU cache. Any thread.
  /// \return bytes given back to the system.
  std::size_t trim(Os& os, PageMap<Config>& map) noexcept {
    std::size_t bytes = 0;
    tables_.visit_all([&](SuperSlabT& superslab) { bytes += decommit_empty(os, map, superslab); });
    while (SuperSlabT* superslab = lru_.take()) {
      tables_.unmap(os, map, *superslab);
      bytes += kSuperSlabBytes<Geometry>;
    }
    return bytes;
  }

  /// Unmaps SuperSlabs that have waited in the LRU cache for too long. Any thread, every now and then.
  void purge(Os& os, PageMap<Config>& map) noexcept {
    const std::int64_t delay = purge_delay_.get();
    const std::uint64_t now = milliseconds(os);
    if (delay < 0 || now < static_cast<std::uint64_t>(delay) || lru_.count() == 0) return;
    lru_.purge(now - static_cast<std::uint64_t>(delay),
               [&](SuperSlabT& superslab) { tables_.unmap(os, map, superslab); });
  }

  /// Bytes of retired SuperSlabs that stay mapped at the most, in whole SuperSlabs; 0: none.
  void set_cached_bytes(std::size_t bytes) noexcept { lru_.set_most(bytes / kSuperSlabBytes<Geometry>); }
  /// Time that they stay mapped, in milliseconds; negative: for ever.
  void set_purge_delay(std::int64_t ms) noexcept { purge_delay_.set(ms); }
  /// Bytes of retired SuperSlabs that are mapped at the moment.
  [[nodiscard]] std::size_t cached_bytes() const noexcept { return lru_.count() * kSuperSlabBytes<Geometry>; }

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
  /// What the thread must see to whose CAS has released slots.
  template <class Released>
  void after_release(Os& os, PageMap<Config>& map, SuperSlabT& superslab, Released released) noexcept {
    if (released.retired) {
      retired_.add();
      if constexpr (kHasClock<Os>) superslab.retired_at.set(milliseconds(os));
      if (!lru_.put(superslab)) tables_.unmap(os, map, superslab);
    } else if (released.was_full) {
      tables_.offer(superslab);
    }
  }

  /// Claims the EMPTY slots of a SuperSlab, so that nobody else uses them meanwhile, and gives their memory back.
  /// \return its bytes.
  std::size_t decommit_empty(Os& os, PageMap<Config>& map, SuperSlabT& superslab) noexcept {
    const std::uint32_t empty = superslab.word.claim_empty();
    if (empty == 0) return 0;
    // Run by run: a run starts at the lowest slot left and ends before the next one that is not there.
    for (std::uint32_t left = empty; left != 0;) {
      const auto first = static_cast<unsigned>(std::countr_zero(left));
      const auto count = static_cast<unsigned>(std::countr_one(left >> first));
      os.decommit(reinterpret_cast<void*>(superslab.base.get() + (std::uintptr_t{first} << Geometry::kSlotShift)),
                  std::size_t{count} << Geometry::kSlotShift);
      left &= ~SlotSnapshot<Geometry::kSlots>::run_mask(first, count);
    }
    after_release(os, map, superslab, superslab.word.discard(empty));
    return static_cast<std::size_t>(std::popcount(empty)) << Geometry::kSlotShift;
  }

  SlabT* claim_available(PageMap<Config>& map, unsigned size_class, SlotChoice choice, AcquireStage stage) noexcept {
    SlabT* slab = nullptr;
    SuperSlabT* from = nullptr;
    tables_.visit_available([&](SuperSlabT& superslab) {
      if (!serves(superslab, size_class)) return false;
      slab = Ops::claim_run(superslab, Classes::layout(size_class).slots, choice);
      from = &superslab;
      return slab != nullptr;
    });
    return slab == nullptr ? nullptr : finish_claim(map, *from, *slab, size_class, stage);
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
  SlabT* finish_claim(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, unsigned size_class,
                      AcquireStage stage) noexcept {
    const unsigned count = Classes::layout(size_class).slots;
    if constexpr (!kSharesSuperSlabs<Geometry>) {
      if (!serves(superslab, size_class)) return leave(map, superslab, slab, size_class);
    }
    return finish(map, superslab, slab, count, stage);
  }

  /// Undoes a claim in another class's SuperSlab. Whoever retires it by that may have the whole of it.
  SlabT* leave(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, unsigned size_class) noexcept {
    const auto first = static_cast<unsigned>(&slab - superslab.slabs);
    const auto released = superslab.word.release(first, Classes::layout(size_class).slots);
    if (!released.retired) {
      if (released.was_full) tables_.offer(superslab);
      return nullptr;
    }
    retired_.add();
    return start(map, superslab, size_class, AcquireStage::kCached);
  }

  /// Brings a retired SuperSlab, owned by the caller, to life with a run of a class at its start.
  SlabT* start(PageMap<Config>& map, SuperSlabT& superslab, unsigned size_class, AcquireStage stage) noexcept {
    const unsigned count = Classes::layout(size_class).slots;
    // Relaxed: published by the activation's release, see serves.
    if constexpr (!kSharesSuperSlabs<Geometry>) superslab.size_class.store(size_class, std::memory_order_relaxed);
    superslab.word.activate(count);
    if (count < Geometry::kSlots) tables_.offer(superslab);
    return finish(map, superslab, superslab.slabs[0], count, stage);
  }

  SlabT* finish(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, unsigned count, AcquireStage stage) noexcept {
    Ops::bind(map, superslab, slab, count);
    acquired_[static_cast<unsigned>(stage)].add();
    return &slab;
  }

  SuperSlabTable<Config> tables_;
  FreeSlots<Config> free_slots_;
  LruCache<Config> lru_;
  Tunable<Sync, std::int64_t, Geometry::kPurgeDelayMs> purge_delay_;
  Counter<Sync> acquired_[static_cast<unsigned>(AcquireStage::kCount)];
  Counter<Sync> released_;
  Counter<Sync> retired_;
};

}  // namespace hakmem
