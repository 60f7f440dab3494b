/// What AddressSanitizer or Memcheck knows of hakmem's blocks after each call.

#include "api/watched.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <vector>

#include "hakmem/hakmem.h"

namespace hakmem::test {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kLargeMax = FullGeometry::kLargeMax;
/// Small, mid and large blocks of slabs; one that fills its slots; direct mappings.
constexpr std::size_t kSizes[] = {1, 24, 100, 1024, 5000, 40000, 300000, kLargeMax, 2 * kMiB, 4 * kMiB};

/// Freed mappings are kept up to 32 MiB together: those that are no larger than this are, in each of these tests.
constexpr std::size_t kKeptMax = 8 * kMiB;
constexpr std::size_t kNeverKept = 48 * kMiB;

using Bytes = unsigned char;

Bytes* bytes_of(void* block) { return static_cast<Bytes*>(block); }

#ifdef HAKMEM_ASAN

bool may_be_used(void* first, std::size_t bytes) { return __asan_region_is_poisoned(first, bytes) == nullptr; }
bool is_written(void*, std::size_t) { return true; }

#else

constexpr unsigned kAddressable = 1;

/// Without a report: Memcheck has the bits that say what is defined only of what may be used.
bool may_be_used(void* first, std::size_t bytes) {
  std::vector<Bytes> undefined(bytes);
  return VALGRIND_GET_VBITS(first, undefined.data(), bytes) == kAddressable;
}
bool is_written(void* first, std::size_t bytes) {
  std::vector<Bytes> undefined(bytes, 1);
  return VALGRIND_GET_VBITS(first, undefined.data(), bytes) == kAddressable && undefined == std::vector<Bytes>(bytes);
}

#endif

bool no_byte_may_be_used(void* block, std::size_t bytes) {
  for (const std::size_t at : {std::size_t{0}, bytes / 2, bytes - 1}) {
    if (may_be_used(bytes_of(block) + at, 1)) return false;
  }
  return true;
}

TEST(Watched, BlocksMayBeUsedUpToTheirUsableSize) {
  for (const std::size_t bytes : kSizes) {
    void* block = hak_alloc(bytes);
    EXPECT_TRUE(may_be_used(block, hak_usable_size(block))) << bytes;
    hak_free(block);
  }
}

TEST(Watched, AlignedBlocksMayBeUsedUpToTheirUsableSize) {
  for (const std::size_t bytes : kSizes) {
    void* block = hak_aligned_alloc(4096, bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0U);
    EXPECT_TRUE(may_be_used(block, hak_usable_size(block))) << bytes;
    hak_free(block);
    EXPECT_TRUE(no_byte_may_be_used(block, bytes)) << bytes;
  }
}

TEST(Watched, FreedBlocksMayNotBeUsed) {
  for (const std::size_t bytes : kSizes) {
    void* block = hak_alloc(bytes);
    const std::size_t usable = hak_usable_size(block);
    hak_free(block);
    EXPECT_TRUE(no_byte_may_be_used(block, usable)) << bytes;
  }
}

TEST(Watched, BlocksFreedWithTheirSizeMayNotBeUsed) {
  for (const std::size_t bytes : kSizes) {
    void* block = hak_alloc(bytes);
    const std::size_t usable = hak_usable_size(block);
    hak_free_sized(block, bytes);
    EXPECT_TRUE(no_byte_may_be_used(block, usable)) << bytes;
  }
}

TEST(Watched, NeighboursOfAFreedBlockMayBeUsed) {
  void* blocks[] = {hak_alloc(100), hak_alloc(100), hak_alloc(100)};
  hak_free(blocks[1]);
  EXPECT_TRUE(may_be_used(blocks[0], hak_usable_size(blocks[0])));
  EXPECT_TRUE(may_be_used(blocks[2], hak_usable_size(blocks[2])));
  hak_free(blocks[0]);
  hak_free(blocks[2]);
}

TEST(Watched, ZeroedBlocksAreZeroAndWritten) {
  for (const std::size_t bytes : kSizes) {
    void* used = hak_alloc(bytes);
    std::memset(used, 7, bytes);
    hak_free(used);
    void* block = hak_calloc(1, bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_TRUE(is_written(block, bytes)) << bytes;
    for (std::size_t i = 0; i < bytes; i += bytes / 64 + 1) EXPECT_EQ(bytes_of(block)[i], 0) << bytes << " at " << i;
    EXPECT_TRUE(may_be_used(block, hak_usable_size(block))) << bytes;
    hak_free(block);
  }
}

/// Up to here kept mappings are filled, above they get new pages.
TEST(Watched, KeptMappingsAreZeroAndWrittenHoweverTheyAreZeroed) {
  for (const std::size_t bytes : {std::size_t{FullGeometry::kFillMax}, FullGeometry::kFillMax + kMiB}) {
    void* used = hak_alloc(bytes);
    ASSERT_NE(used, nullptr);
    std::memset(used, 7, bytes);
    hak_free(used);
    void* block = hak_calloc(1, bytes);
    EXPECT_EQ(block, used) << "it was kept";
    EXPECT_TRUE(is_written(block, bytes)) << bytes;
    for (std::size_t i = 0; i < bytes; i += 4096) ASSERT_EQ(bytes_of(block)[i], 0) << bytes << " at " << i;
    hak_free(block);
    (void)hak_trim();
  }
}

TEST(Watched, MoreZeroesThanThereAreAddressesAreRefused) {
  const volatile std::size_t half = SIZE_MAX / 2;
  EXPECT_EQ(hak_calloc(half, 3), nullptr);  // 3 * half would be small
  EXPECT_EQ(hak_calloc(half, 1), nullptr);
  EXPECT_EQ(hak_calloc(half + 1, 2), nullptr);  // the product's low half is 0
}

TEST(Watched, TooMuchIsRefused) {
  const volatile std::size_t half = SIZE_MAX / 2;
  EXPECT_EQ(hak_alloc(half), nullptr);
  EXPECT_EQ(hak_aligned_alloc(4096, half), nullptr);
}

TEST(Watched, ReallocOfNothingIsAnAllocation) {
  void* block = hak_realloc(nullptr, 100);
  ASSERT_NE(block, nullptr);
  EXPECT_TRUE(may_be_used(block, 100));
  hak_free(block);
  hak_free(nullptr);
  hak_free_sized(nullptr, 100);
}

/// From size to size: within slabs, from and to direct mappings, and between these.
TEST(Watched, ReallocKeepsWhatWasWrittenAndGivesAwayTheOldBlock) {
  for (const std::size_t from : kSizes) {
    for (const std::size_t to :
         {std::size_t{1}, from / 2 + 1, from + 1, 2 * from, 3 * from, kLargeMax, 2 * kLargeMax + 4096}) {
      void* block = hak_alloc(from);
      const std::size_t usable = hak_usable_size(block);
      std::memset(block, 5, usable);
      void* now = hak_realloc(block, to);
      ASSERT_NE(now, nullptr);
      EXPECT_TRUE(may_be_used(now, hak_usable_size(now))) << from << " to " << to;
      const std::size_t kept = std::min(usable, to);
      EXPECT_TRUE(is_written(now, kept)) << from << " to " << to;
      for (std::size_t i = 0; i < kept; i += kept / 64 + 1) ASSERT_EQ(bytes_of(now)[i], 5) << from << " to " << to;
      const bool is_given_away = now != block && usable <= kLargeMax;
      EXPECT_TRUE(!is_given_away || no_byte_may_be_used(block, usable)) << from << " to " << to;
      hak_free(now);
      EXPECT_TRUE(to > kKeptMax || no_byte_may_be_used(now, to)) << from << " to " << to;
    }
  }
}

/// What a mapping grows into may have been a block before.
TEST(Watched, AGrownMappingMayBeUsedWhateverHasBeenThere) {
  void* small = hak_alloc(2 * kMiB);
  void* large = hak_alloc(4 * kMiB);
  hak_free(large);
  void* now = hak_realloc(small, 4 * kMiB);
  EXPECT_TRUE(may_be_used(now, hak_usable_size(now)));
  hak_free(now);
}

#ifdef HAKMEM_ASAN
/// Whoever is given the addresses next may use them.
TEST(Watched, WhatIsGivenBackToTheSystemIsNobodysToForbid) {
  void* block = hak_alloc(kNeverKept);
  ASSERT_NE(block, nullptr);
  hak_free(block);
  EXPECT_EQ(__asan_region_is_poisoned(block, kNeverKept), nullptr);
}

/// A kept mapping that grows leaves its old place.
TEST(Watched, WhatAMappingLeavesBehindIsNobodysToForbid) {
  void* kept = hak_alloc(kKeptMax);
  void* above = hak_alloc(kKeptMax);  // grown in place it would leave nothing
  hak_free(kept);
  void* grown = hak_alloc(4 * kKeptMax);
  EXPECT_EQ(__asan_region_is_poisoned(kept, kKeptMax), nullptr);
  hak_free(grown);
  hak_free(above);
}
#endif

TEST(Watched, ReallocLeavesABlockWhereItIsFromHalfOfItsUsableSizeOn) {
  void* block = hak_alloc(5000);
  const std::size_t usable = hak_usable_size(block);
  EXPECT_EQ(hak_realloc(block, usable), block);
  EXPECT_EQ(hak_realloc(block, usable / 2), block);
  void* smaller = hak_realloc(block, usable / 2 - 1);
  EXPECT_NE(smaller, block);
  EXPECT_LT(hak_usable_size(smaller), usable);
  hak_free(smaller);
}

TEST(Watched, ReallocToNothingLeavesTheLeastBlock) {
  void* block = hak_alloc(5000);
  void* now = hak_realloc(block, 0);
  ASSERT_NE(now, nullptr);
  EXPECT_TRUE(no_byte_may_be_used(block, 5000));
  EXPECT_TRUE(may_be_used(now, hak_usable_size(now)));
  hak_free(now);
}

TEST(Watched, ARefusedReallocLeavesTheBlockUsable) {
  const volatile std::size_t half = SIZE_MAX / 2;
  for (const std::size_t bytes : kSizes) {
    void* block = hak_alloc(bytes);
    std::memset(block, 3, bytes);
    EXPECT_EQ(hak_realloc(block, half), nullptr) << bytes;
    EXPECT_TRUE(may_be_used(block, hak_usable_size(block))) << bytes;
    EXPECT_EQ(bytes_of(block)[bytes - 1], 3) << bytes;
    hak_free(block);
  }
}

TEST(WatchedDeathTest, WhatIsNoBlockIsTheHeapsToReport) {
  static Bytes foreign[64];
  Bytes* block = bytes_of(hak_alloc(100));
  Bytes* direct = bytes_of(hak_alloc(2 * kMiB));
  EXPECT_DEATH(hak_free(foreign), "free\\(0x[0-9a-f]+\\): invalid pointer");
  EXPECT_DEATH(hak_free(block + 16), "free\\(0x[0-9a-f]+\\): invalid pointer");
  EXPECT_DEATH(hak_free(direct + 4096), "free\\(0x[0-9a-f]+\\): invalid pointer");
  EXPECT_DEATH(std::ignore = hak_realloc(block + 16, 200), "realloc\\(0x[0-9a-f]+\\): invalid pointer");
  hak_free(block);
  hak_free(direct);
}

}  // namespace
}  // namespace hakmem::test
