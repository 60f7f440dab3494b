/// The page map of two levels: leaves are made when they are first needed, by whoever comes first.

#include "layout/page_map.hpp"

#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kNewLeaf{"layout/page_map.hpp", "ensure_leaf", kCompareExchange};
constexpr Place kFindLeaf{"layout/page_map.hpp", "find", kLoad, Orders{kAcquire}};

/// Two threads map neighbouring pieces, which share a leaf; a third is handed an address of one of them, and asks for
/// an address that nobody has given it.
struct LeafIsShared : Scenario {
  static constexpr unsigned kThreads = 3;

  void before() override { map.init(os); }
  void thread(unsigned index) override {
    if (index == 2) return look();
    require(map.prepare(os, piece(index), 1), "there is memory for the leaf");
    map.set(piece(index), &slabs[index]);
    if (index == 0) handed.store(piece(0), kRelease);
  }
  void look() {
    const Slab<ToyConfig>* stray = map.find(piece(1));
    require(stray == nullptr || stray == &slabs[1], "a foreign address is null or some descriptor");
    if (void* address = handed.load(kAcquire)) {
      require(map.find(address) == &slabs[0], "the page map leads from a block to its slab");
    }
  }
  void after() override {
    for (unsigned i = 0; i < 2; ++i) require(map.find(piece(i)) == &slabs[i], "I2 conserved: an entry is lost");
    map.set(piece(0), nullptr);
    require(map.find(piece(0)) == nullptr, "an unmapped address is foreign");
  }

  static void* piece(unsigned i) {
    return reinterpret_cast<void*>(ToyConfig::Os::address_base() + i * kSlotBytes<ToyGeometry>);
  }

  ToyConfig::Os os;
  PageMap<ToyConfig> map;
  Slab<ToyConfig> slabs[2];
  RelacySync::Atomic<void*> handed;
};

const Registered leaf_is_shared{
    Suite::of<LeafIsShared>("page_map/leaf_is_shared",
                            "I2 I5: pieces of one leaf are mapped and found by three threads")
        .quick({bound(3), random(50'000)})
        .thorough({full()})
        .broken("leaf_is_not_released", weaken(kNewLeaf, kRelaxed))
        .as("UNINITIALIZED")
        .broken("leaf_is_not_acquired_by_finders", weaken(kFindLeaf, kRelaxed))
        .as("UNINITIALIZED")
        .broken("leaf_is_replaced", split(kNewLeaf))};

}  // namespace

}  // namespace hakmem::model
