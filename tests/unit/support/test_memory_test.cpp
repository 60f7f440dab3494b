/// The simulated operating system reports what it is there to report.

#include "support/test_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = TestMemory::kPageBytes;

bool is_zero(const void* p, std::size_t bytes) {
  const auto* begin = static_cast<const unsigned char*>(p);
  return std::all_of(begin, begin + bytes, [](unsigned char c) { return c == 0; });
}

TEST(TestMemory, ReservesAlignedZeroedMemoryInItsWindow) {
  TestMemory memory(24);
  for (const std::size_t alignment : {kPage, 16 * kPage, 64 * kPage}) {
    void* p = memory.reserve(3 * kPage, alignment);
    ASSERT_NE(p, nullptr);
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    EXPECT_EQ(address % alignment, 0u);
    EXPECT_GE(address, memory.base() + 65536);
    EXPECT_LE(address + 3 * kPage, memory.base() + (1u << 24));
    EXPECT_TRUE(is_zero(p, 3 * kPage));
  }
  EXPECT_EQ(memory.reservations(), 3u);
  EXPECT_EQ(memory.reserved_bytes(), 9 * kPage);
}

TEST(TestMemory, ReleasedMemoryComesBackZeroed) {
  TestMemory memory(17);
  for (int i = 0; i < 40; ++i) {
    void* p = memory.reserve(16 * kPage, kPage);
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(is_zero(p, 16 * kPage));
    std::memset(p, 0xab, 16 * kPage);
    memory.release(p, 16 * kPage);
  }
  EXPECT_EQ(memory.reserved_bytes(), 0u);
}

TEST(TestMemory, RefusesWhenItsWindowIsFull) {
  TestMemory memory(17);
  unsigned reserved = 0;
  while (memory.reserve(kPage, kPage) != nullptr) ++reserved;
  EXPECT_EQ(reserved, 16u);
  EXPECT_EQ(memory.refused(), 1u);
}

TEST(TestMemory, RefusesThePlannedCallsAlone) {
  TestMemory memory(24);
  memory.refuse(OsCall::kReserve, 2, 2);
  void* first = memory.reserve(kPage, kPage);
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(memory.reserve(kPage, kPage), nullptr);
  EXPECT_EQ(memory.reserve(kPage, kPage), nullptr);
  EXPECT_NE(memory.reserve(kPage, kPage), nullptr);
  EXPECT_NE(memory.metadata(8, 8), nullptr);

  memory.refuse(OsCall::kResize);
  EXPECT_FALSE(memory.resize(first, kPage, kPage));
  memory.refuse(OsCall::kDecommit);
  EXPECT_FALSE(memory.decommit(first, kPage));
  EXPECT_FALSE(is_zero(first, kPage)) << "nobody may rely on its contents";
  EXPECT_TRUE(memory.is_reserved(first, kPage));
  memory.refuse(OsCall::kMetadata, 1, TestMemory::kForEver);
  EXPECT_EQ(memory.metadata(8, 8), nullptr);
  EXPECT_EQ(memory.metadata(8, 8), nullptr);
  memory.grant_everything();
  EXPECT_NE(memory.metadata(8, 8), nullptr);
  EXPECT_EQ(memory.refused(), 6u);
  EXPECT_EQ(memory.calls(OsCall::kReserve), 4u);
}

TEST(TestMemory, ResizesInPlaceAndMovesElsewhereAndKeepsContents) {
  TestMemory memory(24);
  void* p = memory.reserve(kPage, kPage);
  std::memset(p, 1, kPage);
  EXPECT_TRUE(memory.resize(p, kPage, 3 * kPage));
  void* neighbour = memory.reserve(kPage, kPage);
  EXPECT_FALSE(memory.resize(p, 3 * kPage, 8 * kPage)) << "over the neighbour";
  EXPECT_EQ(memory.refused(), 0u) << "nobody has refused that";
  void* target = memory.reserve(8 * kPage, kPage);
  memory.refuse(OsCall::kMove);
  EXPECT_FALSE(memory.move(p, 3 * kPage, target, 8 * kPage));
  EXPECT_TRUE(memory.move(p, 3 * kPage, target, 8 * kPage));
  EXPECT_FALSE(memory.is_reserved(p, kPage));
  EXPECT_EQ(static_cast<char*>(target)[kPage - 1], 1);
  EXPECT_TRUE(is_zero(static_cast<char*>(target) + kPage, 7 * kPage));
  EXPECT_TRUE(memory.resize(target, 8 * kPage, kPage));
  EXPECT_EQ(memory.reserved_bytes(), 2 * kPage);
  memory.release(target, kPage);
  memory.release(neighbour, kPage);
}

TEST(TestMemory, DecommittedMemoryReadsAsZero) {
  TestMemory memory(24);
  void* p = memory.reserve(2 * kPage, kPage);
  std::memset(p, 1, 2 * kPage);
  EXPECT_TRUE(memory.decommit(p, kPage));
  EXPECT_TRUE(is_zero(p, kPage));
  EXPECT_FALSE(is_zero(p, 2 * kPage));
  EXPECT_TRUE(memory.decommit(static_cast<char*>(p) + kPage, kPage / 2));
  EXPECT_FALSE(is_zero(static_cast<char*>(p) + kPage, kPage / 2)) << "no whole page";
}

TEST(TestMemoryDeathTest, ReportsTouchOfReleasedMemory) {
  TestMemory memory(24);
  volatile char* p = static_cast<char*>(memory.reserve(2 * kPage, kPage));
  p[0] = 1;
  memory.release(const_cast<char*>(p), 2 * kPage);
  EXPECT_DEATH(p[kPage] = 1, "");
}

TEST(TestMemoryDeathTest, ReportsTouchBehindMetadata) {
  TestMemory memory(24);
  volatile char* p = static_cast<char*>(memory.metadata(100, 4));
  p[99] = 1;
  EXPECT_DEATH(p[100] = 1, "");
}

TEST(TestMemoryDeathTest, ReportsWrongReleases) {
  TestMemory memory(24);
  void* p = memory.reserve(2 * kPage, kPage);
  EXPECT_DEATH(memory.release(p, kPage), "release of a part of a reservation");
  EXPECT_DEATH(memory.release(static_cast<char*>(p) + kPage, kPage), "release of what is not reserved");
  EXPECT_DEATH((void)memory.decommit(p, 3 * kPage), "decommit of what is not reserved");
  memory.release(p, 2 * kPage);
  EXPECT_DEATH(memory.release(p, 2 * kPage), "release of what is not reserved");
  EXPECT_DEATH((void)memory.resize(p, 2 * kPage, kPage), "resize of what is not reserved");
  EXPECT_DEATH((void)memory.reserve(kPage + 1, kPage), "not whole pages");
}

TEST(TestMemory, PagesMayBeLarger) {
  constexpr std::size_t kLarge = 16 * kPage;
  TestMemory memory(24, kLarge);
  EXPECT_EQ(memory.page_bytes(), kLarge);
  auto* p = static_cast<unsigned char*>(memory.reserve(kPage, kPage));
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % kLarge, 0u);
  EXPECT_EQ(memory.reserved_bytes(), kLarge) << "whole pages";
  p[0] = 1;
  ASSERT_TRUE(memory.decommit(p, kPage));
  EXPECT_NE(p[0], 0) << "no whole page lies in the range: its contents are anybody's";
  memory.release(p, kPage);
  EXPECT_EQ(memory.reservations(), 0u);
}

}  // namespace
}  // namespace hakmem::test
