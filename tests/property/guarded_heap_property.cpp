/// Guarded heaps keep every promise of a heap, and one damaged byte is reported, wherever it lies.

#include "core_heap.hpp"
#include "heap_commands.hpp"
#include "support/capturing_os.hpp"
#include "support/draw.hpp"
#include "support/toy_geometry.hpp"
#include "variants/guarded_heap.hpp"

namespace hakmem::test {
namespace {

/// A correct program must not get here.
struct AbortingAlarm {
  static void written_after_free(const void* block) noexcept {
    TestOs<47>::fatal(Corruption::kWrittenAfterFree, "free", block, block, 0);
  }
};

using Sealed = HardenedSync<TestSync, AbortingAlarm>;
template <class ConfigT>
using Hardened = GuardedHeap<Heap<ConfigT>, Trailer>;
template <class ConfigT>
using Tagged = GuardedHeap<Heap<ConfigT>, BlockTag>;

/// A guard takes its bytes of the largest sizes: there is no block of kMaxBytes, and none of kLargeMax in slots.
template <class HeapT, std::size_t kGuardBytes>
class GuardedCore : public HeapT {
 public:
  using HeapT::HeapT;
  [[nodiscard]] Dimensions dimensions() const override {
    Dimensions d = HeapT::dimensions();
    d.large_max -= kGuardBytes;
    return d;
  }
  void* allocate(unsigned context, std::size_t bytes) override { return note(HeapT::allocate(context, bytes), bytes); }
  void* allocate_zeroed(unsigned context, std::size_t bytes) override {
    return note(HeapT::allocate_zeroed(context, bytes), bytes);
  }
  void* allocate_aligned(unsigned context, std::size_t bytes, std::size_t alignment) override {
    return note(HeapT::allocate_aligned(context, bytes, alignment), bytes);
  }
  void* reallocate(unsigned context, void* block, std::size_t bytes) override {
    return note(HeapT::reallocate(context, block, bytes), bytes);
  }
  [[nodiscard]] std::uint64_t refused() const override { return HeapT::refused() + impossible_; }

 private:
  void* note(void* block, std::size_t bytes) {
    if (block == nullptr && bytes > AnyHeap::kMaxBytes - kGuardBytes) ++impossible_;
    return block;
  }

  std::uint64_t impossible_ = 0;
};

template <class Geometry, unsigned kBits, unsigned kWindowBits>
using HardenedCore = GuardedCore<CoreHeap<Geometry, kBits, kWindowBits, Hardened, Sealed>, Trailer<TestSync>::kBytes>;
template <class Geometry, unsigned kBits, unsigned kWindowBits>
using TaggedCore = GuardedCore<CoreHeap<Geometry, kBits, kWindowBits, Tagged>, BlockTag<TestSync>::kBytes>;

constexpr unsigned kToyBits = 24;
constexpr unsigned kFullBits = 30;

template <class HeapT>
MakeHeap on() {
  return [] { return std::make_unique<HeapT>(); };
}

TEST(GuardedHeapProperty, HardenedToyHeapKeepsItsPromises) {
  Coverage coverage;
  using HeapT = HardenedCore<ToyGeometry, kToyBits, kToyBits>;
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapT>(), coverage), 2));
  EXPECT_TRUE(coverage.reaches({"asleep", "awaited", "direct", "context adopted", "impossible size"}, 10));
}

TEST(GuardedHeapProperty, HardenedHeapOfLeastGeometrySurvivesRefusedCalls) {
  Coverage coverage;
  using HeapT = HardenedCore<LeastPagedGeometry, kToyBits, kToyBits>;
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapT>(), coverage, 1), 2));
  EXPECT_TRUE(coverage.reaches({"direct", "refused", "out of memory"}, 10));
}

TEST(GuardedHeapProperty, HardenedFullHeapKeepsItsPromises) {
  Coverage coverage;
  using HeapT = HardenedCore<FullGeometry, 47, kFullBits>;
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapT>(), coverage)));
  EXPECT_TRUE(coverage.reaches({"awake", "retained", "direct", "context adopted"}, 5));
}

TEST(GuardedHeapProperty, TaggedToyHeapKeepsItsPromises) {
  Coverage coverage;
  using HeapT = TaggedCore<ToyGeometry, kToyBits, kToyBits>;
  EXPECT_TRUE(holds(keeps_its_promises(on<HeapT>(), coverage)));
  EXPECT_TRUE(coverage.reaches({"asleep", "direct"}, 10));
}

// Damage --------------------------------------------------------------------------------------------------------------

using DamagedConfig = Config<HardenedSync<TestSync, CapturingAlarm>, CapturingOs<kFullBits>, FullGeometry>;
using DamagedHeap = Hardened<DamagedConfig>;

/// A heap with some blocks of one size, and damage to one of them.
class Damage {
 public:
  explicit Damage(std::size_t bytes) : bytes_(bytes) {
    reports.clear();
    heap_.init();
    owner_ = heap_.attach();
    other_ = heap_.attach();
    const std::size_t count = draw::in_range<std::size_t>(1, 20);
    for (std::size_t i = 0; i < count; ++i) blocks_.push_back(allocate());
    victim_ = draw::in_range<std::size_t>(0, count);
  }

  char* allocate() { return static_cast<char*>(heap_.allocate(*owner_, bytes_)); }
  char* victim() { return blocks_[victim_]; }

  static void flip(char& byte) {
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ draw::in_range<unsigned>(1, 256));
  }

  void free(void* block) { heap_.deallocate(*draw::element({owner_, other_}), block); }

  /// Blocks that are gathered for their owner go out: sending a chain writes its last link anew.
  void send() {
    heap_.detach(*other_);
    other_ = heap_.attach();
  }

  /// What is free is handed out until the damage shows.
  [[nodiscard]] bool shows_when_reused() {
    for (int i = 0; i < 10000 && reports.empty(); ++i) {
      if (allocate() == nullptr) return false;
    }
    return !reports.empty();
  }

 private:
  std::size_t bytes_;
  TestMemory memory_{kFullBits};
  DamagedHeap heap_{CapturingOs<kFullBits>(memory_)};
  DamagedHeap::Context* owner_ = nullptr;
  DamagedHeap::Context* other_ = nullptr;
  std::vector<char*> blocks_;
  std::size_t victim_ = 0;
};

auto byte_behind_the_end_is_reported() {
  return [] {
    using Classes = SizeClass<FullGeometry>;
    using Guard = Trailer<TestSync>;
    constexpr std::size_t kTrailer = Guard::kBytes;
    const std::size_t most = draw::boolean() ? FullGeometry::kLargeMax - kTrailer : 2000;
    const auto bytes = draw::in_range<std::size_t>(1, most);
    Damage damage(bytes);
    // A block that has a slab to itself has its trailer near its contents.
    const std::size_t block = Classes::block_bytes(Classes::of(bytes + kTrailer));
    const std::size_t room = block > kSlotBytes<FullGeometry> ? std::min(block, Guard::room_for(bytes)) : block;
    const std::size_t slack = room - kTrailer - bytes;
    const std::size_t watched = std::min(slack, Guard::kWatched);
    std::size_t offset = draw::in_range<std::size_t>(0, watched + kTrailer);
    if (offset >= watched) offset += slack - watched;
    Damage::flip(damage.victim()[bytes + offset]);
    damage.free(damage.victim());
    RC_ASSERT(reports.size() == 1u);
    const bool named = reports[0].what == Corruption::kOverflow && reports[0].block == damage.victim();
    RC_ASSERT(named);
  };
}

auto link_of_a_free_block_is_reported(std::size_t first, std::size_t end) {
  return [=] {
    Damage damage(draw::element<std::size_t>({1, 16, 48, 500, 992, 1500, 5000, 32000}));
    damage.free(damage.victim());
    damage.send();
    Damage::flip(damage.victim()[draw::in_range(first, end)]);
    RC_ASSERT(damage.shows_when_reused());
    const bool named = reports[0].what == Corruption::kWrittenAfterFree && reports[0].block == damage.victim();
    RC_ASSERT(named);
  };
}

TEST(GuardedHeapProperty, AnyByteBehindTheEndIsReportedWhenTheBlockIsFreed) {
  EXPECT_TRUE(holds(byte_behind_the_end_is_reported(), 5));
}

TEST(GuardedHeapProperty, AnyByteOfAFreeBlocksLinkIsReportedWhenTheBlockIsReused) {
  EXPECT_TRUE(holds(link_of_a_free_block_is_reported(0, 16), 2));
}

/// Negative control: what lies behind the link and before the end of a free block is not watched.
TEST(GuardedHeapProperty, DamageWhereNothingWatchesIsNotReported) {
  EXPECT_TRUE(is_refuted(
      [] {
        Damage damage(500);
        damage.free(damage.victim());
        damage.send();
        Damage::flip(damage.victim()[draw::in_range(16, 500)]);
        RC_ASSERT(damage.shows_when_reused());
      },
      "shows_when_reused", 20));
}

}  // namespace
}  // namespace hakmem::test
