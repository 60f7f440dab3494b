#pragma once
/// Floor 5. An owner's awake slabs of one class, in a circle: the first is allocated from, woken ones go to the back
/// so that they gather frees until their turn comes.

#include "layout/descriptors.hpp"

namespace hakmem {

/// Owner only.
template <class Config>
class ClassList {
  using SlabT = Slab<Config>;

 public:
  [[nodiscard]] SlabT* first() const noexcept { return first_.get(); }

  void push_back(SlabT& slab) noexcept {
    SlabT* first = first_.get();
    if (first == nullptr) {
      slab.next.set(&slab);
      slab.previous.set(&slab);
      first_.set(&slab);
      return;
    }
    SlabT* last = first->previous.get();
    slab.next.set(first);
    slab.previous.set(last);
    last->next.set(&slab);
    first->previous.set(&slab);
  }

  void push_front(SlabT& slab) noexcept {
    push_back(slab);
    first_.set(&slab);
  }

  void remove(SlabT& slab) noexcept {
    SlabT* next = slab.next.get();
    if (next == &slab) {
      first_.set(nullptr);
      return;
    }
    SlabT* previous = slab.previous.get();
    previous->next.set(next);
    next->previous.set(previous);
    if (first_.get() == &slab) first_.set(next);
  }

  /// Calls `visit(slab)` for each slab, once round the circle; the call may remove the slab at hand.
  template <class Visit>
  void visit(Visit visit) noexcept {
    SlabT* slab = first_.get();
    if (slab == nullptr) return;
    SlabT* const last = slab->previous.get();
    for (bool done = false; !done;) {
      SlabT* next = slab->next.get();
      done = slab == last;
      visit(*slab);
      slab = next;
    }
  }

  /// Whether the slab, which is on the list, is alone there.
  [[nodiscard]] bool alone(const SlabT& slab) const noexcept { return slab.next.get() == &slab; }

 private:
  typename Config::Sync::template Plain<SlabT*> first_{};
};

}  // namespace hakmem
