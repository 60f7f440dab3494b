#include "lockfree/bounded_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "support/losing_sync.hpp"
#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

constexpr std::uint64_t kNoBound = ~std::uint64_t{0};
const auto any = [](CacheItem) { return true; };

TEST(CacheItem, KeepsItsFieldsApart) {
  const auto item = CacheItem::of(CacheItem{CacheItem::kMaxId, CacheItem::kMaxSize, CacheItem::kStampMask}.word());
  EXPECT_EQ(item.id, CacheItem::kMaxId);
  EXPECT_EQ(item.size, CacheItem::kMaxSize);
  EXPECT_EQ(item.stamp, CacheItem::kStampMask);
}

TEST(CacheItem, AgesAcrossTheWrapOfItsStamp) {
  const auto item = CacheItem::of(CacheItem{1, 1, CacheItem::kStampMask + 7}.word());
  EXPECT_EQ(item.age(CacheItem::kStampMask + 7), 0u);
  EXPECT_EQ(item.age(CacheItem::kStampMask + 20), 13u);
}

TEST(BoundedCache, TakesTheSmallestThatIsAccepted) {
  BoundedCache<TestSync, 4> cache;
  CacheItem taken{};
  EXPECT_FALSE(cache.take(taken, any));
  for (std::uint64_t size : {30u, 10u, 20u, 40u}) EXPECT_TRUE(cache.put({size, size, 0}, kNoBound));
  EXPECT_EQ(cache.held(), 100u);
  const auto larger = [](CacheItem item) { return item.size > 10; };
  EXPECT_TRUE(cache.take(taken, larger));
  EXPECT_EQ(taken.id, 20u);
  EXPECT_TRUE(cache.take(taken, any));
  EXPECT_EQ(taken.id, 10u);
  for (std::uint64_t size : {30u, 40u}) {
    EXPECT_TRUE(cache.take(taken, larger));
    EXPECT_EQ(taken.id, size);
  }
  EXPECT_FALSE(cache.take(taken, any));
}

/// I7: what does not fit stays the caller's; nothing is dropped.
TEST(BoundedCache, RefusesWhatIsTooMuch) {
  BoundedCache<TestSync, 2> cache;
  EXPECT_FALSE(cache.put({0, 11, 0}, 10)) << "by size";
  EXPECT_TRUE(cache.put({1, 6, 0}, 10));
  EXPECT_FALSE(cache.put({2, 5, 0}, 10)) << "by the sum of sizes";
  EXPECT_TRUE(cache.put({3, 4, 0}, 10));
  EXPECT_FALSE(cache.put({4, 1, 0}, kNoBound)) << "by places";
  EXPECT_EQ(cache.held(), 10u);
}

TEST(BoundedCache, GivesBackTheTimeAtWhichAThingWasPut) {
  BoundedCache<TestSync, 1> cache;
  EXPECT_TRUE(cache.put({5, 3, 77}, 3));
  CacheItem taken{};
  EXPECT_TRUE(cache.take(taken, any));
  EXPECT_EQ(taken.id, 5u);
  EXPECT_EQ(taken.size, 3u);
  EXPECT_EQ(taken.stamp, 77u);
}

/// I1: a thing is in the cache or has one owner.
TEST(BoundedCache, ThreadsNeverOwnTheSameThing) {
  BoundedCache<TestSync, 2> cache;
  std::atomic<int> owners[3] = {1, 1, 1};
  std::atomic<bool> exclusive{true};
  run_together(3, [&](unsigned thread) {
    CacheItem mine{thread, thread + 1, 0};
    bool owned = true;
    for (int i = 0; i < 1000; ++i) {
      if (owned) {
        if (owners[mine.id].fetch_sub(1) != 1) exclusive = false;
        owned = !cache.put(mine, kNoBound);
        if (owned) owners[mine.id].fetch_add(1);
      } else if ((owned = cache.take(mine, any))) {
        if (owners[mine.id].fetch_add(1) != 0) exclusive = false;
      }
    }
    if (owned) owners[mine.id].fetch_sub(1);
  });
  EXPECT_TRUE(exclusive);
  for (const auto& count : owners) EXPECT_EQ(count.load(), 0);
}

TEST(BoundedCache, WhoLosesARaceForAThingPausesAndLooksAgain) {
  BoundedCache<LosingSync, 2> cache;
  EXPECT_TRUE(cache.put({3, 5, 0}, kNoBound));
  races_to_lose = 1;
  pauses = 0;
  CacheItem taken{};
  EXPECT_TRUE(cache.take(taken, any));
  EXPECT_EQ(taken.id, 3u);
  EXPECT_EQ(pauses, 1u);
}

}  // namespace
}  // namespace hakmem::test
