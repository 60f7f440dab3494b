#include "superslab/superslab_cache.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

struct TwoCached : ToyGeometry {
  static constexpr unsigned kCachedSuperSlabs = 2;
};
using ConfigT = SimulatedConfig<TwoCached>;

TEST(SuperSlabCache, KeepsAsManyAsTheGeometrySaysAndRefusesMore) {
  SuperSlabCache<ConfigT> cache;
  SuperSlab<ConfigT> superslabs[3];
  EXPECT_EQ(cache.take(), nullptr);
  EXPECT_TRUE(cache.put(superslabs[0]));
  EXPECT_TRUE(cache.put(superslabs[1]));
  EXPECT_FALSE(cache.put(superslabs[2])) << "the caller still owns it";
  auto* first = cache.take();
  auto* second = cache.take();
  EXPECT_NE(first, second);
  EXPECT_NE(second, nullptr);
  EXPECT_EQ(cache.take(), nullptr);
}

TEST(SuperSlabCache, KeepsNoMoreThanIsSet) {
  SuperSlabCache<ConfigT> cache;
  SuperSlab<ConfigT> superslabs[2];
  cache.set_most(1);
  EXPECT_TRUE(cache.put(superslabs[0]));
  EXPECT_FALSE(cache.put(superslabs[1]));
  cache.set_most(0);
  EXPECT_EQ(cache.take(), &superslabs[0]);
  EXPECT_FALSE(cache.put(superslabs[0]));
}

TEST(SuperSlabCache, PurgeTakesOutWhatIsOldAndLeavesTheRest) {
  SuperSlabCache<ConfigT> cache;
  SuperSlab<ConfigT> superslabs[2];
  superslabs[0].retired_at.set(100);
  superslabs[1].retired_at.set(200);
  for (auto& superslab : superslabs) EXPECT_TRUE(cache.put(superslab));
  std::vector<SuperSlab<ConfigT>*> unmapped;
  cache.purge(150, [&](SuperSlab<ConfigT>& superslab) { unmapped.push_back(&superslab); });
  EXPECT_EQ(unmapped, (std::vector<SuperSlab<ConfigT>*>{&superslabs[0]}));
  EXPECT_EQ(cache.count(), 1u);
  EXPECT_EQ(cache.take(), &superslabs[1]);
}

TEST(SuperSlabCache, PurgeUnmapsNothingThatRetiredAtTheVeryMoment) {
  SuperSlabCache<ConfigT> cache;
  SuperSlab<ConfigT> superslab;
  superslab.retired_at.set(150);
  EXPECT_TRUE(cache.put(superslab));
  cache.purge(150, [](SuperSlab<ConfigT>&) { ADD_FAILURE() << "not before, but at"; });
  EXPECT_EQ(cache.count(), 1u);
}

/// What others put while a purge holds the young ones stays where it is, however much it is.
TEST(SuperSlabCache, PurgeTakesNoMoreThanItCanPutBack) {
  SuperSlabCache<ConfigT> cache;
  SuperSlab<ConfigT> superslabs[4];
  for (auto& superslab : superslabs) superslab.retired_at.set(200);
  superslabs[1].retired_at.set(100);
  EXPECT_TRUE(cache.put(superslabs[0]));
  EXPECT_TRUE(cache.put(superslabs[1]));
  std::vector<SuperSlab<ConfigT>*> unmapped;
  cache.purge(150, [&](SuperSlab<ConfigT>& superslab) {
    unmapped.push_back(&superslab);
    if (&superslab != &superslabs[1]) return;
    EXPECT_TRUE(cache.put(superslabs[2]));
    EXPECT_TRUE(cache.put(superslabs[3]));
  });
  EXPECT_EQ(unmapped, (std::vector<SuperSlab<ConfigT>*>{&superslabs[1], &superslabs[2]}));
  EXPECT_EQ(cache.count(), 2u);
}

TEST(SuperSlabCache, PurgeUnmapsWhatNoLongerFits) {
  SuperSlabCache<ConfigT> cache;
  SuperSlab<ConfigT> superslabs[2];
  for (auto& superslab : superslabs) EXPECT_TRUE(cache.put(superslab));
  cache.set_most(1);
  unsigned unmapped = 0;
  cache.purge(0, [&](SuperSlab<ConfigT>&) { ++unmapped; });
  EXPECT_EQ(unmapped, 1u);
  EXPECT_EQ(cache.count(), 1u);
}

}  // namespace
}  // namespace hakmem::test
