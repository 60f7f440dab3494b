/// Slabs of a thread that does nothing: others free them to the last block, and whoever needs memory takes them over.

#include "diagnostics/heap_walk.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kSleep{"lockfree/remote_word.hpp", "try_sleep", kCompareExchange};
constexpr Place kTakePosts{"lockfree/bitmap_word.hpp", "take", kFetchAnd};
constexpr Place kGiveBackPosts{"lockfree/bitmap_word.hpp", "set", kFetchOr};

/// An owner with a full slab of two blocks, which is about to fall asleep. One thread frees both and gives memory back,
/// before the last block and after it; the owner goes on meanwhile.
struct IdleOwner : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    owner = &attach();
    for (unsigned i = 0; i < out_before(); ++i) blocks[i] = allocate(*owner, 10 + i);
    other = &attach();
  }
  void thread(unsigned index) override {
    if (index == 0) {
      for (unsigned i = 0; i < 2; ++i) {
        free(*other, blocks[i], 10 + i);
        reclaim();
      }
      return heap.detach(*other);
    }
    free(*owner, allocate(*owner, 1), 1);  // the slab falls asleep
    heap.detach(*owner);
  }
  virtual unsigned out_before() { return 2; }
  virtual void reclaim() { (void)heap.trim(*other); }

  Context* owner = nullptr;
  Context* other = nullptr;
  void* blocks[3] = {};  ///< for the third the slab falls asleep
};

/// What is in an inbox is given back, whether or not its blocks are all there.
template <class Base>
struct TakesWhatItFinds : Base {
  void reclaim() override {
    Base::heap.contexts().visit_posts([&](typename Base::Context& context) {
      for (Slab<ToyConfig>* slab = context.inbox.collect(); slab != nullptr;) {
        Slab<ToyConfig>* next = slab->inbox_next.get();
        (void)slab->remote.take_all(slab->base.get());
        SlabOps<ToyConfig>::unmake(*slab);
        Base::heap.pool().release(Base::heap.backend(), *slab);
        slab = next;
      }
    });
  }
};

const Registered idle_owner{
    Suite::of<IdleOwner>("heap/idle_owner",
                         "I1 I2 I3 I4 I5 I8: a slab that others have freed is taken over while its owner works on")
        .quick({random(15'000), pct(3, 10'000)})
        .thorough({bound(0), random(1'000'000), pct(4, 500'000)})
        .quick_without_failures()
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("sleep_does_not_release", weaken(kSleep, kRelaxed))
        .as("DATA RACE")
        .broken<TakesWhatItFinds<IdleOwner>>("takes_what_it_finds",
                                             "a slab is taken over whose blocks are not all back")};

/// Two threads take over at the same time, one of them between the two frees; the owner does nothing until all is over.
struct TwoTakeOver : IdleOwner {
  unsigned out_before() override { return 3; }
  void thread(unsigned index) override {
    if (index == 0) {
      free(*other, blocks[0], 10);
      reclaim();
      free(*other, blocks[1], 11);
      return heap.detach(*other);
    }
    Context& third = attach();
    (void)heap.trim(third);
    heap.detach(third);
  }
  void after() override {
    Context& last = attach();
    (void)heap.trim(last);
    unsigned active = 0;
    heap.pool().superslabs().visit_all(
        [&](auto& superslab) { active += static_cast<unsigned>(std::popcount(superslab.word.snapshot().active())); });
    require(active == 1, "I8 reclaimed: an idle owner's slab that others have freed is still in use");
    heap.detach(last);
    free(*owner, blocks[2], 12);
    heap.detach(*owner);
    IdleOwner::after();
  }
};

const Registered two_take_over{
    Suite::of<TwoTakeOver>("heap/idle_owner_and_two", "I1 I2 I3 I4 I8: two threads take over what an idle owner has")
        .quick({bound(0), random(15'000)})
        .thorough({bound(1), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("take_is_not_atomic", split(kTakePosts))
        .broken<TakesWhatItFinds<TwoTakeOver>>("takes_what_it_finds",
                                               "a slab is taken over whose blocks are not all back")};

/// The owner walks through the heap, which reads its own slabs in full, while another thread takes one of them over.
struct WalkOfAnIdleOwner : IdleOwner {
  unsigned out_before() override { return 3; }
  void thread(unsigned index) override {
    if (index == 0) {
      for (unsigned i = 0; i < 2; ++i) free(*other, blocks[i], 10 + i);
      reclaim();
      return heap.detach(*other);
    }
    (void)HeapWalk(heap, *owner).visit([](const Region& region) {
      require(region.out <= region.used || region.kind == RegionKind::kSuperSlab,
              "I2 conserved: more is out than was cut");
      return 0;
    });
    free(*owner, blocks[2], 12);
    heap.detach(*owner);
  }
};

const Registered walk_of_an_idle_owner{
    Suite::of<WalkOfAnIdleOwner>("heap/walk_of_an_idle_owner",
                                 "I4 I5: an owner reads its slabs in full while another thread takes one of them over")
        .quick({bound(0), random(15'000)})
        .thorough({bound(1), random(500'000)})
        .depth(20'000)
        .broken("posts_are_not_acquired", weaken(kTakePosts, kRelaxed))
        .as("DATA RACE")
        .broken("posts_are_not_released", weaken(kGiveBackPosts, kRelaxed))
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
