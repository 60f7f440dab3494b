#pragma once
/// Floor 4, SP-SLOT layer 3: per class, the EMPTY slots that last held it.
///
/// The lists are hints (words are truth): an entry may be stale, the claim on its slot word decides, and a slot that is
/// on no list is still found through its SuperSlab. So nothing has a capacity and nothing can be lost (D6, I7).

#include "layout/descriptors.hpp"
#include "lockfree/take_all_list.hpp"

namespace hakmem {

template <class Config>
class FreeSlots {
  using Sync = typename Config::Sync;
  using SlabT = Slab<Config>;
  using Classes = SizeClass<typename Config::Geometry>;

 public:
  /// Offers a slot that has just become EMPTY to its class. Any thread, after the slot word has changed.
  void offer(unsigned size_class, SlabT& slab) noexcept {
    // At most one list holds the descriptor, and once: its link belongs to who turns the flag on.
    // Acquire pairs with take's release: the taker has read the link before this push overwrites it.
    // Release pairs with take's acquire: if the flag is still on, who turns it off will see the slot EMPTY.
    if (slab.on_free_slots.exchange(1, std::memory_order_acq_rel) == 0) lists_[size_class].push(&slab);
  }

  /// Calls `claim(Slab&)` for hints of a class until it returns true; these hints are used up, the rest is put back.
  /// Any thread. \return the claimed descriptor, or nullptr when the hints have run out.
  template <class Claim>
  [[nodiscard]] SlabT* take(unsigned size_class, Claim claim) noexcept {
    auto& list = lists_[size_class];
    if (list.looks_empty()) return nullptr;
    for (SlabT* slab = list.take_all(); slab != nullptr;) {
      SlabT* rest = slab->free_slot_next.get();
      // Acquire and release: see offer. The slot is looked at only after the flag is off, so an offer that found it on
      // is not lost.
      (void)slab->on_free_slots.exchange(0, std::memory_order_acq_rel);
      if (claim(*slab)) {
        list.put_back(rest);
        return slab;
      }
      slab = rest;
    }
    return nullptr;
  }

 private:
  using List = TakeAllList<Sync, SlabT, &SlabT::free_slot_next>;

  List lists_[Classes::kCount];
};

}  // namespace hakmem
