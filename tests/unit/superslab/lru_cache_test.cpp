#include "superslab/lru_cache.hpp"

#include <gtest/gtest.h>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

struct TwoCached : ToyGeometry {
  static constexpr unsigned kCachedSuperSlabs = 2;
  static constexpr unsigned kWhalePlaces = 2;
  static constexpr std::size_t kWhaleBytes = 0;
  static constexpr std::int64_t kPurgeDelayMs = 1000;
};
using ConfigT = SimulatedConfig<TwoCached>;

TEST(LruCache, KeepsAsManyAsTheGeometrySaysAndRefusesMore) {
  LruCache<ConfigT> cache;
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

}  // namespace
}  // namespace hakmem::test
