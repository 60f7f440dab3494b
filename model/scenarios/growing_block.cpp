/// A block that has a slab to itself grows into the slots behind it, while others want these slots, or free it.

#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kClaim{"lockfree/slot_word.hpp", "try_claim", kCompareExchange};
constexpr Place kReleaseSlots{"lockfree/slot_word.hpp", "release", kCompareExchange};
constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};

/// Blocks of one slot and of two, which are a whole SuperSlab.
struct GrowingGeometry : ToyGeometry {
  static constexpr std::size_t kLargeMax = std::size_t{2} << kSlotShift;
};
constexpr std::size_t kOneSlot = std::size_t{1} << GrowingGeometry::kSlotShift;
using GrowingConfig = Config<RelacySync, SimulatedOs<11>, GrowingGeometry>;
static_assert(SizeClass<GrowingGeometry>::layout(SizeClass<GrowingGeometry>::of(kOneSlot)).capacity == 1);

struct GrowingBlock : WholeHeapOf<GrowingConfig, kOneSlot> {
  void before() override {
    set_up();
    owner = &attach();
    block = allocate(*owner, 10);
    other = &attach();
  }

  /// The owner's block of one slot becomes one of two, with its contents, and both slots are written to.
  void grow() {
    void* grown = heap.reallocate(*owner, block, 2 * kOneSlot);
    require(grown != nullptr, "there is memory");
    // What is copied elsewhere is copied by the C library, which the model does not see.
    if (grown != block) payload_write(grown, 10);
    require(payload_read(grown) == 10, "I5 visible: a block that grew has lost its contents");
    payload_write(static_cast<char*>(grown) + kOneSlot, 11);
    block = grown;
  }

  Context* owner = nullptr;
  Context* other = nullptr;
  void* block = nullptr;
};

/// Another thread takes the slot behind the block, or comes too late, and gives it back.
struct GrowsAgainstAcquire : GrowingBlock {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      grow();
      free(*owner, block, 10);
      return heap.detach(*owner);
    }
    void* mine = allocate(*other, 20);
    free(*other, mine, 20);
    heap.detach(*other);
  }
};

const Registered grows_against_acquire{
    Suite::of<GrowsAgainstAcquire>("heap/grows_against_acquire",
                                   "I1 I3 I4 I5 I8: a block grows into a slot that another thread wants")
        .quick({bound(0), random(15'000)})
        .thorough({bound(1), random(500'000)})
        .depth(20'000)
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("release_is_not_atomic", split(kReleaseSlots))};

/// The grown block is freed by another thread, while its owner goes on.
struct GrownBlockIsFreedByAnother : GrowingBlock {
  static constexpr unsigned kThreads = 2;
  void before() override {
    GrowingBlock::before();
    grow();
  }
  void thread(unsigned index) override {
    if (index == 0) {
      (void)heap.trim(*owner);
      free(*owner, allocate(*owner, 1), 1);  // where the grown block was, if that is back
      return heap.detach(*owner);
    }
    free(*other, block, 10);
    heap.detach(*other);
  }
};

const Registered grown_block_is_freed_by_another{
    Suite::of<GrownBlockIsFreedByAnother>("heap/grown_block_is_freed_by_another",
                                          "I1 I2 I3 I4 I5 I8: a block that grew goes back whole, whoever frees it")
        .quick({bound(0), random(15'000)})
        .thorough({bound(1), random(500'000)})
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
