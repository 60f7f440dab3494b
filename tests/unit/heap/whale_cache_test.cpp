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
  EXPECT_EQ(direct_.whales().held_bytes(), 20 * kPage);
}

/// Its pages go on to the larger block, be it in its place or elsewhere.
TEST_F(WhaleCacheTest, MappingThatIsTooSmallIsGrown) {
  char* kept = allocate(20 * kPage);
  (void)allocate(kPage);
  kept[0] = 7;
  deallocate(kept);
  char* grown = allocate(30 * kPage, kSlotBytes<ToyGeometry>);
  EXPECT_EQ(grown[0], 7);
  EXPECT_EQ(direct_.whales().hits(), 1u);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(grown)), 30 * kPage);
  EXPECT_EQ(toy_.memory.reservations(), 2u);
  EXPECT_TRUE(grown == kept || toy_.map.find(kept) == nullptr);
}

TEST_F(WhaleCacheTest, MappingIsGrownInItsPlaceWhereThereIsRoom) {
  char* kept = allocate(20 * kPage);
  deallocate(kept);
  const auto reservations = toy_.memory.calls(OsCall::kReserve);
  EXPECT_EQ(allocate(30 * kPage), kept);
  EXPECT_EQ(direct_.whales().hits(), 1u);
  EXPECT_EQ(toy_.memory.calls(OsCall::kReserve), reservations);
}

TEST_F(WhaleCacheTest, MappingThatCannotBeGrownIsKeptOn) {
  char* kept = allocate(20 * kPage);
  (void)allocate(kPage);
  deallocate(kept);
  toy_.memory.refuse(OsCall::kResize);
  toy_.memory.refuse(OsCall::kMove);
  EXPECT_NE(allocate(30 * kPage), nullptr);
  EXPECT_EQ(direct_.whales().held_bytes(), 20 * kPage);
  EXPECT_EQ(direct_.whales().misses(), 3u);
}

/// It is cheaper to have new pages than to clear old ones.
TEST_F(WhaleCacheTest, NothingIsGrownForAZeroedBlock) {
  deallocate(allocate(20 * kPage));
  char* block = allocate(30 * kPage, 1, Contents::kZero);
  EXPECT_EQ(direct_.whales().hits(), 0u);
  EXPECT_TRUE(std::all_of(block, block + 30 * kPage, [](char c) { return c == 0; }));
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
  EXPECT_EQ(toy_.memory.calls(OsCall::kDecommit), 1u) << "by new pages";
  EXPECT_TRUE(std::all_of(block, block + 8 * kPage, [](char c) { return c == 0; }));
}

TEST_F(WhaleCacheTest, AlignmentIsKept) {
  deallocate(allocate(8 * kPage));
  for (int i = 0; i < 3; ++i) {
    char* block = allocate(8 * kPage, 64 * kPage);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % (64 * kPage), 0u);
    deallocate(block);
  }
  (void)direct_.trim(toy_.os);
  EXPECT_EQ(toy_.memory.reservations(), 0u) << "what was not aligned enough is not lost";
}

/// I7: what does not fit is unmapped, at once and wholly.
TEST_F(WhaleCacheTest, BoundsAreKept) {
  char* blocks[3] = {allocate(20 * kPage), allocate(30 * kPage), allocate(10 * kPage)};
  char* large = allocate(65 * kPage);
  for (char* block : blocks) deallocate(block);
  EXPECT_EQ(direct_.whales().held_bytes(), 50 * kPage) << "two places";
  deallocate(large);
  EXPECT_EQ(direct_.whales().held_bytes(), 50 * kPage) << "64 pages";
  EXPECT_EQ(toy_.memory.reservations(), 2u);
}

TEST_F(WhaleCacheTest, BoundIsReachedToTheLastPage) {
  char* blocks[3] = {allocate(20 * kPage), allocate(44 * kPage), allocate(64 * kPage)};
  deallocate(blocks[0]);
  deallocate(blocks[1]);
  EXPECT_EQ(direct_.whales().held_bytes(), 64 * kPage) << "both";
  deallocate(blocks[2]);
  EXPECT_EQ(direct_.whales().held_bytes(), 64 * kPage);
  EXPECT_EQ(toy_.memory.reservations(), 1u) << "the last alone";
}

/// Nobody has asked for it.
TEST_F(WhaleCacheTest, WhatHasBeenKeptLongestGivesWay) {
  constexpr std::uint64_t kTick = 64;  // ages are told apart by so many milliseconds
  char* blocks[3] = {allocate(20 * kPage), allocate(40 * kPage), allocate(30 * kPage)};
  ClockedOs::now = 10 * kTick;
  deallocate(blocks[0]);
  ClockedOs::now = 11 * kTick;
  deallocate(blocks[1]);
  ClockedOs::now = 12 * kTick;
  deallocate(blocks[2]);
  EXPECT_EQ(direct_.whales().held_bytes(), 30 * kPage) << "60 + 30 pages, and 40 + 30, are more than 64";
  EXPECT_EQ(toy_.memory.reservations(), 1u);
}

TEST_F(WhaleCacheTest, OfTheSameAgeTheSmallestGivesWay) {
  char* blocks[3] = {allocate(40 * kPage), allocate(20 * kPage), allocate(10 * kPage)};
  for (char* block : blocks) deallocate(block);
  EXPECT_EQ(direct_.whales().held_bytes(), 50 * kPage) << "the 20 had to go";
}

/// A program that works with much memory may keep much.
TEST_F(WhaleCacheTest, AShareOfWhatIsLiveMayBeKept) {
  direct_.whales().set_share(50);
  (void)allocate(200 * kPage);
  deallocate(allocate(90 * kPage));
  EXPECT_EQ(direct_.whales().held_bytes(), 90 * kPage) << "more than 64 pages, less than half of 200";
  deallocate(allocate(120 * kPage));
  EXPECT_EQ(direct_.whales().held_bytes(), 0u) << "the 90 were grown, and 120 are more than half of 200";
}

TEST_F(WhaleCacheTest, SwitchedOffItKeepsNoShareEither) {
  direct_.whales().set_share(100);
  direct_.whales().set_max_bytes(0);
  (void)allocate(200 * kPage);
  deallocate(allocate(8 * kPage));
  EXPECT_EQ(direct_.whales().held_bytes(), 0u);
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
  char* other = allocate(30 * kPage);
  deallocate(allocate(8 * kPage));
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
  (void)allocate(9 * kPage);
  EXPECT_EQ(direct_.whales().held_bytes(), 8 * kPage) << "nor is it grown";
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
  EXPECT_FALSE(direct_.whales().put(toy_.os, mapping, 0));
  mapping.bytes.set(CacheItem::kMaxSize * kPage);
  EXPECT_TRUE(direct_.whales().put(toy_.os, mapping, 0));
  std::uint32_t index = 1;
  EXPECT_TRUE(direct_.whales().take_any(index));
  EXPECT_EQ(index, 0u);
}

struct WhaleGeometry : ToyGeometry {
  static constexpr unsigned kWhalePlaces = 8;
  static constexpr std::size_t kWhaleBytes = 256 * kPage;
};
using DividingConfig = Config<TestSync, DividingOs<kToyBits>, WhaleGeometry>;

/// Kept mappings on a system where reservations can be divided.
class DividedMappings : public testing::Test {
 protected:
  char* allocate(std::size_t bytes) {
    return static_cast<char*>(direct_.allocate(toy_.backend, bytes, 1, Contents::kAny));
  }
  void deallocate(void* block) { EXPECT_TRUE(direct_.deallocate(toy_.backend, *toy_.map.find(block), block)); }
  char* reallocate(void* block, std::size_t bytes) {
    return static_cast<char*>(direct_.reallocate(toy_.backend, *toy_.map.find(block), bytes));
  }
  [[nodiscard]] std::size_t held() const { return const_cast<DividedMappings*>(this)->direct_.whales().held_bytes(); }

  Surroundings<DividingConfig> toy_;
  DirectMappings<DividingConfig> direct_;
};

TEST_F(DividedMappings, LargerMappingServesAndKeepsTheRest) {
  char* whole = allocate(40 * kPage);
  std::memset(whole, 7, 40 * kPage);
  deallocate(whole);
  char* first = allocate(10 * kPage);
  EXPECT_EQ(first, whole);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(first)), 10 * kPage);
  EXPECT_EQ(held(), 30 * kPage);
  char* second = allocate(20 * kPage);
  EXPECT_EQ(second, whole + 10 * kPage);
  EXPECT_EQ(second[0], 7) << "with its pages";
  EXPECT_EQ(toy_.map.find(second)->state.get(), SlabState::kDirect);
  EXPECT_EQ(held(), 10 * kPage);
  EXPECT_EQ(direct_.whales().hits(), 2u);
}

/// A quarter may be wasted, as it always could.
TEST_F(DividedMappings, LittleThatIsLeftOverGoesWithTheBlock) {
  deallocate(allocate(20 * kPage));
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(allocate(16 * kPage))), 20 * kPage);
  EXPECT_EQ(held(), 0u);
}

TEST_F(DividedMappings, WhatWasSplitIsJoinedAgainInAnyOrder) {
  constexpr int kOrders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : kOrders) {
    char* whole = allocate(60 * kPage);
    deallocate(whole);
    char* parts[3] = {allocate(20 * kPage), allocate(20 * kPage), allocate(20 * kPage)};
    EXPECT_EQ(held(), 0u);
    for (const int part : order) deallocate(parts[part]);
    EXPECT_EQ(toy_.memory.reservations(), 1u) << order[0] << order[1] << order[2];
    EXPECT_EQ(allocate(60 * kPage), whole);
    deallocate(whole);
    (void)direct_.trim(toy_.os);
  }
}

/// The system could not move them together.
TEST_F(DividedMappings, NeighboursThatWereReservedApartStayApart) {
  char* first = allocate(10 * kPage);
  char* second = allocate(10 * kPage);
  ASSERT_EQ(second, first + 10 * kPage);
  deallocate(first);
  deallocate(second);
  EXPECT_EQ(toy_.memory.reservations(), 2u);
}

/// What has been moved is where it was not split from anything.
TEST_F(DividedMappings, MovedPartIsNoNeighbourOfWhatItWasSplitFrom) {
  deallocate(allocate(40 * kPage));
  char* first = allocate(10 * kPage);
  char* second = allocate(10 * kPage);
  char* moved = reallocate(first, 50 * kPage);
  ASSERT_NE(moved, first);
  deallocate(second);
  EXPECT_EQ(held(), 30 * kPage) << "the second with what was left over behind it";
  deallocate(moved);
  EXPECT_EQ(toy_.memory.reservations(), 2u);
}

/// With pages that are there already.
TEST_F(DividedMappings, BlockGrowsIntoTheKeptMappingBehindIt) {
  deallocate(allocate(40 * kPage));
  char* block = allocate(10 * kPage);
  EXPECT_EQ(reallocate(block, 20 * kPage), block);
  EXPECT_EQ(toy_.memory.calls(OsCall::kResize), 0u);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(block)), 20 * kPage);
  EXPECT_EQ(direct_.bytes(), 20 * kPage);
  EXPECT_EQ(held(), 20 * kPage);
  EXPECT_EQ(reallocate(block, 35 * kPage), block);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(block)), 40 * kPage) << "what is left over is little";
  EXPECT_EQ(direct_.bytes(), 40 * kPage);
  EXPECT_EQ(held(), 0u);
  deallocate(block);
  EXPECT_EQ(direct_.bytes(), 0u);
  EXPECT_EQ(toy_.memory.reservations(), 1u);
}

TEST_F(DividedMappings, NothingTooSmallIsGrownInto) {
  deallocate(allocate(40 * kPage));
  char* first = allocate(10 * kPage);
  char* second = allocate(15 * kPage);
  char* wall = allocate(kPage);  // of the last 15
  EXPECT_EQ(held(), 14 * kPage);
  EXPECT_NE(reallocate(first, 20 * kPage), first) << "its neighbour is in use";
  char* moved = reallocate(second, 40 * kPage);
  EXPECT_NE(moved, second);
  EXPECT_EQ(held(), 14 * kPage);
  deallocate(wall);
}

/// Otherwise kept neighbours would go with what there is no room for.
TEST_F(DividedMappings, WhatIsNotKeptIsNotJoined) {
  direct_.whales().set_max_bytes(30 * kPage);
  char* whole = allocate(60 * kPage);
  direct_.whales().set_max_bytes(60 * kPage);
  deallocate(whole);
  char* large = allocate(40 * kPage);
  EXPECT_EQ(held(), 20 * kPage);
  direct_.whales().set_max_bytes(30 * kPage);
  deallocate(large);
  EXPECT_EQ(held(), 20 * kPage);
}

TEST_F(DividedMappings, WithoutADescriptorTheRestGoesBack) {
  char* whole = allocate(40 * kPage);
  (void)allocate(kPage);  // its descriptor is the last of its group
  deallocate(whole);
  toy_.memory.refuse(OsCall::kMetadata);
  EXPECT_EQ(allocate(10 * kPage), whole);
  EXPECT_EQ(direct_.usable_size(*toy_.map.find(whole)), 10 * kPage);
  EXPECT_EQ(held(), 0u);
  EXPECT_EQ(toy_.memory.reserved_bytes(), 11 * kPage);
}

/// Then it serves nobody who needs less.
TEST_F(DividedMappings, WhatCanNeitherBeSplitNorShrunkIsKeptOn) {
  char* whole = allocate(40 * kPage);
  (void)allocate(kPage);
  deallocate(whole);
  toy_.memory.refuse(OsCall::kMetadata, 1, 2);
  toy_.memory.refuse(OsCall::kResize);
  (void)allocate(10 * kPage);
  EXPECT_EQ(held(), 40 * kPage);
  toy_.memory.grant_everything();
  EXPECT_EQ(allocate(40 * kPage), whole);
}

/// I7: their number is that of mappings at one time.
TEST_F(DividedMappings, DescriptorsOfWhatWasJoinedAreReused) {
  for (int i = 0; i < 100; ++i) {
    deallocate(allocate(40 * kPage));
    char* first = allocate(10 * kPage);
    char* second = allocate(10 * kPage);
    deallocate(i % 2 == 0 ? first : second);
    deallocate(i % 2 == 0 ? second : first);
  }
  int descriptors = 0;
  direct_.visit_all([&](DirectMapping<DividingConfig>&) { ++descriptors; });
  EXPECT_LE(descriptors, 4);
}

/// Nothing smaller than a page can be split off.
TEST(DividedMappingsOnLargePages, RestThatIsNoWholePageGoesWithTheBlock) {
  TestMemory memory{kToyBits, 4 * kPage};
  Backend<DividingConfig> backend{DividingOs<kToyBits>(memory)};
  backend.init();
  DirectMappings<DividingConfig> direct;
  const auto allocate = [&](std::size_t pages) { return direct.allocate(backend, pages * kPage, 1, Contents::kAny); };
  void* whole = allocate(8);
  EXPECT_TRUE(direct.deallocate(backend, *backend.map.find(whole), whole));
  EXPECT_EQ(allocate(5), whole);
  EXPECT_EQ(direct.usable_size(*backend.map.find(whole)), 8 * kPage);
  EXPECT_EQ(direct.whales().held_bytes(), 0u);
}

TEST_F(DividedMappings, EverythingGoesBack) {
  deallocate(allocate(60 * kPage));
  char* first = allocate(10 * kPage);
  char* second = allocate(20 * kPage);
  deallocate(first);
  EXPECT_EQ(direct_.trim(toy_.os), 40 * kPage);
  deallocate(second);
  EXPECT_EQ(direct_.trim(toy_.os), 20 * kPage);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
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
