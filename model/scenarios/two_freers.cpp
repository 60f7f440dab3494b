/// Whole heaps with three threads: an owner, and two others that free its blocks.

#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};
constexpr Place kPark{"lockfree/bitmap_word.hpp", "set", kFetchOr};
constexpr Place kAdopt{"lockfree/bitmap_word.hpp", "take", kFetchAnd};

/// Both blocks of a slab are out. Two threads free one each; the owner needs a block, so its slab falls asleep or it finds
/// what has come back, and one of the two wakes the slab or none does.
struct TwoFreers : WholeHeap {
  static constexpr unsigned kThreads = 3;
  void before() override {
    set_up();
    owner = &attach();
    for (unsigned i = 0; i < 2; ++i) blocks[i] = allocate(*owner, 10 + i);
    for (Context*& freer : freers) freer = &attach();
  }
  void thread(unsigned index) override {
    if (index == 0) return work();
    Context& mine = *freers[index - 1];
    free(mine, blocks[index - 1], 9 + index);
  }
  virtual void work() { free(*owner, allocate(*owner, 1), 1); }
  void after() override {
    for (Context* context : {owner, freers[0], freers[1]}) heap.detach(*context);
    WholeHeap::after();
  }

  Context* owner = nullptr;
  Context* freers[2] = {};
  void* blocks[2] = {};
};

/// What a thread has taken up of others' frees is forgotten.
struct ForgetsWhatCameBack : TwoFreers {
  void work() override {
    Slab<ToyConfig>* const slab = heap.page_map().find(blocks[0]);
    (void)slab->remote.take_all(slab->base.get());
    TwoFreers::work();
  }
};

const Registered two_freers{
    Suite::of<TwoFreers>("heap/two_freers",
                         "I1 I2 I3 I4 I5 I8: two threads free into a slab that is about to fall asleep")
        .quick({random(15'000), pct(3, 10'000)})
        .thorough({bound(0), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken<ForgetsWhatCameBack>("what_came_back_is_forgotten",
                                     "an owner takes what others have freed, and drops it")
        .as("I8")};

/// The owner of a sleeping slab exits while two threads free a block of it each: one of them wakes it, and posts it to a
/// context that is parked by then or is not. One of the two exits as well; the next thread may adopt the owner's context.
struct ExitAgainstTwoFreers : TwoFreers {
  void before() override {
    TwoFreers::before();
    last = allocate(*owner, 12);  // of the next slab: the first one sleeps
  }
  void work() override {
    free(*owner, last, 12);
    heap.detach(*owner);
  }
  void thread(unsigned index) override {
    TwoFreers::thread(index);
    if (index != 2) return;
    heap.detach(*freers[1]);
    Context& next = attach();
    free(next, allocate(next, 2), 2);
    heap.detach(next);
  }
  void after() override {
    heap.detach(*freers[0]);
    WholeHeap::after();
  }
  void* last = nullptr;
};

const Registered exit_against_two{
    Suite::of<ExitAgainstTwoFreers>("heap/exit_against_two_freers",
                                    "I1 I2 I3 I4 I5 I8: a thread exits while two others free into its sleeping slab")
        .quick({random(15'000), pct(3, 10'000)})
        .thorough({bound(0), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
