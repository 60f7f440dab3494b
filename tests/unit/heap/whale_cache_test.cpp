/// B5: the whale cache, seen through the direct mappings that use it.

#include "heap/whale_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "heap/direct.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = TestMemory::kPageBytes;

class WhaleCacheTest : public testing::Test {
 protected:
  WhaleCacheTest() { direct_.whales().set_max_bytes(64 * kPage); }

  char* allocate(std::size_t bytes, std::size_t alignment = 1, Contents contents = Contents::kAny) {
    return static_cast<char*>(direct_.allocate(toy_.backend, bytes, alignment, contents));
  }
  void deallocate(void* block) { EXPECT_TRUE(direct_.deallocate(toy_.backend, *toy_.map.find(block), block)); }

  Surroundings<ClockedConfig> toy_;
  DirectMappings<ClockedConfig> direct_;
};

TEST_F(WhaleCacheTest, FreedMappingServesTheNextBlockOfAboutItsSize) {
  char* first = allocate(20 * kPage);
  deallocate(first);
  EXPECT_EQ(toy_.map.find(first), nullptr) << "a free block is foreign";
  EXPECT_EQ(direct_.whales().held_bytes(), 20 * kPage);
  char* second = allocate(16 * kPage);
  EXPECT_EQ(second, first);
  EXPECT_NE(toy_.map.find(second), nullptr);
  EXPECT_EQ(direct_.whales().hits(), 1u);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(second)), 20 * kPage) << "all of it may be used";
}

TEST_F(WhaleCacheTest, WasteIsBoundedByAQuarterOfTheRequest) {
  deallocate(allocate(20 * kPage));
  (void)allocate(15 * kPage);
  EXPECT_EQ(direct_.whales().hits(), 0u);
  (void)allocate(21 * kPage);
  EXPECT_EQ(direct_.whales().hits(), 0u);
}

/// In whole pages of the request, not of what it is rounded up to.
TEST_F(WhaleCacheTest, WasteIsCountedFromTheRequest) {
  deallocate(allocate(21 * kPage));
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(allocate(16 * kPage))), 16 * kPage);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(allocate(16 * kPage + 1))), 21 * kPage);
}

TEST_F(WhaleCacheTest, ZeroedBlockIsZeroThoughTheMappingWasUsed) {
  char* block = allocate(8 * kPage);
  std::memset(block, 1, 8 * kPage);
  deallocate(block);
  block = allocate(8 * kPage, 1, Contents::kZero);
  EXPECT_EQ(direct_.whales().hits(), 1u);
  EXPECT_TRUE(std::all_of(block, block + 8 * kPage, [](char c) { return c == 0; }));
}

TEST_F(WhaleCacheTest, AlignmentIsKept) {
  deallocate(allocate(8 * kPage));
  for (int i = 0; i < 3; ++i) {
    char* block = allocate(8 * kPage, 64 * kPage);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % (64 * kPage), 0u);
    deallocate(block);
  }
}

/// I7: what does not fit is unmapped, at once and wholly.
TEST_F(WhaleCacheTest, BoundsAreKept) {
  char* blocks[3] = {allocate(40 * kPage), allocate(40 * kPage), allocate(20 * kPage)};
  for (char* block : blocks) deallocate(block);
  EXPECT_EQ(direct_.whales().held_bytes(), 60 * kPage) << "two places, 64 pages";
  EXPECT_EQ(toy_.memory.reservations(), 2u);
}

TEST_F(WhaleCacheTest, OldMappingsGoBack) {
  direct_.whales().set_purge_delay(1000);
  ClockedOs::now = 5000;
  deallocate(allocate(8 * kPage));
  ClockedOs::now = 5500;
  direct_.purge(toy_.os);
  EXPECT_EQ(toy_.memory.reservations(), 1u);
  ClockedOs::now = 6500;
  direct_.purge(toy_.os);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

/// There is no other thread that would look.
TEST_F(WhaleCacheTest, OldMappingsGoBackWhenOthersAreFreed) {
  direct_.whales().set_purge_delay(1000);
  ClockedOs::now = 5000;
  deallocate(allocate(8 * kPage));
  char* other = allocate(30 * kPage);
  ClockedOs::now = 6500;
  deallocate(other);
  EXPECT_EQ(direct_.whales().held_bytes(), 30 * kPage);
}

TEST_F(WhaleCacheTest, NothingAgesWithoutADelay) {
  direct_.whales().set_purge_delay(-1);
  ClockedOs::now = 0;
  deallocate(allocate(8 * kPage));
  ClockedOs::now = 100'000;
  direct_.purge(toy_.os);
  EXPECT_EQ(toy_.memory.reservations(), 1u);
}

/// B6
TEST_F(WhaleCacheTest, CanBeSwitchedOff) {
  direct_.whales().set_max_bytes(0);
  deallocate(allocate(8 * kPage));
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

/// What it holds then stays until it is trimmed: it is neither handed out nor looked at.
TEST_F(WhaleCacheTest, SwitchedOffItServesNobodyAndAgesNothing) {
  ClockedOs::now = 0;
  direct_.whales().set_purge_delay(1000);
  char* kept = allocate(8 * kPage);
  deallocate(kept);
  direct_.whales().set_max_bytes(0);
  EXPECT_NE(allocate(8 * kPage), kept);
  EXPECT_EQ(direct_.whales().misses(), 1u) << "the first request, and not this one";
  ClockedOs::now = 100'000;
  direct_.purge(toy_.os);
  EXPECT_EQ(direct_.whales().held_bytes(), 8 * kPage);
}

TEST_F(WhaleCacheTest, WithoutADelayNothingIsKept) {
  direct_.whales().set_purge_delay(0);
  deallocate(allocate(8 * kPage));
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

/// The delay may have become 0 while something was kept.
TEST_F(WhaleCacheTest, WhatIsKeptGoesOnceTheDelayIsOver) {
  constexpr std::uint64_t kTick = 64;  // ages are told apart by so many milliseconds
  ClockedOs::now = 100 * kTick;
  direct_.whales().set_purge_delay(10 * kTick);
  deallocate(allocate(8 * kPage));
  ClockedOs::now = 110 * kTick;
  direct_.purge(toy_.os);
  EXPECT_EQ(toy_.memory.reservations(), 1u) << "just as old as is allowed";
  direct_.whales().set_purge_delay(0);
  direct_.purge(toy_.os);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
}

/// A word of the cache has 24 bits for the number of pages.
TEST_F(WhaleCacheTest, MappingsTooLargeForAWordAreNotKept) {
  direct_.whales().set_max_bytes(SIZE_MAX);
  DirectMapping<ClockedConfig> mapping;
  mapping.bytes.set((CacheItem::kMaxSize + 1) * kPage);
  EXPECT_FALSE(direct_.whales().put(toy_.os, mapping));
  mapping.bytes.set(CacheItem::kMaxSize * kPage);
  EXPECT_TRUE(direct_.whales().put(toy_.os, mapping));
  std::uint32_t index = 1;
  EXPECT_TRUE(direct_.whales().take_any(index));
  EXPECT_EQ(index, 0u);
}

/// 1, 2, 3-4, 5-8, 9-16, more.
TEST(WhaleCacheStatistics, CountsOfThreadsFallIntoSixBuckets) {
  using Whales = WhaleCache<ClockedConfig>;
  constexpr unsigned kThreads[] = {0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 1000, ~0u};
  constexpr unsigned kBuckets[] = {0, 0, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5, 5};
  for (std::size_t i = 0; i < std::size(kThreads); ++i)
    EXPECT_EQ(Whales::bucket_of(kThreads[i]), kBuckets[i]) << kThreads[i];
}

/// I8
TEST_F(WhaleCacheTest, TrimGivesEverythingBack) {
  deallocate(allocate(8 * kPage));
  EXPECT_EQ(direct_.trim(toy_.os), 8 * kPage);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(direct_.trim(toy_.os), 0u);
}

}  // namespace
}  // namespace hakmem::test
