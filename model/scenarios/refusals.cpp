/// The system refuses memory at any call: for a SuperSlab, for descriptors, for a thread's context.

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"
#include "superslab/shared_pool.hpp"

namespace hakmem::model {

namespace {

constexpr Place kClaim{"lockfree/slot_word.hpp", "try_claim", kCompareExchange};
constexpr Place kPark{"lockfree/bitmap_word.hpp", "set", kFetchOr};
constexpr Place kAdopt{"lockfree/bitmap_word.hpp", "take", kFetchAnd};

/// Two threads acquire and release slots, of a pool that has nothing yet; one call of the system fails.
struct PoolIsRefused : Scenario {
  static constexpr unsigned kThreads = 2;
  using SlabT = Slab<ToyConfig>;

  void before() override {
    backend.init();
    os.may_fail(1);
  }
  void thread(unsigned index) override {
    for (unsigned i = index; i < 2; ++i) {
      if (SlabT* slab = acquire(i)) release(slab);
    }
  }
  /// A refusal loses nothing: with memory at hand again everything works, and is given back (I2, I8).
  void after() override {
    os.may_fail(0);
    SlabT* slab = acquire(0);
    require(slab != nullptr, "I2 conserved: there is memory again, but no slot");
    release(slab);
    (void)pool.trim(backend);
    require(os.reservations() == 0, "I8 reclaimed: a SuperSlab stays mapped");
  }

  virtual SlabT* acquire(unsigned size_class) {
    SlabT* slab = pool.acquire_live(map, size_class);
    if (slab == nullptr) slab = pool.acquire_fresh(backend, size_class);
    if (slab == nullptr) return nullptr;
    slab->size_class.set(static_cast<std::uint16_t>(size_class));
    payload_write(reinterpret_cast<void*>(slab->base.get()), 1);
    return slab;
  }
  void release(SlabT* slab) {
    payload_write(reinterpret_cast<void*>(slab->base.get()), 2);
    pool.release(backend, *slab);
  }

  Backend<ToyConfig> backend;
  ToyConfig::Os& os = backend.os;
  PageMap<ToyConfig>& map = backend.map;
  SharedPool<ToyConfig> pool;
};

/// Memory that has been mapped is forgotten when there is no descriptor for it.
struct ForgetsMapping : PoolIsRefused {
  SlabT* acquire(unsigned size_class) override {
    constexpr std::size_t kBytes = kSuperSlabBytes<ToyGeometry>;
    void* memory = os.reserve(kBytes, kBytes);
    if (memory == nullptr || os.metadata<SuperSlab<ToyConfig>>(1) == nullptr) return nullptr;
    os.release(memory, kBytes);
    return PoolIsRefused::acquire(size_class);
  }
};

/// A refusal is not expected.
struct ExpectsMemory : PoolIsRefused {
  SlabT* acquire(unsigned size_class) override {
    SlabT* slab = PoolIsRefused::acquire(size_class);
    require(slab != nullptr, "a null slab is used");
    return slab;
  }
};

const Registered pool_is_refused{
    Suite::of<PoolIsRefused>("refusals/shared_pool",
                             "I1 I2 I8: mappings and descriptors are refused at any call, and nothing is lost")
        .quick({random(20'000), pct(3, 10'000)})
        .thorough({bound(0), random(500'000)})
        .quick_without_failures()
        .depth(6000)
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken<ForgetsMapping>("mapping_is_forgotten", "memory without a descriptor is not given back")
        .as("I8")
        .broken<ExpectsMemory>("refusal_is_unexpected", "the caller takes the slab for granted")
        .as("null slab")};

/// Threads start, allocate, hand over and exit, while the system refuses contexts and memory at any call.
struct HeapIsRefused : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    heap.os().may_fail(2);
  }
  void thread(unsigned index) override {
    // A thread without a context has failed to start, as far as the heap is concerned.
    Context* context = heap.attach();
    if (context == nullptr) return;
    if (void* block = heap.allocate(*context, kToyBytes)) {
      payload_write(block, kHanded);
      if (index == 0) {
        hand_over(block);
      } else {
        free(*context, block, kHanded);
      }
    }
    if (index == 1) {
      if (void* block = receive()) free(*context, block, kHanded);
    }
    heap.detach(*context);
  }
  void after() override {
    heap.os().may_fail(0);
    WholeHeap::after();
  }
};

const Registered heap_is_refused{
    Suite::of<HeapIsRefused>("refusals/heap",
                             "I1 I2 I5 I8: contexts and memory are refused at any call, and nothing is lost")
        .near(6, 8)
        .quick({random(15'000), pct(3, 10'000)})
        .thorough({bound(0), random(300'000)})
        .depth(20'000)
        .broken("park_does_not_release", weaken(kPark, kRelaxed))
        .as("DATA RACE")
        .broken("adopt_does_not_acquire", weaken(kAdopt, kRelaxed))
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
