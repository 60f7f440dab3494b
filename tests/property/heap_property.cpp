/// The heap against a shadow of live blocks: no overlap, alignment, contents, usable size, zeroes, nothing left at the
/// end, whatever several contexts do in whatever order, and whichever call to the system is refused.

#include "core_heap.hpp"
#include "heap_commands.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

template <class HeapT>
MakeHeap on() {
  return [] { return std::make_unique<HeapT>(); };
}

constexpr unsigned kToyBits = 24;
constexpr unsigned kFullBits = 30;

using ToyHeap = CoreHeap<ToyGeometry, kToyBits>;
using LeastHeap = CoreHeap<LeastPagedGeometry, kToyBits>;
using FullHeap = CoreHeap<FullGeometry, kFullBits>;
using WholeAddressSpaceHeap = CoreHeap<FullGeometry, 47, kFullBits>;

/// Most blocks have a mapping of their own, and a few of these are kept: they are split, joined and grown.
struct WhaleGeometry : LeastPagedGeometry {
  static constexpr unsigned kWhalePlaces = 4;
  static constexpr std::size_t kWhaleBytes = std::size_t{128} << 10;
};
using WhaleHeap = CoreHeap<WhaleGeometry, kToyBits>;

/// On a system with other pages than the least: a slot is four, one, or a part of one.
template <std::size_t kPageBytes>
struct HeapOnPages : FullHeap {
  HeapOnPages() : FullHeap(kPageBytes) {}
};

TEST(HeapProperty, ToyHeapKeepsItsPromises) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<ToyHeap>(), coverage), 5));
  EXPECT_TRUE(
      coverage.reaches({"awake", "retained", "asleep", "awaited", "remote frees waiting", "inbox waiting", "same class",
                        "any class", "unused", "cached", "mapped", "direct", "context adopted", "impossible size"},
                       10));
}

TEST(HeapProperty, ToyHeapSurvivesRefusedCalls) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<ToyHeap>(), coverage, 2), 5));
  EXPECT_TRUE(coverage.reaches({"asleep", "awaited", "refused", "out of memory"}, 10));
}

TEST(HeapProperty, HeapOfLeastGeometryKeepsItsPromisesAndSurvivesRefusedCalls) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<LeastHeap>(), coverage, 1), 5));
  EXPECT_TRUE(coverage.reaches({"asleep", "any class", "cached", "direct", "refused", "out of memory"}, 10));
}

TEST(HeapProperty, HeapOfWhalesKeepsItsPromisesAndSurvivesRefusedCalls) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<WhaleHeap>(), coverage, 1), 5));
  EXPECT_TRUE(coverage.reaches({"direct", "whale cache", "refused", "out of memory"}, 10));
}

TEST(HeapProperty, FullHeapKeepsItsPromises) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<WholeAddressSpaceHeap>(), coverage), 2));
  EXPECT_TRUE(coverage.reaches({"awake", "retained", "asleep", "remote frees waiting", "inbox waiting", "unused",
                                "mapped", "direct", "context adopted", "impossible size"},
                               10));
  EXPECT_TRUE(coverage.reaches({"whale cache"}, 1));
}

TEST(HeapProperty, FullHeapSurvivesRefusedCalls) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<FullHeap>(), coverage, 2), 2));
}

TEST(HeapProperty, FullHeapKeepsItsPromisesOnPagesOfEverySize) {
  Coverage coverage;
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapOnPages<std::size_t{16} << 10>>(), coverage), 1));
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapOnPages<std::size_t{64} << 10>>(), coverage, 2), 1));
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapOnPages<std::size_t{256} << 10>>(), coverage), 1));
  EXPECT_TRUE(coverage.reaches({"asleep", "mapped", "direct"}, 5));
}

// Negative controls ---------------------------------------------------------------------------------------------------

struct HandsOutTwice : ToyHeap {
  void* allocate(unsigned context, std::size_t bytes) override {
    if (last != nullptr && bytes <= ToyHeap::usable_size(last)) return last;
    return last = ToyHeap::allocate(context, bytes);
  }
  void deallocate(unsigned context, void* block) override {
    if (block == last) last = nullptr;
    ToyHeap::deallocate(context, block);
  }
  void* last = nullptr;
};

struct IgnoresAlignment : ToyHeap {
  void* allocate_aligned(unsigned context, std::size_t bytes, std::size_t) override {
    return ToyHeap::allocate(context, bytes);
  }
};

struct SkipsZeroing : ToyHeap {
  void* allocate_zeroed(unsigned context, std::size_t bytes) override { return ToyHeap::allocate(context, bytes); }
};

/// Memory that has been used counts as what the system has just given. The mark of a free block may be there still; it is
/// cleared, as the heap itself would end the process at the block's first use.
struct TakesUsedMemoryForFresh : ToyHeap {
  std::size_t usable_size(const void* block) override {
    if (FreeMark<TestSync>::is_set(block)) FreeMark<TestSync>::clear(const_cast<void*>(block));
    return ToyHeap::usable_size(block);
  }
  void* allocate_zeroed(unsigned context, std::size_t bytes) override {
    for (auto* superslab : superslabs()) {
      for (auto& slab : superslab->slabs) slab.written.set(false);
    }
    return ToyHeap::allocate_zeroed(context, bytes);
  }
};

struct ForgetsContents : ToyHeap {
  void* reallocate(unsigned context, void* block, std::size_t bytes) override {
    void* moved = ToyHeap::allocate(context, bytes);
    if (moved != nullptr) ToyHeap::deallocate(context, block);
    return moved;
  }
};

struct UnderstatesUsableSize : ToyHeap {
  std::size_t usable_size(const void* block) override { return ToyHeap::usable_size(block) - 64; }
};

struct DropsBlocks : ToyHeap {
  void deallocate(unsigned context, void* block) override {
    if (++frees % 8 != 0) ToyHeap::deallocate(context, block);
  }
  unsigned frees = 0;
};

struct GivesUpWithoutReason : ToyHeap {
  void* allocate(unsigned context, std::size_t bytes) override {
    return ++calls % 8 == 0 ? nullptr : ToyHeap::allocate(context, bytes);
  }
  unsigned calls = 0;
};

struct FreesWhatItCannotResize : ToyHeap {
  void* reallocate(unsigned context, void* block, std::size_t bytes) override {
    void* moved = ToyHeap::reallocate(context, block, bytes);
    if (moved == nullptr) ToyHeap::deallocate(context, block);
    return moved;
  }
};

struct KeepsWhatExitedThreadsHeld : ToyHeap {
  void detach(unsigned) override {}
};

template <class HeapT>
testing::AssertionResult is_caught(const std::string& reason, std::ptrdiff_t commands) {
  Coverage unused;
  return is_refuted(keeps_its_promises(on<HeapT>(), unused), reason, commands);
}

TEST(HeapProperty, RefutesPlantedFaults) {
  EXPECT_TRUE(is_caught<HandsOutTwice>("after_previous", 4));
  EXPECT_TRUE(is_caught<IgnoresAlignment>("alignment", 3));
  EXPECT_TRUE(is_caught<SkipsZeroing>("is_zero", 5));
  EXPECT_TRUE(is_caught<TakesUsedMemoryForFresh>("is_zero", 6));
  EXPECT_TRUE(is_caught<ForgetsContents>("contents_kept", 4));
  EXPECT_TRUE(is_caught<UnderstatesUsableSize>("usable", 2));
  EXPECT_TRUE(is_caught<DropsBlocks>("", 8));
  EXPECT_TRUE(is_caught<GivesUpWithoutReason>("refused", 9));
  EXPECT_TRUE(is_caught<FreesWhatItCannotResize>("", 3));
  EXPECT_TRUE(is_caught<KeepsWhatExitedThreadsHeld>("retired", 3));
}

}  // namespace
}  // namespace hakmem::test
