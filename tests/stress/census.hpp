#pragma once
/// A count of the heap's own books, at a moment when no thread is attached: what is out, and whether slot words, slab
/// descriptors, page map and free lists agree (I2).

#include <exception>

#include "failure.hpp"
#include "heap/heap.hpp"

namespace hakmem::stress {

template <class Heap>
class Census {
  using Sync = typename Heap::Sync;
  using Classes = typename Heap::Classes;
  using Geometry = typename Heap::Geometry;
  using ConfigT = Config<Sync, typename Heap::Os, Geometry>;
  using SlabT = Slab<ConfigT>;
  using SuperSlabT = SuperSlab<ConfigT>;

 public:
  /// Parked contexts have been swept (Heap::trim does that). \throws Failure on a contradiction.
  static std::uint64_t blocks_out(Heap& heap) {
    std::uint64_t out = heap.direct().mapped() - heap.direct().unmapped();
    visit_all(heap, [&](SuperSlabT& superslab) { out += blocks_out_of(heap, superslab); });
    return out;
  }

  /// \throws Failure unless no slot is ACTIVE and everything mapped has been unmapped (I8).
  static void check_reclaimed(Heap& heap) {
    auto& superslabs = heap.pool().superslabs();
    visit_all(heap, [&](SuperSlabT& superslab) {
      const auto active = superslab.word.snapshot().active();
      if (active != 0) {
        throw Failure(text_of("SuperSlab ", superslab.index.get(), " still has ACTIVE slots ", hexadecimal(active),
                              " though all blocks are free"));
      }
    });
    if (superslabs.mapped() != superslabs.unmapped()) {
      throw Failure(text_of(superslabs.mapped(), " SuperSlabs were mapped but only ", superslabs.unmapped(),
                            " unmapped though all blocks are free"));
    }
    if (heap.direct().mapped() != heap.direct().unmapped()) {
      throw Failure(text_of(heap.direct().mapped(), " direct mappings were made but only ", heap.direct().unmapped(),
                            " undone though all blocks are free"));
    }
  }

 private:
  /// The heap's visitors may not throw, so a failure waits for the end of the visit.
  template <class Visit>
  static void visit_all(Heap& heap, Visit visit) {
    std::exception_ptr failure;
    heap.pool().superslabs().visit_all([&](SuperSlabT& superslab) {
      try {
        if (!failure) visit(superslab);
      } catch (const Failure&) {
        failure = std::current_exception();
      }
    });
    if (failure) std::rethrow_exception(failure);
  }

  static std::uint64_t blocks_out_of(Heap& heap, SuperSlabT& superslab) {
    const auto snapshot = superslab.word.snapshot();
    std::uint32_t described = 0;
    std::uint64_t out = 0;
    for (unsigned slot = 0; slot < Geometry::kSlots; ++slot) {
      SlabT& slab = superslab.slabs[slot];
      if ((snapshot.active() >> slot & 1) == 0 || slab.state.get() == SlabState::kNone) continue;
      const std::uint32_t run = snapshot.run_mask(slot, slab.slots.get());
      if ((described & run) != 0) throw contradiction(superslab, slot, "shares a slot with another slab");
      described |= run;
      check_page_map(heap, superslab, slab, slot);
      out += blocks_out_of(superslab, slab, slot);
    }
    if (described != snapshot.active()) {
      throw Failure(text_of("SuperSlab ", superslab.index.get(), ": slots ", hexadecimal(snapshot.active()),
                            " are ACTIVE, but slabs describe slots ", hexadecimal(described)));
    }
    return out;
  }

  static std::uint64_t blocks_out_of(SuperSlabT& superslab, SlabT& slab, unsigned slot) {
    const std::int32_t carved = slab.carved.get();
    std::int32_t out = 0;
    switch (slab.state.get()) {
      case SlabState::kAwake:
      case SlabState::kRetained: out = slab.frees_to_event.get(); break;
      case SlabState::kAsleep:
        out = carved - (Classes::layout(slab.size_class.get()).wake_blocks - slab.frees_to_event.get());
        break;
      default: throw contradiction(superslab, slot, "is neither awake nor asleep");
    }
    const std::int32_t waiting = remote_frees_of(superslab, slab, slot);
    if (out < 0 || out > carved || carved > slab.capacity.get()) {
      throw contradiction(superslab, slot, text_of("has ", out, " of ", carved, " carved blocks out"));
    }
    const std::int32_t listed = length_of(slab, carved);
    if (listed != carved - out) {
      throw contradiction(superslab, slot, text_of("has ", carved - out, " free blocks but ", listed, " in its list"));
    }
    if (waiting > out) throw contradiction(superslab, slot, "has more remote frees than blocks out");
    return static_cast<std::uint64_t>(out - waiting);
  }

  /// Frees by others that wait for the owner to need them, which only an awake slab may have.
  static std::int32_t remote_frees_of(SuperSlabT& superslab, SlabT& slab, unsigned slot) {
    if (!slab.remote.has_chain()) return 0;
    if (slab.state.get() == SlabState::kAsleep) throw contradiction(superslab, slot, "sleeps on remote frees");
    const auto chain = slab.remote.take_all(slab.base.get());
    std::uint32_t length = 1;
    void* last = chain.head;
    for (void* next; length <= chain.count && (next = Sync::load_link(last)) != nullptr; ++length) last = next;
    if (length != chain.count) {
      throw contradiction(superslab, slot, text_of("counts ", chain.count, " remote frees, its chain is not as long"));
    }
    (void)slab.remote.push_chain(slab.base.get(), chain.head, last, chain.count);
    return static_cast<std::int32_t>(chain.count);
  }

  /// Length of the slab's free list; most + 1 if it is longer, or a circle.
  static std::int32_t length_of(SlabT& slab, std::int32_t most) {
    std::int32_t length = 0;
    for (void* block = slab.free.peek(); block != nullptr && length <= most; block = Sync::load_link(block)) ++length;
    return length;
  }

  static void check_page_map(Heap& heap, SuperSlabT& superslab, SlabT& slab, unsigned slot) {
    for (unsigned i = 0; i < slab.slots.get(); ++i) {
      const std::uintptr_t address = superslab.base.get() + (std::uintptr_t{slot + i} << Geometry::kSlotShift);
      if (heap.page_map().find(reinterpret_cast<void*>(address)) != &slab) {
        throw contradiction(superslab, slot, "is not where the page map leads to");
      }
    }
  }

  static Failure contradiction(SuperSlabT& superslab, unsigned slot, const std::string& what) {
    return Failure(text_of("the slab at SuperSlab ", superslab.index.get(), " slot ", slot, " ", what));
  }
};

}  // namespace hakmem::stress
