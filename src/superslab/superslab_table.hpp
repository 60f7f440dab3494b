#pragma once
/// Floor 4, SP-SLOT layer 2: SuperSlab metadata. Which descriptors exist, which have memory, which have free slots.

#include "layout/backend.hpp"
#include "layout/descriptor_table.hpp"
#include "layout/descriptors.hpp"
#include "os/os_concept.hpp"
#include "superslab/slot_ops.hpp"
#include "sync/counter.hpp"

namespace hakmem {

template <class Config>
class SuperSlabTable {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using BackendT = Backend<Config>;
  using Geometry = typename Config::Geometry;
  using SuperSlabT = SuperSlab<Config>;
  static constexpr std::size_t kBytes = kSuperSlabBytes<Geometry>;
  enum Mark : unsigned {
    kVacant,     ///< token: a descriptor without memory, owned by nobody
    kAvailable,  ///< hint that never hides: some slot can be claimed
    kMarks
  };

 public:
  /// Maps a new SuperSlab. Any thread. \return it, retired and owned by the caller, or nullptr without memory.
  [[nodiscard]] SuperSlabT* map_new(BackendT& backend) noexcept {
    void* memory = backend.os.reserve(kBytes, kBytes);
    if (memory == nullptr) return nullptr;
    SuperSlabT* superslab = backend.map.prepare(backend.os, memory, kBytes) ? take_descriptor(backend.os) : nullptr;
    if (superslab == nullptr) {
      backend.os.release(memory, kBytes);
      return nullptr;
    }
    if constexpr (kHasPageSizes<Os>) backend.os.keep_pages_small(memory, kBytes);
    superslab->base.set(reinterpret_cast<std::uintptr_t>(memory));
    superslab->shown_base.set(reinterpret_cast<std::uintptr_t>(memory));
    mapped_.add();
    return superslab;
  }

  /// Unmaps a retired SuperSlab that the caller owns.
  void unmap(BackendT& backend, SuperSlabT& superslab) noexcept {
    void* memory = reinterpret_cast<void*>(superslab.base.get());
    for (unsigned slot = 0; slot < Geometry::kSlots; ++slot) {
      backend.map.set(static_cast<char*>(memory) + (std::size_t{slot} << Geometry::kSlotShift), nullptr);
    }
    // The next mapping of this descriptor is zero.
    SlotOps<Config>::forget_contents(superslab, SlotSnapshot<Geometry::kSlots>::kAll);
    superslab.shown_base.set(0);
    superslab.large_pages.set(0);
    backend.os.release(memory, kBytes);
    unmapped_.add();
    table_.set_mark(kVacant, superslab.index.get());
  }

  /// Some slot of the SuperSlab has become claimable: make it findable. After the word has changed.
  void offer(SuperSlabT& superslab) noexcept { table_.set_mark(kAvailable, superslab.index.get()); }

  /// Calls `claim(SuperSlab&)` for SuperSlabs with claimable slots, lowest first, until it returns true; forgets those
  /// that turn out to be full. Any thread. \return whether some call returned true.
  template <class Claim>
  bool visit_available(Claim claim) noexcept {
    return table_.visit_marked(kAvailable, [&](SuperSlabT& superslab, std::uint32_t index) {
      const auto worth = [&] { return superslab.word.snapshot().free() != 0; };
      if (!worth()) {
        table_.clear_mark_unless(kAvailable, index, worth);
        return false;
      }
      return claim(superslab);
    });
  }

  /// Calls `visit(SuperSlab&)` for every descriptor, with memory or without.
  template <class Visit>
  void visit_all(Visit visit) noexcept {
    table_.visit_all(visit);
  }

  /// Mappings made and undone so far.
  [[nodiscard]] std::uint64_t mapped() const noexcept { return mapped_.get(); }
  [[nodiscard]] std::uint64_t unmapped() const noexcept { return unmapped_.get(); }
  /// Descriptors made so far: the largest number of SuperSlabs that were mapped at one time, or slightly more.
  [[nodiscard]] std::uint32_t descriptors() const noexcept { return table_.size(); }

 private:
  SuperSlabT* take_descriptor(Os& os) noexcept {
    if (SuperSlabT* vacant = table_.take_marked(kVacant)) return vacant;
    return table_.append(os);
  }

  DescriptorTable<Config, SuperSlabT, kMarks> table_;
  Counter<Sync> mapped_;
  Counter<Sync> unmapped_;
};

}  // namespace hakmem
