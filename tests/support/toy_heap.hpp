#pragma once
/// Configurations and heaps of the unit tests: the core on simulated memory.

#include <gtest/gtest.h>

#include <vector>

#include "heap/heap.hpp"
#include "support/test_os.hpp"
#include "support/test_sync.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {

inline constexpr unsigned kToyBits = 24;

inline constexpr unsigned kFullBits = 32;

template <class Geometry, unsigned kBits = kToyBits>
using SimulatedConfig = Config<TestSync, TestOs<kBits>, Geometry>;
using ToyConfig = SimulatedConfig<ToyGeometry>;

/// A clock that the test sets.
class ClockedOs : public TestOs<kToyBits> {
 public:
  using TestOs::TestOs;
  [[nodiscard]] static std::uint64_t milliseconds() noexcept { return now; }
  static inline std::uint64_t now = 0;
};
using ClockedConfig = Config<TestSync, ClockedOs, ToyGeometry>;

/// What the shared pool and everything below it work with.
template <class ConfigT>
struct Surroundings {
  explicit Surroundings(PageMapKind kind = PageMapKind::kFlat) { EXPECT_TRUE(map.init(os, kind)); }

  TestMemory memory{kToyBits};
  typename ConfigT::Os os{memory};
  PageMap<ConfigT> map;
};

/// A heap and its memory.
template <class Geometry, unsigned kBits = kToyBits>
struct SimulatedHeap {
  using ConfigT = SimulatedConfig<Geometry, kBits>;
  using HeapT = Heap<ConfigT>;
  using Context = ThreadContext<ConfigT>;

  explicit SimulatedHeap(PageMapKind kind = PageMapKind::kFlat) { EXPECT_TRUE(heap.init(kind)); }

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
