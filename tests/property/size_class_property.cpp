/// Size classes: monotone, the smallest that holds a request, waste as size_class.hpp states it, alignment, and exact
/// recognition of block starts; on the shipping geometry and on toys.

#include "layout/size_class.hpp"

#include "support/draw.hpp"
#include "support/property.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

/// A request, more often than not beside a class boundary.
template <class Classes, class G>
std::size_t any_request() {
  if (draw::index(3) == 0) return draw::in_range<std::size_t>(1, G::kLargeMax + 1);
  const unsigned c = draw::in_range(0u, Classes::kCount);
  const auto below = draw::in_range<std::size_t>(0, 3);
  return std::min(Classes::block_bytes(c) + 1 - below, G::kLargeMax);
}

template <class Classes, class G>
void is_monotone() {
  const std::size_t one = any_request<Classes, G>();
  const std::size_t two = any_request<Classes, G>();
  RC_ASSERT(Classes::of(std::min(one, two)) <= Classes::of(std::max(one, two)));
  RC_ASSERT(one == G::kLargeMax || Classes::of(one) <= Classes::of(one + 1));
  const unsigned c = draw::in_range(1u, Classes::kCount);
  RC_ASSERT(Classes::block_bytes(c - 1) < Classes::block_bytes(c));
}

template <class Classes, class G>
void is_smallest_that_holds() {
  const std::size_t bytes = any_request<Classes, G>();
  const unsigned c = Classes::of(bytes);
  RC_ASSERT(c < Classes::kCount);
  RC_ASSERT(Classes::block_bytes(c) >= bytes);
  if (c != 0) RC_ASSERT(Classes::block_bytes(c - 1) < bytes);
}

template <class Classes, class G>
void waste_is_bounded() {
  const std::size_t bytes = any_request<Classes, G>();
  const std::size_t block = Classes::block_bytes(Classes::of(bytes));
  if (bytes <= G::kSmallMax) {
    RC_ASSERT(block - bytes < std::size_t{1} << G::kGranuleShift);
  } else {
    RC_ASSERT(4 * block < 5 * bytes);
  }
}

template <class Classes, class G>
void is_aligned_and_smallest() {
  const std::size_t bytes = any_request<Classes, G>();
  const std::size_t alignment = std::size_t{1} << draw::in_range(0u, unsigned{G::kSlotShift} + 1);
  const unsigned c = Classes::of_aligned(bytes, alignment);
  unsigned expected = 0;
  while (expected < Classes::kCount &&
         (Classes::block_bytes(expected) < bytes || Classes::block_bytes(expected) % alignment != 0)) {
    ++expected;
  }
  RC_ASSERT(c == expected);
}

/// Blocks that are cut start at multiples of the block size below a slab's extent, and nowhere else, however far outside of
/// the slab that is (a wild pointer).
template <class Classes, class G>
void recognises_block_starts() {
  const unsigned c = draw::in_range(0u, Classes::kCount);
  const auto& layout = Classes::layout(c);
  const std::uint64_t block = layout.block_bytes;
  const auto cut = draw::in_range<std::uint32_t>(0, layout.capacity + 1u);
  const auto is_cut = [&](std::uint64_t offset) {
    return Classes::is_cut_offset(offset, layout.divisor, cut * layout.excess);
  };
  const std::uint64_t index = draw::in_range<std::uint64_t>(0, layout.capacity);
  RC_ASSERT(is_cut(index * block) == (index < cut));
  const std::uint64_t inside = draw::in_range<std::uint64_t>(1, block);
  RC_ASSERT(!is_cut(index * block + inside));
  // Exact as long as 2 * offset * block does not overflow.
  const std::uint64_t far = draw::in_range<std::uint64_t>(cut, UINT64_MAX / 2 / block / block) * block;
  RC_ASSERT(!is_cut(far));
  RC_ASSERT(!is_cut(far + inside));
}

template <class G>
class SizeClassProperty : public testing::Test {};

using Geometries = testing::Types<FullGeometry, ToyGeometry, LeastPagedGeometry>;
TYPED_TEST_SUITE(SizeClassProperty, Geometries);

TYPED_TEST(SizeClassProperty, LargerRequestsNeverGetSmallerBlocks) {
  EXPECT_TRUE(holds(&is_monotone<SizeClass<TypeParam>, TypeParam>, 20));
}

TYPED_TEST(SizeClassProperty, RequestGetsSmallestClassThatHoldsIt) {
  EXPECT_TRUE(holds(&is_smallest_that_holds<SizeClass<TypeParam>, TypeParam>, 20));
}

TYPED_TEST(SizeClassProperty, WasteStaysWithinTheStatedBound) {
  EXPECT_TRUE(holds(&waste_is_bounded<SizeClass<TypeParam>, TypeParam>, 20));
}

TYPED_TEST(SizeClassProperty, AlignedRequestGetsSmallestClassWhoseBlocksAreAligned) {
  EXPECT_TRUE(holds(&is_aligned_and_smallest<SizeClass<TypeParam>, TypeParam>, 20));
}

TYPED_TEST(SizeClassProperty, BlockStartsAreRecognisedExactly) {
  EXPECT_TRUE(holds(&recognises_block_starts<SizeClass<TypeParam>, TypeParam>, 20));
}

// Negative controls ---------------------------------------------------------------------------------------------------

using Full = SizeClass<FullGeometry>;

/// A request for exactly a block's size goes one class too high.
struct RoundsUpTwice : Full {
  static unsigned of(std::size_t bytes) { return std::min(Full::of(bytes + 1), kCount - 1); }
};

/// Two neighbouring classes above kSmallMax change places.
struct Swaps : Full {
  static unsigned of(std::size_t bytes) {
    const unsigned c = Full::of(bytes);
    return c == kSmallCount ? c + 1 : c == kSmallCount + 1 ? c - 1 : c;
  }
};

/// One class per doubling: up to half of a block is wasted.
struct Wastes : Full {
  static unsigned of(std::size_t bytes) {
    const unsigned c = Full::of(bytes);
    return c < kSmallCount ? c : kSmallCount + ((c - kSmallCount) | 3u);
  }
};

struct IgnoresAlignment : Full {
  static unsigned of_aligned(std::size_t bytes, std::size_t) { return Full::of(bytes); }
};

/// The divisor is rounded down instead of up.
struct RoundsDivisorDown : Full {
  static bool is_cut_offset(std::uint64_t offset, std::uint64_t divisor, std::uint32_t limit) {
    return Full::is_cut_offset(offset, divisor - 2, limit);
  }
};

TEST(SizeClassPropertyControls, RefutePlantedFaults) {
  EXPECT_TRUE(is_refuted(&is_smallest_that_holds<RoundsUpTwice, FullGeometry>, "bytes", 1));
  EXPECT_TRUE(is_refuted(&is_monotone<Swaps, FullGeometry>, "Classes::of", 1));
  EXPECT_TRUE(is_refuted(&waste_is_bounded<Wastes, FullGeometry>, "5 * bytes", 1));
  EXPECT_TRUE(is_refuted(&is_aligned_and_smallest<IgnoresAlignment, FullGeometry>, "expected", 1));
  EXPECT_TRUE(is_refuted(&recognises_block_starts<RoundsDivisorDown, FullGeometry>, "is_cut", 1));
}

}  // namespace
}  // namespace hakmem::test
