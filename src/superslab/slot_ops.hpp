#pragma once
/// Floor 4, SP-SLOT layer 1: operations on the slots of one SuperSlab.
///
/// The slot word decides; the descriptor of a run's first slot describes the run, and the page map leads from every
/// slot of the run to it.

#include <bit>

#include "layout/descriptors.hpp"
#include "layout/page_map.hpp"

namespace hakmem {

template <class Config>
struct SlotOps {
  using Geometry = typename Config::Geometry;
  using SlabT = Slab<Config>;
  using SuperSlabT = SuperSlab<Config>;

  /// Claims the lowest run of `count` adjacent slots that `choice` accepts. Any thread.
  /// \return the descriptor of its first slot, the caller's alone, or nullptr.
  [[nodiscard]] static SlabT* claim_run(SuperSlabT& superslab, unsigned count, SlotChoice choice) noexcept {
    const int first = superslab.word.claim_run(count, choice);
    return first < 0 ? nullptr : &superslab.slabs[first];
  }

  /// Claims the run of `count` slots that starts at a hinted descriptor, if it is EMPTY. Any thread.
  [[nodiscard]] static bool claim_at(SlabT& hint, unsigned count) noexcept {
    const unsigned slot = hint.slot.get();
    return slot + count <= Geometry::kSlots && hint.superslab.get()->word.claim_at(slot, count);
  }

  /// Claims the `count` slots behind a slab's own, if they are free. Only its holder.
  [[nodiscard]] static bool claim_behind(const SlabT& slab, unsigned count) noexcept {
    const unsigned end = slab.slot.get() + slab.slots.get();
    return end + count <= Geometry::kSlots && slab.superslab.get()->word.claim_at(end, count, SlotChoice::kAny);
  }

  /// Makes a claimed run ready for use: descriptor and page map. Only the claimer.
  static void bind(PageMap<Config>& map, SuperSlabT& superslab, SlabT& slab, unsigned count) noexcept {
    const auto slot = static_cast<std::uint32_t>(&slab - superslab.slabs);
    // Written once: a hint to this descriptor may be read at any time after its first release.
    if (slab.superslab.get() == nullptr) {
      slab.slot.set(slot);
      slab.superslab.set(&superslab);
    }
    slab.base.set(superslab.base.get() + (std::uintptr_t{slot} << Geometry::kSlotShift));
    slab.slots.set(static_cast<std::uint8_t>(count));
    bool fresh = true;
    for (unsigned i = 0; i < count; ++i) {
      SlabT& held = superslab.slabs[slot + i];
      fresh = fresh && !held.written.get();
      held.written.set(true);
      map.set(reinterpret_cast<void*>(slab.base.get() + (std::uintptr_t{i} << Geometry::kSlotShift)), &slab);
    }
    slab.fresh.set(fresh);
  }

  /// The system has taken the memory of slots, which the caller holds, and gives zeroes when they are touched again.
  static void forget_contents(SuperSlabT& superslab, std::uint32_t slots) noexcept {
    for (; slots != 0; slots &= slots - 1) superslab.slabs[std::countr_zero(slots)].written.set(false);
  }

  /// Gives a run back: ACTIVE -> EMPTY, or the whole SuperSlab retired. Only the run's holder, which must not touch
  /// the slab afterwards. See SlotWord::release.
  [[nodiscard]] static auto release(SlabT& slab) noexcept {
    return slab.superslab.get()->word.release(slab.slot.get(), slab.slots.get());
  }
};

}  // namespace hakmem
