#pragma once
/// The core on simulated memory, looked at from inside: slots, slabs and page map must agree with what is live.

#include <array>
#include <map>
#include <memory>

#include "any_heap.hpp"
#include "heap/heap.hpp"
#include "support/test_os.hpp"
#include "support/test_sync.hpp"

namespace hakmem::test {

/// \tparam kBits window of the page map; \tparam kWindowBits window of the memory, the same or smaller; \tparam HeapOf
/// Heap or a layer over it; \tparam SyncT its policy
template <class Geometry, unsigned kBits, unsigned kWindowBits = kBits, template <class> class HeapOf = Heap,
          class SyncT = TestSync>
class CoreHeap : public AnyHeap {
  using Os = DividingOs<kBits>;
  using ConfigT = Config<SyncT, Os, Geometry>;
  using HeapT = HeapOf<ConfigT>;
  using Context = ThreadContext<ConfigT>;
  using Classes = SizeClass<Geometry>;
  using SlabT = Slab<ConfigT>;
  using Ops = SlabOps<ConfigT>;

 public:
  /// \param page_bytes of the simulated system
  explicit CoreHeap(std::size_t page_bytes = TestMemory::kPageBytes) : memory_{kWindowBits, page_bytes} {
    heap_.init();
  }

  [[nodiscard]] Dimensions dimensions() const override {
    constexpr bool kFull = Geometry::kLargeMax > 65536;
    constexpr std::size_t kToyBytes = Geometry::kWhaleBytes == 0 ? 8 : 64;
    Dimensions d{.class_bytes = {},
                 .small_max = Geometry::kSmallMax,
                 .large_max = Geometry::kLargeMax,
                 .granule = std::size_t{1} << Geometry::kGranuleShift,
                 .page = Os::kPageBytes,
                 .largest_alignment = std::size_t{4} << (kFull ? 20 : 14),
                 .most_blocks = kFull ? 150 : 12,
                 .most_bytes = kFull ? std::size_t{512} << 10 : kToyBytes << 10,
                 .most_live = std::size_t{1} << (kWindowBits - 3)};
    for (unsigned c = 0; c < Classes::kCount; ++c) d.class_bytes.push_back(Classes::block_bytes(c));
    return d;
  }

  // As src/api does: first the fast paths.
  void* allocate(unsigned context, std::size_t bytes) override {
    Context& fast = context_or_stand_in(context);
    if (void* block = heap_.try_allocate(fast, bytes)) return block;
    if (void* block = heap_.try_allocate_cached(fast, bytes)) return block;
    Context* own = attached(context);
    return own == nullptr ? nullptr : heap_.allocate(*own, bytes);
  }
  void* allocate_zeroed(unsigned context, std::size_t bytes) override {
    Context* own = attached(context);
    return own == nullptr ? nullptr : heap_.allocate_zeroed(*own, bytes);
  }
  void* allocate_aligned(unsigned context, std::size_t bytes, std::size_t alignment) override {
    Context* own = attached(context);
    return own == nullptr ? nullptr : heap_.allocate_aligned(*own, bytes, alignment);
  }
  void* reallocate(unsigned context, void* block, std::size_t bytes) override {
    Context* own = attached(context);
    return own == nullptr ? nullptr : heap_.reallocate(*own, block, bytes);
  }
  void deallocate(unsigned context, void* block) override { heap_.deallocate(context_or_stand_in(context), block); }
  void trim(unsigned context) override { heap_.trim(context_or_stand_in(context)); }
  void detach(unsigned context) override {
    if (contexts_[context] != nullptr) heap_.detach(*contexts_[context]);
    contexts_[context] = nullptr;
  }
  std::size_t usable_size(const void* block) override { return heap_.usable_size(block); }

  void refuse(OsCall call, std::uint64_t nth, std::uint64_t times) override { memory_.refuse(call, nth, times); }
  void grant_everything() override { memory_.grant_everything(); }
  std::uint64_t refused() const override { return memory_.refused(); }

  void inspect(const std::set<void*>& live, Coverage& coverage) override {
    const auto blocks = count_live_blocks(live);
    for (SuperSlab<ConfigT>* superslab : superslabs()) {
      const auto word = superslab->word.snapshot();
      for (SlabT& slab : superslab->slabs) {
        if (slab.state.get() == SlabState::kNone) continue;
        // I1, I3: a slab in use holds all of its slots.
        for (unsigned i = 0; i < slab.slots.get(); ++i) {
          RC_ASSERT(word.state(slab.slot.get() + i) == SlotState::kActive);
        }
        const auto found = blocks.find(&slab);
        inspect_slab(slab, found == blocks.end() ? 0 : found->second, live, coverage);
      }
    }
    const auto& table = heap_.pool().superslabs();
    const std::uint64_t superslab_bytes = (table.mapped() - table.unmapped()) * kSuperSlabBytes<Geometry>;
    const std::size_t direct_bytes = heap_.direct().bytes() + heap_.direct().whales().held_bytes();
    // What is reserved are whole pages: where these are larger than slots, direct mappings take more than they say.
    const bool exact =
        memory_.page_bytes() == TestMemory::kPageBytes || kSlotBytes<Geometry> % memory_.page_bytes() == 0;
    RC_ASSERT(memory_.reserved_bytes() >= superslab_bytes + direct_bytes);
    RC_ASSERT(!exact || memory_.reserved_bytes() == superslab_bytes + direct_bytes);
    for (Context* context : contexts_) {
      if (context != nullptr && !context->inbox.looks_empty()) coverage.hit("inbox waiting");
    }
  }

  void expect_nothing_left(Coverage& coverage) override {
    for (unsigned context = 0; context < kContexts; ++context) detach(context);
    heap_.trim(stand_in_);
    for (SuperSlab<ConfigT>* superslab : superslabs()) RC_ASSERT(superslab->word.snapshot().retired());
    RC_ASSERT(memory_.reservations() == 0u);
    const std::array stages{"same class", "any class", "unused", "cached", "mapped"};
    for (unsigned i = 0; i < stages.size(); ++i) {
      if (heap_.pool().acquired(static_cast<AcquireStage>(i)) != 0) coverage.hit(stages[i]);
    }
    if (heap_.direct().mapped() != 0) coverage.hit("direct");
    if (heap_.direct().whales().hits() != 0) coverage.hit("whale cache");
    if (adopted_) coverage.hit("context adopted");
    if (memory_.refused() != 0) coverage.hit("refused");
  }

 protected:
  /// Collected first: what the core calls back must not throw.
  std::vector<SuperSlab<ConfigT>*> superslabs() {
    std::vector<SuperSlab<ConfigT>*> all;
    heap_.pool().superslabs().visit_all([&](SuperSlab<ConfigT>& superslab) { all.push_back(&superslab); });
    return all;
  }

 private:
  Context* attached(unsigned context) {
    Context*& own = contexts_[context];
    if (own == nullptr) {
      own = heap_.attach();
      if (own != nullptr) adopted_ |= !known_.insert(own).second;
    }
    return own;
  }
  Context& context_or_stand_in(unsigned context) {
    return context < kContexts && contexts_[context] != nullptr ? *contexts_[context] : stand_in_;
  }

  std::uint64_t direct_mappings() { return heap_.direct().mapped() - heap_.direct().unmapped(); }

  /// Every live block is one of a slab that is in use, or a direct mapping of its own. \return blocks by slab
  std::map<SlabT*, unsigned> count_live_blocks(const std::set<void*>& live) {
    std::map<SlabT*, unsigned> blocks;
    std::uint64_t direct = 0;
    for (void* block : live) {
      SlabT* slab = heap_.page_map().find(block);
      RC_ASSERT(slab != nullptr);
      if (slab->state.get() == SlabState::kDirect) {
        ++direct;
        RC_ASSERT(memory_.is_reserved(block, heap_.usable_size(block)));
        continue;
      }
      RC_ASSERT(slab->state.get() != SlabState::kNone && slab->state.get() != SlabState::kRetained);
      RC_ASSERT(slab->is_block(block));
      ++blocks[slab];
    }
    RC_ASSERT(direct == direct_mappings());
    return blocks;
  }

  /// I2: the slab's count of events agrees with its list of free blocks, and these are not live.
  void inspect_slab(SlabT& slab, unsigned live_blocks, const std::set<void*>& live, Coverage& coverage) {
    const auto carved = static_cast<std::int32_t>(slab.carved.get());
    std::int32_t free = 0;
    for (void* block = slab.free.peek(); block != nullptr; block = SyncT::load_link(block)) {
      RC_ASSERT(++free <= carved);
      RC_ASSERT(slab.is_block(block));
      RC_ASSERT(live.count(block) == 0u);
    }
    RC_ASSERT(static_cast<std::int32_t>(live_blocks) + free <= carved);
    const std::int32_t to_event = slab.frees_to_event.get();
    const std::int32_t threshold = Classes::layout(slab.size_class.get()).wake_blocks;
    switch (slab.state.get()) {
      case SlabState::kAwake:
        RC_ASSERT(to_event == carved - free);
        coverage.hit("awake");
        break;
      case SlabState::kRetained:
        RC_ASSERT(to_event == 0 && free == carved);
        coverage.hit("retained");
        break;
      case SlabState::kAsleep:
        RC_ASSERT(to_event == threshold - free && to_event > 0);
        coverage.hit("asleep");
        break;
      case SlabState::kAwaited:
        RC_ASSERT(to_event == threshold + Ops::kNoEvent - free);
        coverage.hit("awaited");
        break;
      default: RC_FAIL("a slab of a SuperSlab describes something else");
    }
    if (slab.remote.has_chain()) coverage.hit("remote frees waiting");
  }

  TestMemory memory_;
  HeapT heap_{Os(memory_)};
  Context stand_in_{};
  std::array<Context*, kContexts> contexts_{};
  std::set<Context*> known_;
  bool adopted_ = false;
};

}  // namespace hakmem::test
