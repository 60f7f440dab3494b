/// Of every dimension there is no less.

#include "layout/least_geometry.hpp"

#include <gtest/gtest.h>

#include "layout/size_class.hpp"

namespace hakmem::test {
namespace {

struct SmallerGranule : LeastGeometry {
  static constexpr unsigned kGranuleShift = LeastGeometry::kGranuleShift - 1;
};
struct SmallerSlots : LeastGeometry {
  static constexpr unsigned kSlotShift = LeastGeometry::kSlotShift - 1;
};
struct FewerSlots : LeastGeometry {
  static constexpr unsigned kSlots = LeastGeometry::kSlots - 1;
};
struct SmallerSmall : LeastGeometry {
  static constexpr std::size_t kSmallMax = LeastGeometry::kSmallMax / 2;
};
struct SmallerMid : LeastGeometry {
  static constexpr std::size_t kMidMax = LeastGeometry::kMidMax - 1;
};
struct SmallerLarge : LeastGeometry {
  static constexpr std::size_t kLargeMax = LeastGeometry::kLargeMax / 2;
};
struct SmallerCached : LeastGeometry {
  static constexpr std::size_t kCachedMax = LeastGeometry::kCachedMax - 1;
};
struct LessCarved : LeastGeometry {
  static constexpr std::size_t kCarveBytes = LeastGeometry::kCarveBytes - 1;
};
struct FewerRefilled : LeastGeometry {
  static constexpr unsigned kRefillBlocks = LeastGeometry::kRefillBlocks - 1;
};
struct SmallerBatch : LeastGeometry {
  static constexpr unsigned kRefillBatch = LeastGeometry::kRefillBatch - 1;
};
struct SmallerDivisor : LeastGeometry {
  static constexpr unsigned kWakeDivisor = LeastGeometry::kWakeDivisor - 1;
};
struct FewerToWake : LeastGeometry {
  static constexpr unsigned kWakeBlocks = LeastGeometry::kWakeBlocks - 1;
};
struct FewerEntries : LeastGeometry {
  static constexpr unsigned kOutboxEntries = LeastGeometry::kOutboxEntries - 1;
};
struct ShorterChains : LeastGeometry {
  static constexpr unsigned kOutboxBlocks = LeastGeometry::kOutboxBlocks - 1;
};
struct SmallerChains : LeastGeometry {
  static constexpr std::size_t kOutboxBytes = LeastGeometry::kOutboxBytes - 1;
};
struct ShorterInterval : LeastGeometry {
  static constexpr unsigned kOutboxInterval = LeastGeometry::kOutboxInterval - 1;
};
struct FewerInAGroup : LeastGeometry {
  static constexpr unsigned kDescriptorsPerGroup = LeastGeometry::kDescriptorsPerGroup - 1;
};
struct FewerCached : LeastGeometry {
  static constexpr unsigned kCachedSuperSlabs = LeastGeometry::kCachedSuperSlabs - 1;
};
struct FewerWhales : LeastGeometry {
  static constexpr unsigned kWhalePlaces = LeastGeometry::kWhalePlaces - 1;
};
struct BeforeNever : LeastGeometry {
  static constexpr std::int64_t kPurgeDelayMs = LeastGeometry::kPurgeDelayMs - 1;
};

static_assert(!GeometryPolicy<SmallerGranule> && !GeometryPolicy<SmallerSlots> && !GeometryPolicy<FewerSlots>);
static_assert(!GeometryPolicy<SmallerSmall> && !GeometryPolicy<SmallerMid> && !GeometryPolicy<SmallerLarge>);
static_assert(!GeometryPolicy<SmallerCached> && !GeometryPolicy<LessCarved> && !GeometryPolicy<FewerRefilled>);
static_assert(!GeometryPolicy<SmallerBatch> && !GeometryPolicy<SmallerDivisor> && !GeometryPolicy<FewerToWake>);
static_assert(!GeometryPolicy<FewerEntries> && !GeometryPolicy<ShorterChains> && !GeometryPolicy<SmallerChains>);
static_assert(!GeometryPolicy<ShorterInterval> && !GeometryPolicy<FewerInAGroup> && !GeometryPolicy<FewerCached>);
static_assert(!GeometryPolicy<FewerWhales> && !GeometryPolicy<BeforeNever>);
static_assert(LeastGeometry::kCacheBytes == 0 && LeastGeometry::kRetainBytes == 0 && LeastGeometry::kWhaleBytes == 0);

TEST(LeastGeometry, SlabOfItsLargestClassIsOneBlock) {
  using Classes = SizeClass<LeastGeometry>;
  ASSERT_EQ(Classes::kCount, 4u);
  const auto& layout = Classes::layout(Classes::kCount - 1);
  EXPECT_EQ(layout.block_bytes, 64u);
  EXPECT_EQ(layout.capacity, 1u);
  EXPECT_EQ(layout.slots, 1u);
}

}  // namespace
}  // namespace hakmem::test
