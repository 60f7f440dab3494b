/// Thread exit against everything: contexts are parked and adopted whole while others free into their slabs.

#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPark{"lockfree/bitmap_word.hpp", "set", kFetchOr};
constexpr Place kAdopt{"lockfree/bitmap_word.hpp", "take", kFetchAnd};
constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};
constexpr Place kSleep{"lockfree/remote_word.hpp", "try_sleep", kCompareExchange};

/// One thread hands a block over and exits; another starts and may adopt its context; a third frees the block.
struct ExitAgainstRemoteFree : WholeHeap {
  static constexpr unsigned kThreads = 3;
  void before() override {
    set_up();
    leaving = &attach();
    early = allocate(*leaving, 1);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      hand_over(allocate(*leaving, kHanded));
      free(*leaving, early, 1);
      return heap.detach(*leaving);
    }
    Context& context = attach();
    if (index == 1) {
      // Two, so that what the other thread has freed is needed, if the context is the one that was parked.
      void* first = allocate(context, 2);
      free(context, allocate(context, 3), 3);
      free(context, first, 2);
    } else if (void* block = receive()) {
      free(context, block, kHanded);
    }
    heap.detach(context);
  }
  Context* leaving = nullptr;
  void* early = nullptr;
};

const Registered exit_against_free{
    Suite::of<ExitAgainstRemoteFree>("heap/exit_against_remote_free",
                                     "I1 I2 I4 I5 I8: a context is parked and adopted while a block of it is freed")
        .quick({random(20'000), pct(3, 20'000)})
        .thorough({bound(1, 200), random(500'000, 200), pct(4, 300'000, 200)})
        .depth(20'000)
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")};

/// A full slab sleeps; its owner exits, and the thread that adopts the context finds what another has freed.
struct SleepingSlabIsInherited : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    Context& first = attach();
    blocks[0] = allocate(first, 10);
    blocks[1] = allocate(first, 11);
    blocks[2] = allocate(first, 12);  // of the next slab: the first one sleeps
    heap.detach(first);
  }
  void thread(unsigned index) override {
    Context& context = attach();
    if (index == 0) {
      free(context, blocks[0], 10);
      free(context, blocks[1], 11);
    } else {
      void* block = allocate(context, 13);
      free(context, blocks[2], 12);
      free(context, block, 13);
    }
    heap.detach(context);
  }
  void* blocks[3] = {};
};

const Registered sleeping_slab{
    Suite::of<SleepingSlabIsInherited>("heap/sleeping_slab_is_inherited",
                                       "I1 I2 I3 I4 I5 I8: frees wake a sleeping slab whose context changes hands")
        .quick({bound(1), random(20'000), pct(3, 20'000)})
        .thorough({bound(2, 200), random(500'000, 200), pct(4, 300'000, 200)})
        .depth(20'000)
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
