/// Giving back the memory of EMPTY slots, while others claim and release.

#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kClaim{"lockfree/slot_word.hpp", "try_claim", kCompareExchange};
constexpr Place kRelease{"lockfree/slot_word.hpp", "release", kCompareExchange};

/// A word of two slots, one EMPTY, one ACTIVE; who holds a slot writes to its memory, and to give memory back is a
/// write to it.
struct Discard : Scenario {
  static constexpr unsigned kThreads = 2;
  using Word = SlotWord<RelacySync, 2>;

  void before() override {
    word.activate(2);
    (void)word.release(0, 1);
  }
  void thread(unsigned index) override { index == 0 ? trim() : use(); }
  /// Whoever comes last retires, and only that one.
  void after() override {
    require(retirements == 1, "I3 exactly once: not one retirement");
    require(word.snapshot().retired(), "I8 reclaimed: all is free, nothing retired");
  }

  void trim() {
    const std::uint32_t mask = word.claim_empty();
    if (mask == 0) return;
    for (unsigned slot = 0; slot < 2; ++slot) {
      if ((mask >> slot & 1) != 0) memory[slot].set(0);
    }
    leave(word.discard(mask));
  }
  void use() {
    if (const int slot = word.claim_run(1, SlotChoice::kEmpty); slot >= 0) {
      memory[slot].set(1);
      leave(word.release(static_cast<unsigned>(slot), 1));
    }
    memory[1].set(1);
    leave(word.release(1, 1));
  }
  void leave(Word::Released released) {
    if (!released.retired) return;
    ++retirements;
    for (auto& slot : memory) slot.set(2);
  }

  Word word;
  RelacySync::Plain<unsigned> memory[2];
  unsigned retirements = 0;
};

const Registered discard{
    Suite::of<Discard>("trim/discard",
                       "I1 I3 I5 I8: EMPTY slots are claimed at once, decommitted and given back UNUSED")
        .quick({full()})
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("release_does_not_release", weaken(kRelease, kAcquire))
        .as("DATA RACE")
        .broken("release_is_not_atomic", split(kRelease))};

/// A pool with a SuperSlab of one EMPTY and one ACTIVE slot: one thread trims, another acquires, uses and releases.
struct TrimAgainstUse : Scenario {
  static constexpr unsigned kThreads = 2;
  using SlabT = Slab<ToyConfig>;

  void before() override {
    backend.init();
    SlabT* first = acquire();
    held = acquire();
    release(first);
  }
  void thread(unsigned index) override {
    if (index == 0) return (void)pool.trim(backend);
    release(acquire());
    release(held);
  }
  void after() override {
    (void)pool.trim(backend);
    require(os.reservations() == 0, "I8 reclaimed: a SuperSlab stays mapped");
  }

  SlabT* acquire() {
    SlabT* slab = pool.acquire_live(map, 0);
    if (slab == nullptr) slab = pool.acquire_fresh(backend, 0);
    require(slab != nullptr, "I7 bounded: there is memory, but no slot");
    slab->size_class.set(0);
    write(slab, 1);
    return slab;
  }
  void release(SlabT* slab) {
    write(slab, 2);
    pool.release(backend, *slab);
  }
  static void write(SlabT* slab, unsigned value) { payload_write(reinterpret_cast<void*>(slab->base.get()), value); }

  Backend<ToyConfig> backend;
  ToyConfig::Os& os = backend.os;
  PageMap<ToyConfig>& map = backend.map;
  SharedPool<ToyConfig> pool;
  SlabT* held = nullptr;
};

const Registered trim_against_use{
    Suite::of<TrimAgainstUse>(
        "trim/against_use",
        "I1 I4 I8: memory is given back only of slots that nobody uses, and every slot stays findable")
        .quick({bound(1), random(30'000)})
        .thorough({bound(2), random(500'000)})
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))};

}  // namespace

}  // namespace hakmem::model
