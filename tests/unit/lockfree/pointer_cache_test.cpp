#include "lockfree/pointer_cache.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

struct Thing {
  std::atomic<int> owners{1};
};

TEST(PointerCache, GivesBackWhatWasPut) {
  PointerCache<TestSync, Thing, 3> cache;
  Thing things[3];
  EXPECT_EQ(cache.take(), nullptr);
  for (Thing& thing : things) EXPECT_TRUE(cache.put(&thing));
  std::set<Thing*> taken;
  while (Thing* thing = cache.take()) taken.insert(thing);
  EXPECT_EQ(taken, (std::set<Thing*>{&things[0], &things[1], &things[2]}));
}

/// I7: what does not fit stays the caller's; nothing is dropped.
TEST(PointerCache, RefusesWhenFull) {
  PointerCache<TestSync, Thing, 1> cache;
  Thing kept, refused;
  EXPECT_TRUE(cache.put(&kept));
  EXPECT_FALSE(cache.put(&refused));
  EXPECT_EQ(cache.take(), &kept);
  EXPECT_TRUE(cache.put(&refused));
}

/// I1: a thing is in the cache or has one owner.
TEST(PointerCache, ThreadsNeverOwnTheSameThing) {
  PointerCache<TestSync, Thing, 2> cache;
  Thing things[3];
  std::atomic<bool> exclusive{true};
  run_together(3, [&](unsigned thread) {
    Thing* mine = &things[thread];
    for (int i = 0; i < 1000; ++i) {
      if (mine != nullptr) {
        if (mine->owners.fetch_sub(1) != 1) exclusive = false;
        if (cache.put(mine)) {
          mine = nullptr;
        } else {
          mine->owners.fetch_add(1);
        }
      } else if ((mine = cache.take()) != nullptr) {
        if (mine->owners.fetch_add(1) != 0) exclusive = false;
      }
    }
    if (mine != nullptr) mine->owners.fetch_sub(1);
  });
  EXPECT_TRUE(exclusive);
  for (const Thing& thing : things) EXPECT_EQ(thing.owners.load(), 0);
}

}  // namespace
}  // namespace hakmem::test
