/// Whole heaps in which a thread vanishes at any of its steps, as all but one do in the child of a fork.

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};
constexpr Place kPark{"lockfree/bitmap_word.hpp", "set", kFetchOr};

/// Each of two threads has a block of the other's. The second one may vanish while it frees, allocates, hands over or
/// exits; the first one goes on.
struct VanishesInHeap : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    for (unsigned i = 0; i < 2; ++i) {
      contexts[i] = &attach();
      blocks[i] = allocate(*contexts[i], i);
    }
    Faults::may_vanish(0b10);
  }
  void thread(unsigned index) override {
    Context& context = *contexts[index];
    free(context, blocks[1 - index], 1 - index);
    if (index == 1) {
      hand_over(allocate(context, kHanded));
    } else {
      void* block = allocate(context, 2);
      if (void* received = receive()) free(context, received, kHanded);
      free(context, block, 2);
    }
    heap.detach(context);
  }
  Context* contexts[2] = {};
  void* blocks[2] = {};
};

/// The whole heap is behind one lock, which nobody opens for the child.
struct BehindALock : VanishesInHeap {
  void thread(unsigned index) override {
    while (locked.exchange(1, kAcquire) != 0) RelacySync::pause();
    VanishesInHeap::thread(index);
    locked.store(0, kRelease);
  }
  RelacySync::Atomic<int> locked{0};
};

const Registered vanishes_in_heap{
    Suite::of<VanishesInHeap>("fork_image/heap",
                              "I1 I5 I6 I7: a thread of a whole heap vanishes at any step, the other goes on")
        .quick({bound(0), random(20'000), pct(3, 10'000)})
        .thorough({bound(1), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken<BehindALock>("lock_in_the_way", "the heap is behind a lock without fork handlers")
        .as("LIVELOCK")};

/// One thread forks while another one is anywhere in its program. The child has all blocks that were out, and frees
/// what its own thread and the other one had.
struct Child : VanishesInHeap {
  void before() override {
    VanishesInHeap::before();
    Faults::may_vanish(0);
  }
  void thread(unsigned index) override {
    if (index == 1) return VanishesInHeap::thread(1);
    Context& context = *contexts[0];
    Faults::fork();
    free(context, blocks[1], 1);
    void* block = allocate(context, 2);
    free(context, block, 2);
    heap.detach(context);
  }
};

/// The lock that another thread had at the fork stays closed.
struct ChildFindsALock : BehindALock {
  void before() override {
    BehindALock::before();
    Faults::may_vanish(0);
  }
  void thread(unsigned index) override {
    if (index == 0) Faults::fork();
    BehindALock::thread(index);
  }
};

const Registered child{
    Suite::of<Child>("fork_image/child", "I1 I5 I6 I7: the child of a fork at any moment allocates, frees and exits")
        .not_by_graphs("a fork stops the others at one moment, and a graph has no moments")
        .quick({full(), bound(1), random(10'000)})
        .depth(20'000)
        .broken<ChildFindsALock>("lock_in_the_way", "the heap is behind a lock without fork handlers")
        .as("LIVELOCK")
        .broken("park_does_nothing", lose(kPark))};

}  // namespace

}  // namespace hakmem::model
