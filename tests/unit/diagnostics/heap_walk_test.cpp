/// The heap walk on simulated memory: a known program has a known walk.

#include "diagnostics/heap_walk.hpp"

#include <gtest/gtest.h>

#include <tuple>
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

TEST_F(WalkTest, EveryMemberIsAsItsRegionIs) {
  void* first = toy.allocate(me, 48, 1).front();
  void* mid = toy.allocate(me, 3000, 1).front();
  auto* direct = static_cast<char*>(toy.heap.allocate(me, 2'000'000));
  const auto all = walk();
  ASSERT_EQ(all.size(), 4u);
  const auto& [superslab, slab, mid_slab, mapping] = std::tie(all[0], all[1], all[2], all[3]);
  EXPECT_EQ(superslab.address, reinterpret_cast<std::uintptr_t>(first)) << "the first slot has the first slab";
  EXPECT_EQ(superslab.bytes, std::size_t{2} << 20);
  EXPECT_EQ(superslab.block_bytes, 65536u) << "a slot";
  EXPECT_EQ(superslab.capacity, 32u);
  EXPECT_EQ(superslab.used, 1u + 3u);
  EXPECT_EQ(superslab.out, 0u) << "slots that were used and hold nothing now";
  EXPECT_EQ(superslab.owner, Region::kNoOwner);
  EXPECT_EQ(slab.bytes, 65536u);
  EXPECT_EQ(slab.capacity, 65536u / 48);
  EXPECT_EQ(slab.used, 4096u / 48) << "cut so far";
  EXPECT_EQ(mid_slab.address, reinterpret_cast<std::uintptr_t>(mid));
  EXPECT_EQ(mid_slab.bytes, 3 * 65536u);
  EXPECT_EQ(mid_slab.capacity, 3 * 65536u / 3072);
  EXPECT_EQ(mapping.kind, RegionKind::kDirect);
  EXPECT_EQ(mapping.address, reinterpret_cast<std::uintptr_t>(direct));
  EXPECT_EQ(mapping.block_bytes, mapping.bytes);
  EXPECT_EQ(mapping.capacity, 1u);
  EXPECT_EQ(mapping.used, 1u);
  EXPECT_EQ(mapping.out, 1u);
  EXPECT_EQ(mapping.owner, Region::kNoOwner);
  void* large = toy.allocate(me, 100'000, 1).front();
  EXPECT_EQ(walk(RegionKind::kSuperSlab).at(0).used, 1u + 3u + 2u);
  toy.heap.settings().set_caches(PoolKind::kLarge, false);
  toy.heap.deallocate(me, large);
  EXPECT_EQ(walk(RegionKind::kSuperSlab).at(0).used, 1u + 3u);
  EXPECT_EQ(walk(RegionKind::kSuperSlab).at(0).out, 2u);
}

TEST_F(WalkTest, KeptMappingsAreNotOut) {
  toy.heap.deallocate(me, toy.heap.allocate(me, 2'000'000));
  const auto all = walk();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, RegionKind::kWhale);
  EXPECT_EQ(all[0].out, 0u);
}

TEST_F(WalkTest, WhatWasGivenBackIsNoRegion) {
  auto* block = static_cast<char*>(toy.heap.allocate(me, 48));
  auto* direct = static_cast<char*>(toy.heap.allocate(me, 2'000'000));
  toy.heap.deallocate(me, direct);
  toy.heap.deallocate(me, block);
  (void)toy.heap.trim(me);
  ASSERT_EQ(toy.memory.reservations(), 0u);
  EXPECT_TRUE(walk().empty());
  HeapWalk<ConfigT> walker(toy.heap, me);
  Region found{};
  for (const char* p : {block, direct}) EXPECT_FALSE(walker.locate(reinterpret_cast<std::uintptr_t>(p), found));
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
  EXPECT_EQ(slabs[0].used, 4096u / 64);
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

/// Two walkers do not both look into what an exited thread has left.
TEST_F(WalkTest, SlabsThatAreBeingLookedAtAreBoundedForOthers) {
  (void)toy.allocate(me, 64, 10);
  ASSERT_TRUE(toy.heap.contexts().take_posts(0));
  EXPECT_FALSE(walk(RegionKind::kSlab).at(0).exact);
  toy.heap.contexts().give_back_posts(0);
  EXPECT_TRUE(walk(RegionKind::kSlab).at(0).exact);
  EXPECT_TRUE(toy.heap.contexts().take_posts(0)) << "the walk has given back what it took";
}

TEST_F(WalkTest, EndsWhenTheVisitorSaysSo) {
  // Two SuperSlabs with a slab in each, and two mappings.
  for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{1} << 20, std::size_t{1} << 20}) {
    (void)toy.allocate(me, bytes, 1);
  }
  (void)toy.allocate(me, 2'000'000, 2);
  const auto all = static_cast<int>(walk().size());
  ASSERT_EQ(all, 2 + 3 + 2);
  for (int last = 1; last <= all; ++last) {
    int calls = 0;
    EXPECT_EQ(HeapWalk<ConfigT>(toy.heap, me).visit([&](const Region&) { return ++calls == last ? 5 : 0; }), 5);
    EXPECT_EQ(calls, last);
  }
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
  EXPECT_FALSE(walker.locate(reinterpret_cast<std::uintptr_t>(direct + found.bytes), found)) << "the first byte behind";
  EXPECT_FALSE(walker.locate(8, found));
}

}  // namespace
}  // namespace hakmem::test
