/// Thread exit against everything: contexts are parked and adopted whole while others free into their slabs.

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPark{"lockfree/bitmap_word.hpp", "set", kFetchOr};
constexpr Place kAdopt{"lockfree/bitmap_word.hpp", "take", kFetchAnd};
constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};

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
        .thorough({bound(1), random(500'000), pct(4, 300'000)})
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
        .quick({bound(1), random(20'000), pct(3, 150'000)})
        .thorough({bound(2), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")};

/// A thread exits between any two of its operations; what it still has goes to another one.
struct ExitsAnywhere : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    leaving = &attach();
  }
  void thread(unsigned index) override {
    if (index == 0) {
      work_and_leave();
      return heap.detach(*leaving);
    }
    Context& context = attach();
    void* block = allocate(context, 2);
    if (void* received = receive()) free(context, received, kHanded);
    free(context, block, 2);
    heap.detach(context);
  }
  void work_and_leave() {
    constexpr const char* kExits = "[THREAD EXITS HERE]";
    if (Faults::happens(kExits)) return;
    hand_over(allocate(*leaving, kHanded));
    if (Faults::happens(kExits)) return;
    void* block = allocate(*leaving, 1);
    free(*leaving, block, 1);
  }
  Context* leaving = nullptr;
};

/// The thread goes on with its context after it has exited.
struct LivesOn : ExitsAnywhere {
  void thread(unsigned index) override {
    if (index == 1) return ExitsAnywhere::thread(1);
    work_and_leave();
    heap.detach(*leaving);
    free(*leaving, allocate(*leaving, 3), 3);
  }
};

const Registered exits_anywhere{
    Suite::of<ExitsAnywhere>("heap/exits_anywhere",
                             "I1 I2 I4 I5 I8: a thread exits between any two operations, another adopts its context")
        .near(9, 12)
        .quick({bound(0), random(15'000)})
        .thorough({bound(1), random(500'000)})
        .depth(20'000)
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")
        .broken<LivesOn>("lives_on", "the thread uses its context after it was parked")};

/// A destructor that runs after the thread's context was parked frees a block, past every context, while another thread
/// adopts that context and works with the block's slab.
struct LateFree : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    leaving = &attach();
    for (void*& block : blocks) block = allocate(*leaving, 1);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      heap.detach(*leaving);
      for (void* block : blocks) free(stand_in, block, 1);
      return;
    }
    Context& context = attach();
    void* first = allocate(context, 2);
    free(context, allocate(context, 3), 3);
    free(context, first, 2);
    heap.detach(context);
  }
  Context stand_in;
  Context* leaving = nullptr;
  void* blocks[2] = {};
};

/// The late free goes through the context that is no longer the thread's.
struct LateFreeByContext : LateFree {
  void thread(unsigned index) override {
    if (index == 1) return LateFree::thread(1);
    heap.detach(*leaving);
    for (void* block : blocks) free(*leaving, block, 1);
  }
};

const Registered late_free{
    Suite::of<LateFree>("heap/late_free", "I1 I2 I4 I5 I8: blocks are freed after their thread's context was parked")
        .quick({bound(1), random(15'000), pct(3, 10'000)})
        .thorough({bound(2), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken<LateFreeByContext>("by_the_parked_context", "the late free uses the context that was parked")};

/// Blocks of a parked context come back from one thread, a second one takes that up to give memory back, a third one
/// adopts the context.
struct Scavenge : WholeHeap {
  static constexpr unsigned kThreads = 3;
  void before() override {
    set_up();
    Context& parked = attach();
    for (void*& block : blocks) block = allocate(parked, 1);  // the first slab is full and sleeps
    for (Context*& context : contexts) context = &attach();
    heap.detach(parked);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      (void)heap.trim(*contexts[0]);
      return heap.detach(*contexts[0]);
    }
    if (index == 1) {
      for (void* block : blocks) free(*contexts[1], block, 1);
      return heap.detach(*contexts[1]);
    }
    Context& context = attach();
    free(context, allocate(context, 2), 2);
    heap.detach(context);
  }
  Context* contexts[2] = {};
  void* blocks[3] = {};
};

/// The scavenger works on whatever context is there, without taking it.
struct ScavengesUninvited : Scavenge {
  void thread(unsigned index) override {
    if (index != 0) return Scavenge::thread(index);
    heap.contexts().visit_all([&](Context& context) { (void)heap.trim(context); });
    heap.detach(*contexts[0]);
  }
};

const Registered scavenge{
    Suite::of<Scavenge>("heap/scavenge",
                        "I1 I2 I3 I4 I5 I8: a parked context is scavenged, freed into and adopted at the same time")
        .near(7, 9)
        .quick({random(15'000), pct(3, 10'000)})
        .thorough({bound(0), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")
        .broken("adopt_is_not_atomic", split(kAdopt))
        .broken<ScavengesUninvited>("without_the_token", "a context is scavenged that its thread still uses")};

/// Nothing is there yet but an empty page map of two levels: the first threads make contexts, tables and leaves at the
/// same time, while one asks about an address that nobody has given it.
struct FirstUse : WholeHeap {
  static constexpr unsigned kThreads = 3;
  void before() override { heap.init(); }
  void thread(unsigned index) override {
    if (index == 2) {
      (void)heap.owns(reinterpret_cast<void*>(ToyConfig::Os::address_base()));
      return;
    }
    Context& context = attach();
    void* block = allocate(context, index);
    require(heap.owns(block), "the page map leads from a block to its slab");
    free(context, block, index);
    heap.detach(context);
  }
};

const Registered first_use{
    Suite::of<FirstUse>("heap/first_use",
                        "I1 I2 I5 I8: first contexts, descriptors, leaves and mappings are made at the same time")
        .near(7, 9)
        .quick({random(15'000), pct(3, 10'000)})
        .thorough({bound(0), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("leaf_is_not_released", weaken({"layout/page_map.hpp", "ensure_leaf", kCompareExchange}, kRelaxed))
        .broken("group_is_not_released",
                weaken({"layout/descriptor_table.hpp", "ensure_group", kCompareExchange}, kRelaxed, kAcquire))
        .broken("group_is_made_twice", split({"layout/descriptor_table.hpp", "ensure_group", kCompareExchange}))
        .broken("descriptor_is_given_twice", split({"layout/descriptor_table.hpp", "append", kCompareExchange}))};

}  // namespace

}  // namespace hakmem::model
