/// The shared pool of slots: acquire in stages, release, retire, cache, map and unmap.

#include "superslab/shared_pool.hpp"

#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kClaim{"lockfree/slot_word.hpp", "try_claim", kCompareExchange};
constexpr Place kReleaseSlots{"lockfree/slot_word.hpp", "release", kCompareExchange};
constexpr Place kCachePut{"lockfree/slot_cache.hpp", "put", kCompareExchange};
constexpr Place kCacheTake{"lockfree/slot_cache.hpp", "take", kExchange};
constexpr Place kNewGroup{"layout/descriptor_table.hpp", "ensure_group", kCompareExchange};
constexpr Place kFindGroup{"layout/descriptor_table.hpp", "find_group", kLoad};
constexpr Place kSetMark{"lockfree/bitmap_word.hpp", "set", kFetchOr};

/// A pool of its own; the holder of a slot writes to its first block.
struct PoolInUse : Scenario {
  using SlabT = Slab<ToyConfig>;

  void set_up() { require(map.init(os), "the page map fits"); }

  SlabT* acquire(unsigned size_class) {
    SlabT* slab = pool.acquire_live(map, size_class);
    if (slab == nullptr) slab = pool.acquire_fresh(os, map, size_class);
    require(slab != nullptr, "I7 bounded: there is memory, but no slot");
    slab->size_class.set(static_cast<std::uint16_t>(size_class));
    payload_write(memory(slab), 1);
    require(map.find(memory(slab)) == slab, "the page map leads to the slab");
    return slab;
  }
  void release(SlabT* slab) {
    payload_write(memory(slab), 2);
    pool.release(os, map, *slab);
  }
  /// Nothing is held: every SuperSlab is retired, and after a trim nothing is mapped (I8).
  void after() override {
    pool.superslabs().visit_all([](auto& superslab) {
      require(superslab.word.snapshot().retired(), "I8 reclaimed: nothing is held, but a slot is ACTIVE or EMPTY");
    });
    (void)pool.trim(os, map);
    require(os.reservations() == 0, "I8 reclaimed: a SuperSlab stays mapped");
  }

  static void* memory(SlabT* slab) { return reinterpret_cast<void*>(slab->base.get()); }

  ToyConfig::Os os;
  PageMap<ToyConfig> map;
  SharedPool<ToyConfig> pool;
};

/// One slot of the first SuperSlab is held and one is UNUSED: two threads acquire, so one of them needs a second
/// SuperSlab; then everything goes back.
struct AcrossSuperSlabs : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    held = acquire(0);
  }
  void thread(unsigned index) override {
    // Two holders of one slot would write to its block at the same time: a data race (I1).
    release(acquire(index));
    if (index == 0) release(held);
  }
  SlabT* held = nullptr;
};

const Registered across_superslabs{
    Suite::of<AcrossSuperSlabs>("shared_pool/across_superslabs",
                                "I1 I3 I4 I5 I8: two threads need slots of two SuperSlabs and give them back")
        .quick({bound(1), random(30'000)})
        .thorough({bound(2, 250), random(500'000)})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))};

/// Each thread acquires slots of two classes and gives them back, from nothing: the first mappings, the cache, reuse.
struct FromNothing : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override { set_up(); }
  void thread(unsigned index) override {
    SlabT* first = acquire(index);
    SlabT* second = acquire(0);
    require(first != second, "I1 exclusive: a slot is held twice");
    release(first);
    release(second);
  }
};

const Registered from_nothing{
    Suite::of<FromNothing>("shared_pool/from_nothing", "I1 I3 I4 I5 I8: two threads map, fill, empty, cache and reuse")
        .quick({random(60'000), pct(3, 60'000)})
        .thorough({random(2'000'000, 250), pct(4, 1'000'000, 250)})
        .depth(6000)
        .broken("cache_put_does_not_release", weaken(kCachePut, kRelaxed))
        .as("DATA RACE")
        .broken("cache_take_does_not_acquire", weaken(kCacheTake, kRelaxed))
        .as("DATA RACE")
        .broken("group_is_not_acquired", weaken(kFindGroup, kRelaxed))
        .broken("group_is_not_released", weaken(kNewGroup, kRelaxed, kAcquire))};

/// A full SuperSlab loses both its slots to two threads, while a third looks for one: stage 1, 1b or 3, and exactly one
/// thread retires.
struct LastSlotsAgainstAcquire : PoolInUse {
  static constexpr unsigned kThreads = 3;
  void before() override {
    set_up();
    held[0] = acquire(0);
    held[1] = acquire(1);
  }
  void thread(unsigned index) override { release(index < 2 ? held[index] : acquire(1)); }
  SlabT* held[2] = {};
};

/// The releaser looks at the word again to see whether it was the last: two may think so, or one while a slot is
/// ACTIVE.
struct RetireInTwoSteps : LastSlotsAgainstAcquire {
  void thread(unsigned index) override {
    if (index == 2) return release(acquire(1));
    SlabT* slab = held[index];
    auto& word = slab->superslab.get()->word;
    payload_write(memory(slab), 2);
    (void)word.release(slab->slot.get(), 1);
    if (word.snapshot().active() == 0) pool.superslabs().unmap(os, map, *slab->superslab.get());
  }
};

const Registered last_slots{
    Suite::of<LastSlotsAgainstAcquire>("shared_pool/last_slots",
                                       "I1 I3 I4 I5 I8: the last slots of a SuperSlab are released against an acquire")
        .quick({bound(1), random(50'000)})
        .thorough({bound(2, 250), random(1'000'000)})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("release_does_not_release", weaken(kReleaseSlots, kAcquire))
        .as("DATA RACE")
        .broken("release_is_not_atomic", split(kReleaseSlots))
        .broken<RetireInTwoSteps>("retire_in_two_steps", "retired after a second look at the word, not by its CAS")};

/// Two threads need descriptors, of groups that do not exist yet, and pass them on as tokens.
struct Descriptors : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    SuperSlab<ToyConfig>* made = table.append(os);
    require(made != nullptr, "there is memory");
    made->base.set(index);
    table.set_mark(0, made->index.get());
    if (SuperSlab<ToyConfig>* taken = table.take_marked(0)) {
      taken->base.set(taken->base.get() + 2);
      table.set_mark(0, taken->index.get());
    }
  }
  void after() override {
    require(table.take_marked(0) != table.take_marked(0), "I1 exclusive: a descriptor is out twice");
    require(table.take_marked(0) == nullptr, "I2 conserved: there are more descriptors than were made");
  }
  ToyConfig::Os os;
  DescriptorTable<ToyConfig, SuperSlab<ToyConfig>, 1> table;
};

const Registered descriptors{
    Suite::of<Descriptors>("descriptor_table/append_and_pass", "I1 I2 I5: descriptors are made and passed on as tokens")
        .quick({bound(2), random(20'000)})
        .thorough({bound(4, 200), random(500'000)})
        .depth(6000)
        .broken("mark_is_not_released", weaken(kSetMark, kRelaxed))
        .as("DATA RACE")
        .broken("mark_is_not_acquired", weaken({"lockfree/bitmap_word.hpp", "take", kFetchAnd}, kRelaxed))
        .as("DATA RACE")
        .broken("loser_does_not_acquire", weaken(kNewGroup, kRelease, kRelaxed))
        .broken("group_is_not_acquired", weaken(kFindGroup, kRelaxed))};

}  // namespace

}  // namespace hakmem::model
