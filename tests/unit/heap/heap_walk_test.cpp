/// The heap walk on simulated memory: a known program has a known walk.

#include "heap/heap_walk.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

struct WalkTest : testing::Test {
  using ConfigT = FullHeap::ConfigT;

  std::vector<Region> walk() {
    std::vector<Region> regions;
    HeapWalk<ConfigT>(toy.heap, me).visit([&](const Region& region) {
      regions.push_back(region);
      return 0;
    });
    return regions;
  }
  std::vector<Region> walk(RegionKind kind) {
    std::vector<Region> regions = walk();
    std::erase_if(regions, [&](const Region& region) { return region.kind != kind; });
    return regions;
  }

  FullHeap toy;
  FullHeap::Context& me = *toy.heap.attach();
};

TEST_F(WalkTest, AHeapThatWasNotUsedHasNoRegions) { EXPECT_TRUE(walk().empty()); }

TEST_F(WalkTest, BlocksThatAreOutAreCountedExactly) {
  const auto blocks = toy.allocate(me, 48, 100);
  const auto larger = toy.allocate(me, 3000, 5);
  toy.heap.deallocate(me, blocks[7]);
  toy.heap.deallocate(me, larger[2]);
  const auto all = walk();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].kind, RegionKind::kSuperSlab);
  EXPECT_EQ(all[0].used, 1u + 3u) << "slots of the two slabs";
  EXPECT_EQ(all[1].block_bytes, 48u);
  EXPECT_EQ(all[1].address, reinterpret_cast<std::uintptr_t>(blocks[0]));
  EXPECT_EQ(all[1].out, 99u);
  EXPECT_TRUE(all[1].exact);
  EXPECT_EQ(all[1].owner, 0u);
  EXPECT_EQ(all[2].out, 4u);
}

TEST_F(WalkTest, SleepingSlabsAreCountedToo) {
  const auto blocks = toy.allocate(me, 1024, 64 + 1);
  toy.heap.deallocate(me, blocks[0]);
  const auto slabs = walk(RegionKind::kSlab);
  ASSERT_EQ(slabs.size(), 2u);
  EXPECT_EQ(slabs[0].out + slabs[1].out, 64u);
}

TEST_F(WalkTest, DirectMappingsAreLiveOrKept) {
  void* first = toy.heap.allocate(me, 2'000'000);
  void* second = toy.heap.allocate(me, 5'000'000);
  toy.heap.deallocate(me, second);
  const auto live = walk(RegionKind::kDirect);
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].address, reinterpret_cast<std::uintptr_t>(first));
  EXPECT_EQ(live[0].bytes, 2'031'616u) << "whole slots";
  ASSERT_EQ(walk(RegionKind::kWhale).size(), 1u);
  toy.heap.trim(me);
  EXPECT_TRUE(walk(RegionKind::kWhale).empty());
}

TEST_F(WalkTest, OthersSlabsAreBoundedWhileTheyLiveAndExactOnceTheyHaveExited) {
  auto& other = *toy.heap.attach();
  const auto blocks = toy.allocate(other, 64, 10);
  for (int i = 0; i < 4; ++i) toy.heap.deallocate(me, blocks[static_cast<std::size_t>(i)]);
  auto slabs = walk(RegionKind::kSlab);
  ASSERT_EQ(slabs.size(), 1u);
  EXPECT_FALSE(slabs[0].exact);
  EXPECT_EQ(slabs[0].owner, 1u);
  EXPECT_GE(slabs[0].out, 10u) << "cut, and not sent back yet";
  toy.heap.detach(me);
  toy.heap.detach(other);
  slabs = walk(RegionKind::kSlab);
  ASSERT_EQ(slabs.size(), 1u);
  EXPECT_TRUE(slabs[0].exact);
  EXPECT_EQ(slabs[0].out, 6u);
  EXPECT_EQ(toy.heap.contexts().size(), 2u) << "what was borrowed has been given back";
  EXPECT_NE(toy.heap.attach(), nullptr);
  EXPECT_NE(toy.heap.attach(), nullptr);
  EXPECT_EQ(toy.heap.contexts().size(), 2u);
}

TEST_F(WalkTest, EndsWhenTheVisitorSaysSo) {
  (void)toy.allocate(me, 48, 1);
  int calls = 0;
  EXPECT_EQ(HeapWalk<ConfigT>(toy.heap, me).visit([&](const Region&) {
    ++calls;
    return 5;
  }),
            5);
  EXPECT_EQ(calls, 1);
}

TEST_F(WalkTest, AnAddressIsLocatedInWhatLiesThere) {
  auto* small = static_cast<char*>(toy.heap.allocate(me, 48));
  auto* direct = static_cast<char*>(toy.heap.allocate(me, 2'000'000));
  HeapWalk<ConfigT> walker(toy.heap, me);
  Region found{};
  ASSERT_TRUE(walker.locate(reinterpret_cast<std::uintptr_t>(small + 1), found));
  EXPECT_EQ(found.kind, RegionKind::kSlab);
  EXPECT_EQ(found.block_bytes, 48u);
  ASSERT_TRUE(walker.locate(reinterpret_cast<std::uintptr_t>(small + (1 << 20)), found));
  EXPECT_EQ(found.kind, RegionKind::kSuperSlab) << "a slot that holds no slab";
  ASSERT_TRUE(walker.locate(reinterpret_cast<std::uintptr_t>(direct + 1'999'999), found));
  EXPECT_EQ(found.kind, RegionKind::kDirect);
  EXPECT_FALSE(walker.locate(8, found));
}

}  // namespace
}  // namespace hakmem::test
