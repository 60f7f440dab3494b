/// The shared pool of slots: acquire in stages, release, retire, cache, map and unmap.

#include "superslab/shared_pool.hpp"

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kClaim{"lockfree/slot_word.hpp", "try_claim", kCompareExchange};
constexpr Place kReleaseSlots{"lockfree/slot_word.hpp", "release", kCompareExchange};
constexpr Place kCachePut{"lockfree/pointer_cache.hpp", "put", kCompareExchange};
constexpr Place kCacheTake{"lockfree/pointer_cache.hpp", "take", kExchange};
constexpr Place kNewGroup{"layout/descriptor_table.hpp", "ensure_group", kCompareExchange};
constexpr Place kFindGroup{"layout/descriptor_table.hpp", "find_group", kLoad};
constexpr Place kSetMark{"lockfree/bitmap_word.hpp", "set", kFetchOr};

/// A pool of its own; the holder of a slot writes to its first block.
struct PoolInUse : Scenario {
  using SlabT = Slab<ToyConfig>;

  void set_up() { backend.init(); }

  SlabT* acquire(unsigned size_class) {
    SlabT* slab = pool.acquire_live(map, size_class);
    if (slab == nullptr) slab = pool.acquire_fresh(backend, size_class);
    require(slab != nullptr, "I7 bounded: there is memory, but no slot");
    slab->size_class.set(static_cast<std::uint16_t>(size_class));
    payload_write(memory(slab), 1);
    require(map.find(memory(slab)) == slab, "the page map leads to the slab");
    return slab;
  }
  void release(SlabT* slab) {
    payload_write(memory(slab), 2);
    pool.release(backend, *slab);
  }
  /// Nothing is held: every SuperSlab is retired, and after a trim nothing is mapped (I8).
  void after() override {
    pool.superslabs().visit_all([](auto& superslab) {
      require(superslab.word.snapshot().retired(), "I8 reclaimed: nothing is held, but a slot is ACTIVE or EMPTY");
    });
    (void)pool.trim(backend);
    require(os.reservations() == 0, "I8 reclaimed: a SuperSlab stays mapped");
  }

  static void* memory(SlabT* slab) { return reinterpret_cast<void*>(slab->base.get()); }

  Backend<ToyConfig> backend;
  ToyConfig::Os& os = backend.os;
  PageMap<ToyConfig>& map = backend.map;
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
        .thorough({bound(2), random(500'000)})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))};

/// A slot is held, one UNUSED: two threads acquire and release, so one may need a second SuperSlab. Small enough for a
/// search to its end, as the system keeps the threads' memory apart.
struct ToTheEnd : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    held = acquire(0);
    os.keep_threads_apart();
  }
  void thread(unsigned index) override { release(acquire(index)); }
  void after() override {
    release(held);
    PoolInUse::after();
  }
  SlabT* held = nullptr;
};

const Registered to_the_end{
    Suite::of<ToTheEnd>("shared_pool/to_the_end",
                        "I1 I3 I4 I5 I8: two threads need slots of two SuperSlabs, in every execution")
        .quick({full()})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))};

/// A scenario in which the system keeps the threads' memory apart, so that more steps commute.
template <class Original>
struct Apart : Original {
  void before() override {
    Original::before();
    this->os.keep_threads_apart();
  }
};

const Registered across_apart{
    Suite::of<Apart<AcrossSuperSlabs>>("shared_pool/across_superslabs_to_the_end",
                                       "I1 I3 I4 I5 I8: two threads need slots of two SuperSlabs, one gives back three")
        .quick({full()})
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
        .near(9, 12)
        .quick({bound(0), random(60'000), pct(3, 60'000)})
        .thorough({bound(0), random(2'000'000), pct(4, 1'000'000)})
        .depth(6000)
        .broken("cache_put_does_not_release", weaken(kCachePut, kRelaxed))
        .as("DATA RACE")
        .broken("cache_take_does_not_acquire", weaken(kCacheTake, kRelaxed))
        .as("DATA RACE")
        .broken("group_is_not_acquired", weaken(kFindGroup, kRelaxed))
        .broken("group_is_not_released", weaken(kNewGroup, kRelaxed, kAcquire))};

/// The same with one slot for each thread.
struct OneFromNothing : FromNothing {
  void thread(unsigned index) override { release(acquire(index)); }
};

const Registered from_nothing_apart{
    Suite::of<Apart<OneFromNothing>>("shared_pool/from_nothing_to_the_end",
                                     "I1 I3 I4 I5 I8: two threads map, cache and give back, in every execution")
        .quick({full()})
        .depth(6000)
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
    if (word.snapshot().active() == 0) pool.superslabs().unmap(backend, *slab->superslab.get());
  }
};

const Registered last_slots{
    Suite::of<LastSlotsAgainstAcquire>("shared_pool/last_slots",
                                       "I1 I3 I4 I5 I8: the last slots of a SuperSlab are released against an acquire")
        .quick({bound(1), random(50'000)})
        .thorough({bound(2), random(1'000'000)})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("release_does_not_release", weaken(kReleaseSlots, kAcquire))
        .as("DATA RACE")
        .broken("release_is_not_atomic", split(kReleaseSlots))
        .broken<RetireInTwoSteps>("retire_in_two_steps", "retired after a second look at the word, not by its CAS")};

/// The same with an acquire that maps nothing.
struct LastSlotsAgainstLiveAcquire : LastSlotsAgainstAcquire {
  void thread(unsigned index) override {
    if (index < 2) return release(held[index]);
    SlabT* slab = pool.acquire_live(map, 1);
    if (slab == nullptr) return;
    payload_write(memory(slab), 3);
    release(slab);
  }
};

const Registered last_slots_apart{
    Suite::of<Apart<LastSlotsAgainstLiveAcquire>>(
        "shared_pool/last_slots_to_the_end",
        "I1 I3 I4 I5 I8: the last slots of a SuperSlab are released against a claim, in every execution")
        .quick({full()})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("release_does_not_release", weaken(kReleaseSlots, kAcquire))
        .as("DATA RACE")
        .broken("release_is_not_atomic", split(kReleaseSlots))};

/// Two SuperSlabs, each with a slot in use and one EMPTY, of two classes. Two threads want a slot of the first class:
/// one of them gets the slot that last held it, the other one that of the other class, and nothing is mapped.
struct ClassAffinity : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    SlabT* empty[2];
    for (unsigned i = 0; i < 2; ++i) {
      held[i] = acquire(i);
      empty[i] = acquire(i);
    }
    for (SlabT* slab : empty) release(slab);
  }
  void thread(unsigned index) override {
    SlabT* slab = pool.acquire_live(map, 0);
    require(slab != nullptr, "I7 bounded: there is an EMPTY slot for everybody, but one is not found");
    slab->size_class.set(0);
    taken[index] = slab;
  }
  void after() override {
    require(os.reservations() == 2, "I7 bounded: memory is mapped, though there are EMPTY slots");
    for (SlabT* slab : {taken[0], taken[1], held[0], held[1]}) release(slab);
    PoolInUse::after();
  }
  SlabT* held[2] = {};
  SlabT* taken[2] = {};
};

const Registered class_affinity{
    Suite::of<ClassAffinity>(
        "shared_pool/class_affinity",
        "I1 I3 I5 I7 I8: an EMPTY slot of the class, or of another, is found before memory is mapped")
        .quick({bound(1), random(30'000)})
        .thorough({bound(2), random(500'000)})
        .depth(6000)
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("hint_is_lost", lose(kSetMark))
        .as("I7")};

/// The list of a class has a slot of a SuperSlab whose last slot is given back, which is unmapped then; another thread
/// finds the entry, maps anew, perhaps at the same place and with the same descriptor.
struct LateHint : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    held = acquire(0);
    release(acquire(0));
  }
  void thread(unsigned index) override {
    if (index == 1) return release(acquire(0));
    release(held);
    (void)pool.trim(backend);
  }
  SlabT* held = nullptr;
};

/// Whoever finds the entry takes the slot for claimed.
struct HintIsTrusted : LateHint {
  void thread(unsigned index) override {
    if (index == 0) return LateHint::thread(0);
    payload_write(hinted, 3);
  }
  void before() override {
    LateHint::before();
    hinted = static_cast<char*>(memory(held)) + kSlotBytes<ToyGeometry>;
  }
  void* hinted = nullptr;
};

const Registered late_hint{
    Suite::of<LateHint>("shared_pool/late_hint",
                        "I1 I3 I4 I5 I8: an entry outlives its SuperSlab, which is unmapped and mapped anew")
        .quick({bound(1), random(30'000)})
        .thorough({bound(3), random(500'000)})
        .depth(6000)
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("release_does_not_release", weaken(kReleaseSlots, kAcquire))
        .as("DATA RACE")
        .broken<HintIsTrusted>("hint_is_trusted", "the slot of an entry is used without a claim on its word")};

const Registered late_hint_apart{
    Suite::of<Apart<LateHint>>("shared_pool/late_hint_to_the_end",
                               "I1 I3 I4 I5 I8: an entry outlives its SuperSlab, in every execution without reuse")
        .quick({full()})
        .depth(6000)
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("release_does_not_release", weaken(kReleaseSlots, kAcquire))
        .as("DATA RACE")
        .broken<Apart<HintIsTrusted>>("hint_is_trusted", "the slot of an entry is used without a claim on its word")};

/// A SuperSlab waits in the cache: one thread takes it into use again, another one gives back what is only cached.
struct ReuseAgainstTrim : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    release(acquire(0));
  }
  void thread(unsigned index) override {
    if (index == 1) {
      (void)pool.trim(backend);
      return;
    }
    release(acquire(0));
    release(acquire(1));
  }
};

/// What is only cached is looked at, not taken, before it is unmapped.
struct TrimsWithoutTaking : ReuseAgainstTrim {
  void thread(unsigned index) override {
    if (index == 0) return ReuseAgainstTrim::thread(0);
    pool.superslabs().visit_all([&](auto& superslab) {
      if (superslab.word.snapshot().retired()) pool.superslabs().unmap(backend, superslab);
    });
  }
};

const Registered reuse_against_trim{
    Suite::of<ReuseAgainstTrim>("shared_pool/reuse_against_trim",
                                "I1 I3 I4 I5 I8: a cached SuperSlab is used again or unmapped, never both")
        .quick({bound(1), random(30'000)})
        .thorough({bound(3), random(500'000)})
        .depth(6000)
        .broken("cache_put_does_not_release", weaken(kCachePut, kRelaxed))
        .as("DATA RACE")
        .broken("cache_take_is_not_atomic", split(kCacheTake))
        .broken<TrimsWithoutTaking>("trims_without_taking", "a retired SuperSlab is unmapped without being taken")};

const Registered reuse_against_trim_apart{
    Suite::of<Apart<ReuseAgainstTrim>>(
        "shared_pool/reuse_against_trim_to_the_end",
        "I1 I3 I4 I5 I8: a cached SuperSlab is used again or unmapped, in every execution")
        .quick({full()})
        .depth(6000)
        .broken("cache_put_does_not_release", weaken(kCachePut, kRelaxed))
        .as("DATA RACE")
        .broken("cache_take_is_not_atomic", split(kCacheTake))
        .broken<Apart<TrimsWithoutTaking>>("trims_without_taking",
                                           "a retired SuperSlab is unmapped without being taken")};

/// Of two threads that acquire and release one vanishes at any step: while it maps, claims, releases or retires. The
/// other goes on, and so does who comes after it.
struct HolderVanishes : PoolInUse {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    held = acquire(0);
    Faults::may_vanish(0b10);
  }
  void thread(unsigned index) override {
    release(acquire(index));
    if (index == 0) release(held);
  }
  void after() override {
    if (Faults::vanished() == 0) return PoolInUse::after();
    SlabT* first = acquire(0);
    SlabT* second = acquire(1);
    require(first != second, "I1 exclusive: a slot is held twice");
    release(first);
    release(second);
    (void)pool.trim(backend);
    require(os.reservations() <= 1, "I7 bounded: more is lost than what the vanished thread held");
  }
  SlabT* held = nullptr;
};

/// Slots are handed out under a lock.
struct PoolUnderALock : HolderVanishes {
  void thread(unsigned index) override {
    for (int free = 0; !locked.compare_exchange_strong(free, 1, kAcquire, kRelaxed); free = 0) RelacySync::pause();
    HolderVanishes::thread(index);
    locked.store(0, kRelease);
  }
  RelacySync::Atomic<int> locked{0};
};

/// A slot is given back in two steps, with a list of free slots as the truth: in between it is nowhere, for everybody.
struct OneTokenForAll : HolderVanishes {
  void before() override {
    HolderVanishes::before();
    token.store(1, kRelaxed);
  }
  void thread(unsigned index) override {
    for (int there = 1; !token.compare_exchange_strong(there, 0, kAcquire, kRelaxed); there = 1) RelacySync::pause();
    release(acquire(index));
    token.store(1, kRelease);
    if (index == 0) release(held);
  }
  RelacySync::Atomic<int> token{0};
};

const Registered holder_vanishes{
    Suite::of<HolderVanishes>("fork_image/shared_pool",
                              "I1 I5 I6 I7: a thread that acquires and releases vanishes at any step, one goes on")
        .quick({random(40'000), pct(3, 20'000)})
        .thorough({bound(0), random(1'000'000), pct(4, 500'000)})
        .depth(6000)
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken<PoolUnderALock>("lock_in_the_way", "slots are handed out under a spin lock")
        .as("LIVELOCK")
        .broken<OneTokenForAll>("token_is_lost", "a thread that vanishes takes the only token along")
        .as("LIVELOCK")};

}  // namespace

}  // namespace hakmem::model
