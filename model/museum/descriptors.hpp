#pragma once
/// Exhibits on what describes memory: slabs, their array, the page map. Each scenario is faulty or sound by its
/// parameter.

#include "layout/page_map.hpp"
#include "lockfree/remote_word.hpp"
#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

// 16
template <bool kFaulty>
struct ArrayMoves : Scenario {
  static constexpr unsigned kThreads = 2;
  static constexpr std::size_t kBytes = 64;
  ArrayMoves() {
    SimulatedMemory::map(base(), kBytes, Where::here());
    payload_write(entry(base()), 1);
    array.store(base(), kRelease);
  }
  void thread(unsigned index) override {
    if (index == 0) return grow();
    require(payload_read(entry(array.load(kAcquire))) == 1, "a descriptor is where it was");
  }
  void grow() {
    const std::uintptr_t larger = base() + SimulatedMemory::kPageBytes / 2;
    SimulatedMemory::map(larger, 2 * kBytes, Where::here());
    if (!kFaulty) return more.store(larger, kRelease);
    payload_write(entry(larger), payload_read(entry(base())));
    array.store(larger, kRelease);
    SimulatedMemory::unmap(base(), kBytes, Where::here());
  }
  static std::uintptr_t base() { return SimulatedMemory::page_base(); }
  static void* entry(std::uintptr_t at) { return reinterpret_cast<void*>(at); }
  RelacySync::Atomic<std::uintptr_t> array;
  RelacySync::Atomic<std::uintptr_t> more;  ///< the second chunk; the first stays where it is
};

// 18
template <bool kFaulty>
struct OverwrittenSlab : Scenario {
  static constexpr unsigned kThreads = 2;
  /// A slab of two blocks, as its owner sees it.
  struct OwnSlab {
    unsigned free = 2;
    bool listed = false;
    RemoteWord<RelacySync, 4> remote;
  };
  void thread(unsigned index) override {
    if (index == 1) return (void)slabs[0].remote.is_head(0, nullptr);
    --current->free;
    // A size of another kind misses the cache, and another slab becomes current.
    if (!kFaulty) current->listed = true;
    current = &slabs[1];
    --current->free;
  }
  void after() override {
    for (const OwnSlab& slab : slabs) {
      require(slab.free == 0 || slab.listed || current == &slab, "I8 reclaimed: a partly free slab is on no list");
    }
  }
  OwnSlab slabs[2];
  OwnSlab* current = &slabs[0];
};

// 22
template <bool kFaulty>
struct TagOfFourBits : Scenario {
  static constexpr unsigned kThreads = 2;
  static constexpr unsigned kTag = 0xb;
  static constexpr unsigned kPointers = 16;
  void before() override { map.init(os); }
  void thread(unsigned index) override {
    for (unsigned i = index; i < kPointers; i += kThreads) {
      const void* foreign = reinterpret_cast<const void*>(ToyConfig::Os::address_base() + i * sizeof(void*) * 2);
      // The word before the block, which a foreign block's owner may have filled with anything.
      const unsigned word = i;
      const bool accepted = kFaulty ? (word & 0xf) == kTag : map.find(foreign) != nullptr;
      require(!accepted, "B10: a foreign pointer is taken for a block");
    }
  }
  ToyConfig::Os os;
  PageMap<ToyConfig> map;
};

}  // namespace hakmem::model
