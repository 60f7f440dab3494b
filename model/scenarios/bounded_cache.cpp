/// The cache of things by number, and the direct mappings that wait in it.

#include "lockfree/bounded_cache.hpp"

#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPut{"lockfree/bounded_cache.hpp", "put", kCompareExchange};
constexpr Place kTake{"lockfree/bounded_cache.hpp", "take", kCompareExchange};

/// Three things of sizes 1 to 3, two places.
struct BoundedThings : Scenario {
  static constexpr unsigned kThreads = 2;

  void before() override { require(put(0) && put(1), "two places take two things"); }
  /// Both take, one puts back; the other puts a thing of its own.
  void thread(unsigned index) override {
    CacheItem item{};
    if (!cache.take(item, [](CacheItem) { return true; })) return;
    own(item.id);
    const std::uint64_t next = index == 0 ? item.id : 2;
    if (index == 1) ++out;
    if (!put(next)) ++out;
  }
  void after() override {
    unsigned found = 0;
    for (CacheItem item{}; cache.take(item, [](CacheItem) { return true; }); ++found) own(item.id);
    require(found + out == 3, "I2 conserved: a thing is lost");
  }

  void own(std::uint64_t id) {
    require(cached[id], "I1 exclusive: a thing has two owners");
    cached[id] = false;
    contents[id].set(contents[id].get() + 1);
  }
  bool put(std::uint64_t id) {
    contents[id].set(contents[id].get() + 1);
    cached[id] = true;
    if (cache.put({id, id + 1, 0}, 100)) return true;
    cached[id] = false;
    return false;
  }

  BoundedCache<RelacySync, 2> cache;
  RelacySync::Plain<unsigned> contents[3];
  bool cached[3] = {};
  unsigned out = 0;
};

const Registered bounded_things{
    Suite::of<BoundedThings>("bounded_cache/take_and_put", "I1 I2 I5 I7: two takers, of whom each puts a thing")
        .quick({full()})
        .broken("put_does_not_release", weaken(kPut, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))
        .broken("put_is_not_atomic", split(kPut))
        .broken("put_forgets", lose(kPut))};

struct WhaleGeometry : ToyGeometry {
  static constexpr std::size_t kWhaleBytes = 4 * kSlotBytes<ToyGeometry>;
};

/// Blocks with mappings of their own.
template <class Os>
struct WhaleScenario : Scenario {
  using WhaleConfig = Config<RelacySync, Os, WhaleGeometry>;
  static constexpr unsigned kThreads = 2;
  static constexpr std::size_t kBytes = 2 * kSlotBytes<WhaleGeometry>;

  void before() override { backend.init(); }
  void after() override {
    (void)direct.trim(os);
    require(os.reservations() == 0, "I8 reclaimed: all is freed and trimmed, but memory stays mapped");
  }

  void* allocate(std::uintptr_t mark, std::size_t bytes = kBytes) {
    void* block = direct.allocate(backend, bytes, 1, Contents::kAny);
    require(block != nullptr, "there is memory");
    payload_write(block, mark);
    return block;
  }
  void free(void* block) {
    Slab<WhaleConfig>* slab = map.find(block);
    require(slab != nullptr, "I4 mapped: a live block is foreign");
    payload_write(block, 0);
    require(direct.deallocate(backend, *slab, block), "a live block can be freed");
  }

  Backend<WhaleConfig> backend;
  Os& os = backend.os;
  PageMap<WhaleConfig>& map = backend.map;
  DirectMappings<WhaleConfig> direct;
};

/// They come and go through the cache.
struct Whales : WhaleScenario<SimulatedOs<11>> {
  void before() override {
    WhaleScenario::before();
    free(allocate(1));
  }
  void thread(unsigned index) override {
    free(allocate(2 + index));
    if (index == 1) (void)direct.trim(os);
  }
};

const Registered whales{
    Suite::of<Whales>("whale_cache/come_and_go", "I1 I4 I5 I8: mappings are used again, against a trim")
        .quick({bound(2), random(30'000)})
        .thorough({bound(3), random(500'000)})
        .broken("put_does_not_release", weaken(kPut, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))};

/// Two halves of a kept mapping are handed out and come back, to be one again. In the end one may still be out, or both
/// may have met on their way and stay two.
struct DividedWhales : WhaleScenario<DividingOs<11>> {
  void before() override {
    WhaleScenario::before();
    free(allocate(1, 2 * kBytes));
    for (unsigned i = 0; i < kThreads; ++i) halves[i] = allocate(2 + i);
    require(os.reservations() == 2, "a kept mapping serves two blocks");
  }
  void thread(unsigned index) override {
    require(payload_read(halves[index]) == 2 + index, "I1 exclusive: a block has another's contents");
    free(halves[index]);
    if (index == 1) free(allocate(4));
  }
  void* halves[kThreads] = {};
};

const Registered divided_whales{
    Suite::of<DividedWhales>("whale_cache/split_and_join",
                             "I1 I2 I4 I5 I8: what was split from a mapping is joined again")
        .quick({full()})
        .broken("put_does_not_release", weaken(kPut, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))};

/// A block grows into the half that it was split from, while another thread wants that, too: one of them gets it, and who
/// comes too late finds other memory.
struct GrowingWhale : WhaleScenario<DividingOs<11>> {
  void before() override {
    WhaleScenario::before();
    free(allocate(1, 2 * kBytes));
    block = allocate(2);
    require(os.reservations() == 2, "the rest of a kept mapping is kept");
  }
  void thread(unsigned index) override {
    if (index == 1) return free(allocate(3));
    block = direct.reallocate(backend, *map.find(block), 2 * kBytes);
    require(block != nullptr, "there is memory");
    require(payload_read(block) == 2, "I5 visible: a block that grows has lost its contents");
    payload_write(static_cast<char*>(block) + kBytes, 2);
  }
  void after() override {
    free(block);
    WhaleScenario::after();
  }
  void* block = nullptr;
};

const Registered growing_whale{
    Suite::of<GrowingWhale>("whale_cache/grow_into_kept", "I1 I2 I4 I5 I8: a block grows into a kept mapping, or moves")
        .quick({full()})
        .broken("put_does_not_release", weaken(kPut, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))};

}  // namespace

}  // namespace hakmem::model
