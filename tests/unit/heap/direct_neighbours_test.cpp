/// How far a direct block grows into the kept mapping behind it, on a system where reservations can be divided.

#include <gtest/gtest.h>

#include "heap/direct.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = TestMemory::kPageBytes;

struct KeepingGeometry : ToyGeometry {
  static constexpr unsigned kWhalePlaces = 8;
  static constexpr std::size_t kWhaleBytes = 256 * kPage;
};
using DividingConfig = Config<TestSync, DividingOs<kToyBits>, KeepingGeometry>;

/// Blocks are parts of one reservation of 40 pages, in the order in which they are allocated.
class DirectNeighbours : public testing::Test {
 protected:
  void SetUp() override { deallocate(allocate(40 * kPage)); }

  char* allocate(std::size_t bytes) {
    return static_cast<char*>(direct_.allocate(toy_.backend, bytes, 1, Contents::kAny));
  }
  void deallocate(void* block) { EXPECT_TRUE(direct_.deallocate(toy_.backend, *toy_.map.find(block), block)); }
  char* reallocate(void* block, std::size_t bytes) {
    return static_cast<char*>(direct_.reallocate(toy_.backend, *toy_.map.find(block), bytes));
  }
  std::size_t pages_of(const void* block) { return direct_.usable_size(*toy_.map.find(block)) / kPage; }
  std::size_t kept_pages() { return direct_.whales().held_bytes() / kPage; }

  Surroundings<DividingConfig> toy_;
  DirectMappings<DividingConfig> direct_;
};

TEST_F(DirectNeighbours, BlockTakesTheWholeNeighbourIfItNeedsAllOfIt) {
  char* block = allocate(15 * kPage);
  EXPECT_EQ(reallocate(block, 40 * kPage), block);
  EXPECT_EQ(pages_of(block), 40u);
  EXPECT_EQ(kept_pages(), 0u);
}

TEST_F(DirectNeighbours, TooSmallANeighbourIsKeptOn) {
  char* block = allocate(15 * kPage);
  char* moved = reallocate(block, 41 * kPage);
  EXPECT_NE(moved, block);
  EXPECT_EQ(pages_of(moved), 41u);
  EXPECT_EQ(kept_pages(), 25u);
}

TEST_F(DirectNeighbours, BlockOfTheSameSizeTakesNothing) {
  char* block = allocate(20 * kPage);
  char* neighbour = allocate(4 * kPage);
  (void)allocate(16 * kPage);
  deallocate(neighbour);
  EXPECT_EQ(reallocate(block, 20 * kPage), block);
  EXPECT_EQ(pages_of(block), 20u);
  EXPECT_EQ(kept_pages(), 4u);
}

/// As much is not split off when a kept mapping serves a smaller request, either.
TEST_F(DirectNeighbours, AQuarterMoreThanIsNeededGoesWithTheBlock) {
  char* block = allocate(16 * kPage);
  char* neighbour = allocate(9 * kPage);
  (void)allocate(15 * kPage);
  deallocate(neighbour);
  EXPECT_EQ(reallocate(block, 20 * kPage), block);
  EXPECT_EQ(pages_of(block), 25u);
  EXPECT_EQ(kept_pages(), 0u);
}

}  // namespace
}  // namespace hakmem::test
