/// Direct mappings: blocks with a mapping of their own, whose descriptors are used again.

#include "heap/direct.hpp"

#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kGiveUp{"lockfree/bitmap_word.hpp", "set", kFetchOr};
constexpr Place kTakeVacant{"lockfree/bitmap_word.hpp", "take", kFetchAnd};
constexpr Place kUnmapEntry{"layout/page_map.hpp", "take", kCompareExchange};

struct Direct : Scenario {
  static constexpr std::size_t kBytes = 2 * kSlotBytes<ToyGeometry>;

  void before() override { backend.init(); }
  void after() override { require(os.reservations() == 0, "I8 reclaimed: all is freed, but memory stays mapped"); }

  void* allocate(std::uintptr_t mark) {
    void* block = direct.allocate(backend, kBytes, 1, Contents::kAny);
    require(block != nullptr, "there is memory");
    payload_write(block, mark);
    return block;
  }
  bool free(void* block) { return direct.deallocate(backend, *map.find(block), block); }

  Backend<ToyConfig> backend;
  ToyConfig::Os& os = backend.os;
  PageMap<ToyConfig>& map = backend.map;
  DirectMappings<ToyConfig> direct;
};

/// A block is handed over and freed elsewhere, while another comes and goes: addresses and descriptors are used again.
struct ComeAndGo : Direct {
  static constexpr unsigned kThreads = 2;
  void before() override {
    Direct::before();
    require(free(allocate(0)), "a live block can be freed");
  }
  void thread(unsigned index) override {
    if (index == 0) return handed.store(allocate(7), kRelease);
    void* mine = allocate(8);
    require(payload_read(mine) == 8 && free(mine), "I1 exclusive: a block has another's contents");
    free_what_is_handed();
  }
  void free_what_is_handed() {
    void* block = handed.exchange(nullptr, kAcquire);
    if (block == nullptr) return;
    require(payload_read(block) == 7, "I5 visible: a block has lost its contents");
    require(free(block), "a live block can be freed");
  }
  void after() override {
    free_what_is_handed();
    Direct::after();
  }
  RelacySync::Atomic<void*> handed;
};

const Registered come_and_go{
    Suite::of<ComeAndGo>("direct/come_and_go", "I1 I4 I5 I8: mappings, their addresses and descriptors are used again")
        .quick({bound(3), random(30'000)})
        .thorough({bound(5), random(500'000)})
        .broken("descriptor_is_not_released", weaken(kGiveUp, kRelaxed))
        .as("DATA RACE")
        .broken("descriptor_is_not_acquired", weaken(kTakeVacant, kRelaxed))
        .as("DATA RACE")
        .broken("descriptor_is_taken_twice", split(kTakeVacant))};

/// A block is freed by two threads, which is wrong; only one of them unmaps it.
struct FreedTwice : Direct {
  static constexpr unsigned kThreads = 2;
  void before() override {
    Direct::before();
    block = allocate(1);
    slab = map.find(block);
  }
  void thread(unsigned) override {
    if (direct.deallocate(backend, *slab, block)) ++freed;
  }
  void after() override {
    require(freed == 1, "I3 exactly once: not one of two frees has unmapped the block");
    Direct::after();
  }
  void* block = nullptr;
  Slab<ToyConfig>* slab = nullptr;
  unsigned freed = 0;
};

const Registered freed_twice{
    Suite::of<FreedTwice>("direct/freed_twice", "I3 I4: of two frees of one block one unmaps it, the other is refused")
        .quick({full()})
        .broken("entry_is_not_taken_atomically", split(kUnmapEntry))
        .as("I4 mapped")
        .broken("entry_is_not_taken", lose(kUnmapEntry))
        .as("I4 mapped")};

}  // namespace

}  // namespace hakmem::model
