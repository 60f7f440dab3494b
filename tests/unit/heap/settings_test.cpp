/// B6, C3, D9, E1: what may be set while the heap is in use.

#include "heap/settings.hpp"

#include <gtest/gtest.h>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using ConfigT = SimulatedConfig<FullGeometry, kFullBits>;
using Classes = SizeClass<FullGeometry>;
using Full = SimulatedHeap<FullGeometry, kFullBits>;

constexpr std::size_t kSmallBytes = 64;
constexpr std::size_t kMidBytes = 4096;
constexpr std::size_t kLargeBytes = 64 << 10;

struct SettingsTest : testing::Test {
  Full full;
  Settings<ConfigT>& settings = full.heap.settings();
  Full::Context& context = *full.heap.attach();

  /// Blocks that wait in the class's detached list.
  std::size_t detached(std::size_t bytes) {
    std::size_t count = 0;
    for (void* b = context.heads[Classes::of(bytes)].peek(); b != nullptr; b = TestSync::load_link(b)) ++count;
    return count;
  }
};

TEST_F(SettingsTest, ClassesBelongToThePoolOfTheirSize) {
  EXPECT_EQ(Settings<ConfigT>::pool_of(Classes::of(1024)), PoolKind::kSmall);
  EXPECT_EQ(Settings<ConfigT>::pool_of(Classes::of(1025)), PoolKind::kMid);
  EXPECT_EQ(Settings<ConfigT>::pool_of(Classes::of(32 << 10)), PoolKind::kMid);
  EXPECT_EQ(Settings<ConfigT>::pool_of(Classes::of((32 << 10) + 1)), PoolKind::kLarge);
}

TEST_F(SettingsTest, WithoutTheSmallCacheAThreadKeepsNoBlock) {
  settings.set_caches(PoolKind::kSmall, false);
  const auto blocks = full.allocate(context, kSmallBytes, 2000);
  EXPECT_EQ(std::set<void*>(blocks.begin(), blocks.end()).size(), blocks.size());
  EXPECT_EQ(detached(kSmallBytes), 0u);
  full.deallocate(context, blocks);
  EXPECT_EQ(detached(kSmallBytes), 0u);
}

TEST_F(SettingsTest, WithoutTheMidCacheFreedBlocksGoBackToTheirSlab) {
  full.deallocate(context, full.allocate(context, kMidBytes, 10));
  EXPECT_NE(detached(kMidBytes), 0u);
  settings.set_caches(PoolKind::kMid, false);
  full.deallocate(context, full.allocate(context, kMidBytes, 40));
  EXPECT_EQ(detached(kMidBytes), 0u);
}

TEST_F(SettingsTest, WithoutTheLargeCacheEmptySlabsAreReleased) {
  const auto released_by_one_block = [&] {
    const auto before = full.heap.pool().released();
    full.deallocate(context, full.allocate(context, kLargeBytes, 1));
    return full.heap.pool().released() - before;
  };
  EXPECT_EQ(released_by_one_block(), 0u) << "retained for the next block";
  settings.set_caches(PoolKind::kLarge, false);
  EXPECT_EQ(released_by_one_block(), 1u);
}

/// Switched to and fro, nothing is lost or handed out twice.
TEST_F(SettingsTest, SwitchesMayChangeWhileBlocksAreOut) {
  std::set<void*> out;
  for (unsigned round = 0; round < 40; ++round) {
    for (unsigned pool = 0; pool < 3; ++pool)
      settings.set_caches(static_cast<PoolKind>(pool), (round >> pool & 1) != 0);
    for (std::size_t bytes : {kSmallBytes, kMidBytes, kLargeBytes}) {
      for (void* block : full.allocate(context, bytes, 20)) EXPECT_TRUE(out.insert(block).second);
    }
    while (out.size() > 90) {
      full.heap.deallocate(context, *out.begin());
      out.erase(out.begin());
    }
  }
  full.deallocate(context, out);
  full.heap.detach(context);
  EXPECT_TRUE(full.heap.trim(*full.heap.attach()));
  EXPECT_EQ(full.memory.reservations(), 0u);
}

TEST_F(SettingsTest, CapBoundsWhatAThreadKeepsOfAMidClass) {
  settings.set_cap(Classes::of(kMidBytes), 4);
  EXPECT_EQ(settings.cap(Classes::of(kMidBytes)), 4);
  full.deallocate(context, full.allocate(context, kMidBytes, 100));
  EXPECT_LE(detached(kMidBytes), 4u);
}

TEST_F(SettingsTest, RefillBoundsBoundTheBlocksCutAtATime) {
  settings.set_refill_blocks(16);
  (void)full.allocate(context, 16, 1);
  EXPECT_EQ(detached(16), 15u);
  settings.set_refill_batch(4);
  (void)full.allocate(context, kMidBytes, 1);
  EXPECT_EQ(detached(kMidBytes), 3u);
  (void)full.allocate(context, kLargeBytes, 1);
  EXPECT_EQ(detached(kLargeBytes), 0u) << "a second large block would touch a page for nothing";
}

TEST_F(SettingsTest, DrainIntervalBoundsHowLongARemoteFreeWaits) {
  auto& freer = *full.heap.attach();
  const auto blocks = full.allocate(context, kSmallBytes, 8);
  auto& remote = full.slab_of(blocks[0]).remote;
  settings.set_drain_interval(4);
  for (unsigned i = 0; i < 3; ++i) full.heap.deallocate(freer, blocks[i]);
  EXPECT_FALSE(remote.has_chain());
  full.heap.deallocate(freer, blocks[3]);
  EXPECT_TRUE(remote.has_chain());
}

}  // namespace
}  // namespace hakmem::test
