/// Size classes of the shipping geometry, every one of them; what holds for any geometry is in the properties.

#include "layout/size_class.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

using Full = SizeClass<FullGeometry>;

TEST(SizeClass, EveryRequestGetsTheSmallestClassThatHoldsIt) {
  unsigned expected = 0;
  for (std::size_t bytes = 1; bytes <= FullGeometry::kLargeMax; ++bytes) {
    if (bytes > Full::block_bytes(expected)) ++expected;
    ASSERT_EQ(Full::of(bytes), expected) << bytes;
  }
  EXPECT_EQ(expected, Full::kCount - 1);
}

/// H: 16-byte steps to 1 KiB, then four per doubling.
TEST(SizeClass, OneLookFindsTheClassOfEveryMidRequest) {
  using Classes = SizeClass<FullGeometry>;
  for (std::size_t bytes = FullGeometry::kSmallMax + 1; bytes <= FullGeometry::kMidMax; ++bytes) {
    ASSERT_EQ(Classes::of_mid(bytes), Classes::of(bytes)) << bytes;
  }
}

TEST(SizeClass, StepsAreAsSpecified) {
  EXPECT_EQ(Full::kSmallCount, 64u);
  EXPECT_EQ(Full::kCount, 64u + 4 * 10);
  for (unsigned c = 0; c < Full::kSmallCount; ++c) EXPECT_EQ(Full::block_bytes(c), (c + 1) * 16);
  std::size_t power = 1024;
  for (unsigned c = Full::kSmallCount; c < Full::kCount; c += 4, power *= 2) {
    for (unsigned quarter = 1; quarter <= 4; ++quarter) {
      EXPECT_EQ(Full::block_bytes(c + quarter - 1), power + power / 4 * quarter);
    }
  }
}

TEST(SizeClass, AlignedRequestsBeyondTheLargestBlockHaveNoClass) {
  EXPECT_EQ(Full::of_aligned(1, 65536), Full::of(65536));
  EXPECT_EQ(Full::of_aligned(100, 64), Full::of(128));
  EXPECT_EQ(Full::of_aligned(FullGeometry::kLargeMax, 65536), Full::kCount - 1);
  EXPECT_EQ(SizeClass<ToyGeometry>::of_aligned(4096, 1024), SizeClass<ToyGeometry>::of(4096));
  EXPECT_EQ(SizeClass<LeastPagedGeometry>::of_aligned(2047, 2048), SizeClass<LeastPagedGeometry>::of(2048));
  using Small = SizeClass<SmallBlocks>;
  EXPECT_EQ(Small::of_aligned(1, 256), Small::kCount - 1);
  EXPECT_EQ(Small::of_aligned(1, 1024), Small::kCount);
}

template <class G>
class SlabLayout : public testing::Test {};
using Geometries = testing::Types<FullGeometry, ToyGeometry, LeastPagedGeometry>;
TYPED_TEST_SUITE(SlabLayout, Geometries);

TYPED_TEST(SlabLayout, EveryClassFitsItsSlab) {
  using Classes = SizeClass<TypeParam>;
  for (unsigned c = 0; c < Classes::kCount; ++c) {
    SCOPED_TRACE(c);
    const auto& layout = Classes::layout(c);
    const std::size_t slab = layout.slots * kSlotBytes<TypeParam>;
    EXPECT_EQ(layout.block_bytes, Classes::block_bytes(c));
    EXPECT_GE(layout.slots, 1u);
    EXPECT_LE(layout.slots, TypeParam::kSlots);
    EXPECT_EQ(layout.capacity, slab / layout.block_bytes) << "as many blocks as fit";
    EXPECT_GE(layout.capacity, 1u);
    EXPECT_GE(layout.carve, 1u);
    EXPECT_LE(layout.carve, layout.capacity);
    EXPECT_GE(layout.wake_blocks, 1u);
    EXPECT_LE(layout.wake_blocks, layout.capacity) << "a full slab whose blocks all come back must wake";
    EXPECT_GE(layout.outbox_blocks, 1u);
    const bool cached = layout.block_bytes > TypeParam::kSmallMax && layout.block_bytes <= TypeParam::kCachedMax;
    EXPECT_EQ(layout.cache_blocks != 0, cached);
    EXPECT_NE(layout.cache_blocks, 1u) << "a spill keeps half";
  }
}

TYPED_TEST(SlabLayout, EveryOffsetOfEverySlabIsJudgedExactly) {
  using Classes = SizeClass<TypeParam>;
  for (unsigned c = 0; c < Classes::kCount; ++c) {
    const auto& layout = Classes::layout(c);
    std::uint64_t wrong = 0;
    for (std::uint64_t offset = 0; offset < layout.slots * kSlotBytes<TypeParam>; ++offset) {
      for (const unsigned cut : {0u, 1u, layout.capacity / 2u, unsigned{layout.capacity}}) {
        const bool is_cut = offset % layout.block_bytes == 0 && offset / layout.block_bytes < cut;
        wrong += Classes::is_cut_offset(offset, layout.divisor, cut * layout.excess) != is_cut ? 1u : 0u;
      }
    }
    EXPECT_EQ(wrong, 0u) << c;
  }
}

/// The page map takes an address for what it is modulo the map's size; the slab does not.
TYPED_TEST(SlabLayout, NoBlockStartsWhereUpperBitsOfItsAddressAreSet) {
  using Classes = SizeClass<TypeParam>;
  constexpr unsigned kAddressBits = 47;
  for (unsigned c = 0; c < Classes::kCount; ++c) {
    const auto& layout = Classes::layout(c);
    std::uint64_t taken = 0;
    for (std::uint64_t upper = 1; upper < std::uint64_t{1} << (64 - kAddressBits); ++upper) {
      const std::uint64_t last = std::uint64_t{layout.capacity - 1u} * layout.block_bytes;
      for (const std::uint64_t offset : {std::uint64_t{0}, last}) {
        taken +=
            Classes::is_cut_offset(offset + (upper << kAddressBits), layout.divisor, layout.capacity * layout.excess);
      }
    }
    EXPECT_EQ(taken, 0u) << c;
  }
}

TEST(SlabLayoutOfShippingGeometry, SlabsUpToASlotHoldFourBlocksAndWasteASixteenth) {
  for (unsigned c = 0; Full::block_bytes(c) <= kSlotBytes<FullGeometry>; ++c) {
    const auto& layout = Full::layout(c);
    const std::size_t slab = layout.slots * kSlotBytes<FullGeometry>;
    EXPECT_GE(layout.capacity, 4u) << layout.block_bytes;
    EXPECT_LE((slab - std::size_t{layout.capacity} * layout.block_bytes) * 16, slab) << layout.block_bytes;
  }
}

/// What is wasted within a page is touched: more slots where that saves it.
TEST(SlabLayoutOfShippingGeometry, MidBlocksWasteLittleOfAPage) {
  for (const unsigned bytes : {3072u, 6144u, 12288u}) EXPECT_EQ(Full::layout(Full::of(bytes)).slots, 3u) << bytes;
  for (const unsigned bytes : {1280u, 2048u, 4096u, 8192u, 16384u}) {
    EXPECT_EQ(Full::layout(Full::of(bytes)).slots, 1u) << bytes;
  }
  for (unsigned c = 0; Full::block_bytes(c) <= 3072; ++c) {
    const auto& layout = Full::layout(c);
    const std::size_t slab = layout.slots * kSlotBytes<FullGeometry>;
    EXPECT_LT((slab - std::size_t{layout.capacity} * layout.block_bytes) * 64, slab) << layout.block_bytes;
  }
}

TEST(SlabLayoutOfShippingGeometry, BlocksAboveASlotTakeNoMoreSlotsThanTheyNeed) {
  for (unsigned c = Full::of(65537); c < Full::kCount; ++c) {
    const auto& layout = Full::layout(c);
    EXPECT_EQ(layout.slots, (layout.block_bytes + 65535) / 65536) << layout.block_bytes;
    EXPECT_EQ(layout.capacity, 1u) << layout.block_bytes;
  }
}

/// B3, B4: as many as the cache's bytes hold, 2 at least and 64 at most.
TYPED_TEST(SlabLayout, CachesAreAsLargeAsTheirBytes) {
  using Classes = SizeClass<TypeParam>;
  for (unsigned c = 0; c < Classes::kCount; ++c) {
    const auto& layout = Classes::layout(c);
    if (layout.cache_blocks == 0) continue;
    const std::size_t fit = TypeParam::kCacheBytes / layout.block_bytes;
    EXPECT_EQ(layout.cache_blocks, std::clamp<std::size_t>(fit, 2, 64)) << layout.block_bytes;
  }
}

/// Memory is touched no sooner than it is used.
TEST(SlabLayoutOfShippingGeometry, CarvesAPageAtATime) {
  for (unsigned c = 0; c < Full::kCount; ++c) {
    const auto& layout = Full::layout(c);
    EXPECT_TRUE(layout.carve == 1 || std::size_t{layout.carve} * layout.block_bytes <= 4096) << layout.block_bytes;
  }
}

}  // namespace
}  // namespace hakmem::test
