#include "layout/geometry.hpp"

#include <gtest/gtest.h>

#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

struct TooManySlots : FullGeometry {
  static constexpr unsigned kSlots = 64;
};
struct SlotsNoPowerOfTwo : FullGeometry {
  static constexpr unsigned kSlots = 24;
};
struct LargerThanASuperSlab : FullGeometry {
  static constexpr std::size_t kLargeMax = std::size_t{4} << 20;
};
struct GranuleBelowAlignment : FullGeometry {
  static constexpr unsigned kGranuleShift = 3;
};
struct QuarterStepsBelowGranule : FullGeometry {
  static constexpr std::size_t kSmallMax = 32;
};
struct NoCachedSuperSlab : FullGeometry {
  static constexpr unsigned kCachedSuperSlabs = 0;
};

static_assert(!GeometryPolicy<TooManySlots>, "two planes of 32 bits");
static_assert(!GeometryPolicy<SlotsNoPowerOfTwo>);
static_assert(!GeometryPolicy<LargerThanASuperSlab>);
static_assert(!GeometryPolicy<GranuleBelowAlignment>, "blocks are aligned to 16");
static_assert(!GeometryPolicy<QuarterStepsBelowGranule>);
static_assert(!GeometryPolicy<NoCachedSuperSlab>);
static_assert(GeometryPolicy<ToyGeometry> && GeometryPolicy<LeastPagedGeometry>);

/// D1, H: SuperSlabs of 2 MiB in 32 slots of 64 KiB; small to 1 KiB, mid to 32 KiB, large to 1 MiB, no gaps.
TEST(Geometry, ShippingDimensionsAreThoseOfTheSpecification) {
  EXPECT_EQ(kSlotBytes<FullGeometry>, 65536u);
  EXPECT_EQ(kSuperSlabBytes<FullGeometry>, std::size_t{2} << 20);
  EXPECT_EQ(FullGeometry::kSlots, 32u);
  EXPECT_EQ(FullGeometry::kSmallMax, 1024u);
  EXPECT_EQ(FullGeometry::kMidMax, std::size_t{32} << 10);
  EXPECT_EQ(FullGeometry::kLargeMax, std::size_t{1} << 20);
}

}  // namespace
}  // namespace hakmem::test
