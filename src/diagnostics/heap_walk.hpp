#pragma once
/// Floor 6. A walk through a heap that other threads go on to use: for diagnostics.
///
/// Of what other threads own only atomics are read: owners, slot words, remote words, and what is shown. The walker's
/// own slabs, and those of parked contexts, which it borrows for a moment, are read in full.

#include "heap/heap.hpp"

namespace hakmem {

enum class RegionKind : std::uint8_t { kSuperSlab, kSlab, kDirect, kWhale };

/// What a walk finds. The members mean what those of hak_region mean.
struct Region {
  static constexpr std::uint32_t kNoOwner = UINT32_MAX;

  RegionKind kind;
  std::uintptr_t address = 0;
  std::size_t bytes = 0;
  std::size_t block_bytes = 0;
  std::size_t capacity = 0;
  std::size_t used = 0;
  std::size_t out = 0;
  std::uint32_t owner = kNoOwner;
  bool exact = true;
};

template <class Config>
class HeapWalk {
  using Sync = typename Config::Sync;
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;
  using Ops = SlabOps<Config>;
  using SlabT = Slab<Config>;
  using SuperSlabT = SuperSlab<Config>;
  using Context = ThreadContext<Config>;

 public:
  /// \param own the calling thread's context, attached or not.
  HeapWalk(Heap<Config>& heap, Context& own) noexcept : heap_(heap), own_(own) {}

  /// Calls `visit(const Region&)` for every region until it returns something else than 0. `visit` may use the heap.
  /// Any thread. \return what the last call returned.
  template <class Visit>
  int visit(Visit visit) noexcept(noexcept(visit(std::declval<const Region&>()))) {
    int result = 0;
    heap_.pool().superslabs().visit_all([&](SuperSlabT& superslab) {
      if (result == 0) result = visit_superslab(superslab, visit);
    });
    heap_.direct().visit_all([&](DirectMapping<Config>& mapping) {
      Region region{};
      if (result == 0 && describe(mapping, region)) result = visit(static_cast<const Region&>(region));
    });
    return result;
  }

  /// Finds the innermost region around an address, by what is shown alone: touches no context. Async-signal-safe.
  /// \return whether there is one.
  [[nodiscard]] bool locate(std::uintptr_t address, Region& found) noexcept {
    bool any = false;
    const auto take = [&](const Region& region) {
      if (address - region.address >= region.bytes) return;
      found = region;
      any = true;
    };
    heap_.pool().superslabs().visit_all([&](SuperSlabT& superslab) {
      Region region{};
      if (!describe(superslab, region)) return;
      take(region);
      for (unsigned slot = 0; slot < Geometry::kSlots; ++slot) {
        if (describe_shown(superslab, slot, region)) take(region);
      }
    });
    heap_.direct().visit_all([&](DirectMapping<Config>& mapping) {
      Region region{};
      if (describe(mapping, region)) take(region);
    });
    return any;
  }

 private:
  template <class Visit>
  int visit_superslab(SuperSlabT& superslab, Visit& visit) {
    Region region{};
    if (!describe(superslab, region)) return 0;
    if (const int result = visit(static_cast<const Region&>(region)); result != 0) return result;
    for (unsigned slot = 0; slot < Geometry::kSlots; ++slot) {
      if (!describe_shown(superslab, slot, region)) continue;
      describe_exactly(superslab.slabs[slot], region);
      if (const int result = visit(static_cast<const Region&>(region)); result != 0) return result;
    }
    return 0;
  }

  /// \return false without a mapping.
  static bool describe(const SuperSlabT& superslab, Region& region) noexcept {
    region = {RegionKind::kSuperSlab, superslab.shown_base.get()};
    if (region.address == 0) return false;
    const auto slots = superslab.word.snapshot();
    region.bytes = kSuperSlabBytes<Geometry>;
    region.block_bytes = kSlotBytes<Geometry>;
    region.capacity = Geometry::kSlots;
    region.used = static_cast<std::size_t>(std::popcount(slots.active()));
    region.out = static_cast<std::size_t>(std::popcount(slots.empty()));
    return true;
  }

  /// What anybody may know of a slab. \return false when none starts at the slot.
  bool describe_shown(const SuperSlabT& superslab, unsigned slot, Region& region) noexcept {
    const SlabT& slab = superslab.slabs[slot];
    // Relaxed: a look; who it names is compared, never followed.
    const Context* owner = unmarked_owner(slab.owner.load(std::memory_order_relaxed));
    const std::uintptr_t base = superslab.shown_base.get();
    if (owner == nullptr || base == 0) return false;
    const std::uint32_t shown = slab.shown.get();
    const auto& layout = Classes::layout(shown >> 16);
    region = {RegionKind::kSlab, base + (std::uintptr_t{slot} << Geometry::kSlotShift)};
    region.bytes = std::size_t{layout.slots} << Geometry::kSlotShift;
    region.block_bytes = layout.block_bytes;
    region.capacity = layout.capacity;
    region.used = shown & 0xffff;
    const std::size_t freed = slab.remote.count();
    region.out = region.used > freed ? region.used - freed : 0;
    region.owner = number_of(owner);
    region.exact = false;
    return true;
  }

  /// Adds what the owner alone may know, if the slab is the walker's own or its owner has exited.
  void describe_exactly(const SlabT& slab, Region& region) noexcept {
    if (region.owner == Region::kNoOwner) return;
    // Else the slab might be taken over while it is looked at.
    if (!heap_.contexts().take_posts(region.owner)) return;
    if (&own_ == context_) {
      count_out(own_, slab, region);
    } else if (heap_.contexts().borrow(region.owner)) {
      count_out(*context_, slab, region);
      heap_.contexts().give_back(region.owner);
    }
    heap_.contexts().give_back_posts(region.owner);
  }

  void count_out(const Context& owner, const SlabT& slab, Region& region) noexcept {
    // Relaxed: by coherence no older than what its owner did last, who is the caller. It may have been released since.
    if (unmarked_owner(slab.owner.load(std::memory_order_relaxed)) != &owner) return;
    const std::size_t freed = slab.remote.count() + listed(owner, slab);
    const auto out = static_cast<std::size_t>(Ops::out(slab));
    region.used = slab.carved.get();
    region.out = out > freed ? out - freed : 0;
    region.exact = true;
  }

  /// Blocks of a slab that wait in its owner's detached list.
  static std::size_t listed(const Context& owner, const SlabT& slab) noexcept {
    std::size_t blocks = 0;
    for (void* block = owner.heads[slab.size_class.get()].peek(); block != nullptr; block = Sync::load_link(block)) {
      blocks += slab.is_block(block) ? 1u : 0u;
    }
    return blocks;
  }

  /// \return false without a mapping.
  static bool describe(const DirectMapping<Config>& mapping, Region& region) noexcept {
    const std::uintptr_t shown = mapping.shown.get();
    const auto use = static_cast<MappingUse>(shown & 3);
    if (use == MappingUse::kNone) return false;
    region = {use == MappingUse::kLive ? RegionKind::kDirect : RegionKind::kWhale, shown & ~std::uintptr_t{3}};
    region.bytes = mapping.shown_bytes.get();
    region.block_bytes = region.bytes;
    region.capacity = 1;
    region.used = 1;
    region.out = use == MappingUse::kLive ? 1 : 0;
    return true;
  }

  /// The number of a context, which is remembered, found by its address: it is not the walker's to look into.
  std::uint32_t number_of(const Context* wanted) noexcept {
    if (wanted == context_) return number_;
    std::uint32_t number = 0;
    context_ = nullptr;
    number_ = Region::kNoOwner;
    heap_.contexts().visit_all([&](Context& context) {
      if (&context == wanted) {
        context_ = &context;
        number_ = number;
      }
      ++number;
    });
    return number_;
  }

  Heap<Config>& heap_;
  Context& own_;
  Context* context_ = nullptr;
  std::uint32_t number_ = Region::kNoOwner;
};

}  // namespace hakmem
