#include "heap/outbox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

struct OnePlace : ToyGeometry {
  static constexpr unsigned kOutboxEntries = 1;
};
struct LongChains : OnePlace {
  static constexpr unsigned kOutboxBlocks = 100;
  static constexpr std::size_t kOutboxBytes = 65536;
};

/// Two slabs of class 0 with all blocks out, and somebody else's outbox.
template <class Geometry>
struct OutboxScene {
  using ConfigT = SimulatedConfig<Geometry>;
  using Offer = typename Outbox<ConfigT>::Offer;

  OutboxScene() {
    for (std::size_t s = 0; s < slabs.size(); ++s) {
      const auto blocks = toy.allocate(owner, 64, 16);
      slabs[s] = &toy.slab_of(blocks[0]);
      out[s] = blocks;
    }
  }

  Offer add(std::size_t slab, std::size_t block) {
    return outbox.add(*slabs[slab], out[slab][block], Geometry::kOutboxInterval);
  }
  /// Length of the chain that has arrived at a slab.
  std::uint32_t arrived(std::size_t slab) { return slabs[slab]->remote.take_all(slabs[slab]->base.get()).count; }

  SimulatedHeap<Geometry> toy;
  ThreadContext<ConfigT>& owner = *toy.heap.attach();
  std::array<Slab<ConfigT>*, 2> slabs{};
  std::array<std::vector<void*>, 2> out;
  Outbox<ConfigT> outbox;
};

TEST(Outbox, BlocksOfASlabGoOutTogetherWhenEnoughAreGathered) {
  OutboxScene<ToyGeometry> scene;  // chains of three
  EXPECT_EQ(scene.add(0, 0), decltype(scene)::Offer::kTaken);
  (void)scene.add(0, 1);
  EXPECT_EQ(scene.arrived(0), 0u);
  (void)scene.add(0, 2);
  EXPECT_EQ(scene.arrived(0), 3u);
}

TEST(Outbox, SlabThatTakesAnothersPlaceSendsItsChain) {
  OutboxScene<OnePlace> scene;
  (void)scene.add(0, 0);
  (void)scene.add(0, 1);
  (void)scene.add(1, 0);
  EXPECT_EQ(scene.arrived(0), 2u);
  EXPECT_EQ(scene.arrived(1), 0u);
}

TEST(Outbox, NothingWaitsLongerThanTheInterval) {
  OutboxScene<LongChains> scene;
  for (std::size_t i = 0; i + 1 < LongChains::kOutboxInterval; ++i) (void)scene.add(0, i);
  EXPECT_EQ(scene.arrived(0), 0u);
  (void)scene.add(0, 15);
  EXPECT_EQ(scene.arrived(0), LongChains::kOutboxInterval);
  (void)scene.add(0, LongChains::kOutboxInterval);
  EXPECT_EQ(scene.arrived(0), 0u) << "the next interval has begun";
}

/// D9, E2
TEST(Outbox, WhatIsSentIsCounted) {
  OutboxScene<ToyGeometry> scene;  // chains of three
  for (std::size_t i = 0; i < 4; ++i) (void)scene.add(0, i);
  EXPECT_EQ(scene.outbox.chains(), 1u);
  EXPECT_EQ(scene.outbox.blocks(), 3u);
  scene.outbox.flush_all();
  EXPECT_EQ(scene.outbox.chains(), 2u);
  EXPECT_EQ(scene.outbox.blocks(), 4u);
  EXPECT_EQ(scene.outbox.drains(), 1u);
  EXPECT_EQ(scene.outbox.singles(), 0u);
}

TEST(Outbox, BlockThatIsSentAtOnceWaitsForNoOther) {
  OutboxScene<ToyGeometry> scene;
  scene.outbox.send_at_once(*scene.slabs[0], scene.out[0][0]);
  EXPECT_EQ(scene.arrived(0), 1u);
  EXPECT_EQ(scene.outbox.singles(), 1u);
  EXPECT_EQ(scene.outbox.chains(), 0u);
}

TEST(Outbox, FlushSendsEverything) {
  OutboxScene<ToyGeometry> scene;
  (void)scene.add(0, 0);
  (void)scene.add(1, 0);
  scene.outbox.flush_all();
  EXPECT_EQ(scene.arrived(0) + scene.arrived(1), 2u);
  scene.outbox.flush_all();
  EXPECT_EQ(scene.arrived(0) + scene.arrived(1), 0u);
}

TEST(Outbox, BlockThatIsOfferedTwiceInARowIsRefused) {
  OutboxScene<ToyGeometry> scene;
  (void)scene.add(0, 0);
  EXPECT_EQ(scene.add(0, 0), decltype(scene)::Offer::kDoubleFree);
}

struct UnmarkedSync : TestSync {
  static constexpr bool kMarksFreeBlocks = false;
};

/// Where blocks are not marked, the last one that came is looked at.
TEST(Outbox, BlockThatIsOfferedTwiceInARowIsRefusedWithoutMarks) {
  using ConfigT = Config<UnmarkedSync, TestOs<kToyBits>, ToyGeometry>;
  TestMemory memory{kToyBits};
  Heap<ConfigT> heap{TestOs<kToyBits>(memory)};
  heap.init();
  auto& owner = *heap.attach();
  void* block = heap.allocate(owner, 64);
  Slab<ConfigT>& slab = *heap.page_map().find(block);
  Outbox<ConfigT> outbox;
  EXPECT_EQ(outbox.add(slab, block, ToyGeometry::kOutboxInterval), Outbox<ConfigT>::Offer::kTaken);
  EXPECT_EQ(outbox.add(slab, block, ToyGeometry::kOutboxInterval), Outbox<ConfigT>::Offer::kDoubleFree);
}

/// I3: the send that wakes a sleeping slab posts it to its owner, later ones do not.
TEST(Outbox, WakingSendPostsTheSlabToItsOwnerOnce) {
  OutboxScene<ToyGeometry> scene;
  (void)scene.toy.heap.allocate(scene.owner, 64);  // finds both slabs full: they fall asleep
  ASSERT_EQ(scene.slabs[0]->state.get(), SlabState::kAsleep);
  for (std::size_t i = 0; i < 6; ++i) (void)scene.add(0, i);
  EXPECT_EQ(scene.owner.inbox.collect(), scene.slabs[0]);
  EXPECT_EQ(scene.slabs[0]->inbox_next.get(), nullptr);
  EXPECT_EQ(scene.arrived(0), 6u);
}

}  // namespace
}  // namespace hakmem::test
