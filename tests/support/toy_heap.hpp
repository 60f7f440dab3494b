#pragma once
/// Heaps of the unit tests: the core on simulated memory.

#include <gtest/gtest.h>

#include <vector>

#include "heap/heap.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {

/// A heap and its memory.
template <class Geometry, unsigned kBits = kToyBits>
struct SimulatedHeap {
  using ConfigT = SimulatedConfig<Geometry, kBits>;
  using HeapT = Heap<ConfigT>;
  using Context = ThreadContext<ConfigT>;

  SimulatedHeap() { heap.init(); }

  /// \return `count` blocks of `bytes`
  [[nodiscard]] std::vector<void*> allocate(Context& context, std::size_t bytes, std::size_t count) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(heap.allocate(context, bytes));
      EXPECT_NE(blocks.back(), nullptr);
    }
    return blocks;
  }

  template <class Blocks>
  void deallocate(Context& context, const Blocks& blocks) {
    for (void* block : blocks) heap.deallocate(context, block);
  }

  [[nodiscard]] Slab<ConfigT>& slab_of(const void* block) { return *heap.page_map().find(block); }
  [[nodiscard]] std::uint64_t acquired(AcquireStage stage) { return heap.pool().acquired(stage); }

  TestMemory memory{kBits};
  HeapT heap{TestOs<kBits>(memory)};
};

using ToyHeap = SimulatedHeap<ToyGeometry>;
using FullHeap = SimulatedHeap<FullGeometry, kFullBits>;

}  // namespace hakmem::test
