#include "os/linux_os.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace hakmem::test {
namespace {

constexpr std::size_t kPage = LinuxOs::kPageBytes;
constexpr std::size_t kImpossible = std::size_t{1} << 62;

bool is_zero(const void* p, std::size_t bytes) {
  const auto* begin = static_cast<const unsigned char*>(p);
  return std::all_of(begin, begin + bytes, [](unsigned char c) { return c == 0; });
}

bool is_aligned(const void* p, std::size_t alignment) { return reinterpret_cast<std::uintptr_t>(p) % alignment == 0; }

TEST(LinuxOs, ReservesZeroedMemoryAlignedAsAsked) {
  for (std::size_t alignment = kPage; alignment <= std::size_t{1} << 30; alignment *= 8) {
    void* p = LinuxOs::reserve(3 * kPage, alignment);
    ASSERT_NE(p, nullptr);
    EXPECT_TRUE(is_aligned(p, alignment)) << alignment;
    EXPECT_TRUE(is_zero(p, 3 * kPage));
    std::memset(p, 1, 3 * kPage);
    LinuxOs::release(p, 3 * kPage);
  }
}

// The system is asked at once: whoever maps memory next may get the same place.
TEST(LinuxOs, ReleasedMemoryIsUnmapped) {
  char* p = static_cast<char*>(LinuxOs::reserve(kPage, kPage));
  p[0] = 1;
  unsigned char resident = 0;
  const int before = ::mincore(p, kPage, &resident);
  LinuxOs::release(p, kPage);
  const int after = ::mincore(p, kPage, &resident);
  const int why = errno;
  EXPECT_EQ(before, 0);
  EXPECT_EQ(after, -1);
  EXPECT_EQ(why, ENOMEM);
}

TEST(LinuxOs, DecommittedPagesReadAsZero) {
  char* p = static_cast<char*>(LinuxOs::reserve(2 * kPage, kPage));
  std::memset(p, 1, 2 * kPage);
  LinuxOs::decommit(p, kPage);
  EXPECT_TRUE(is_zero(p, kPage));
  EXPECT_EQ(p[kPage], 1);
  LinuxOs::release(p, 2 * kPage);
}

TEST(LinuxOs, DecommitLeavesPagesAloneThatAreNotWhollyInside) {
  char* p = static_cast<char*>(LinuxOs::reserve(3 * kPage, kPage));
  std::memset(p, 1, 3 * kPage);
  LinuxOs::decommit(p, 100);
  LinuxOs::decommit(p + 100, 2 * kPage);
  EXPECT_EQ(p[0] + p[kPage - 1] + p[2 * kPage], 3);
  EXPECT_TRUE(is_zero(p + kPage, kPage));
  LinuxOs::release(p, 3 * kPage);
}

TEST(LinuxOs, TellsWhetherUntouchedPagesCount) {
  std::ifstream setting("/proc/sys/vm/overcommit_memory");
  int mode = 0;
  ASSERT_TRUE(setting >> mode);
  errno = EDOM;
  EXPECT_EQ(LinuxOs::counts_untouched_pages(), mode == 2);
  EXPECT_EQ(errno, EDOM);
}

TEST(LinuxOs, ResizeKeepsContentsAndAlignmentWhenItMustMove) {
  constexpr std::size_t kAlignment = std::size_t{64} << 10;
  char* p = static_cast<char*>(LinuxOs::reserve(4 * kPage, kAlignment));
  std::memset(p, 7, 4 * kPage);
  // A neighbour that cannot be grown over. If the system already has one there, so much the better.
  void* neighbour = ::mmap(p + 4 * kPage, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  char* moved = static_cast<char*>(LinuxOs::resize(p, 4 * kPage, 64 * kPage, kAlignment));
  ASSERT_NE(moved, nullptr);
  EXPECT_NE(moved, p);
  EXPECT_TRUE(is_aligned(moved, kAlignment));
  EXPECT_TRUE(std::all_of(moved, moved + 4 * kPage, [](char c) { return c == 7; }));
  EXPECT_TRUE(is_zero(moved + 4 * kPage, 60 * kPage));
  LinuxOs::release(moved, 64 * kPage);
  if (neighbour != MAP_FAILED) ::munmap(neighbour, kPage);
}

TEST(LinuxOs, ResizeShrinksInPlace) {
  char* p = static_cast<char*>(LinuxOs::reserve(8 * kPage, kPage));
  std::memset(p, 7, 8 * kPage);
  EXPECT_EQ(LinuxOs::resize(p, 8 * kPage, 2 * kPage, kPage), p);
  EXPECT_EQ(p[2 * kPage - 1], 7);
  LinuxOs::release(p, 2 * kPage);
}

TEST(LinuxOs, WhatCannotBeHadIsRefusedAndNothingChanges) {
  EXPECT_EQ(LinuxOs::reserve(kImpossible, kPage), nullptr);
  EXPECT_EQ(LinuxOs::reserve(kPage, kImpossible), nullptr);
  EXPECT_EQ(LinuxOs::metadata<std::uint64_t>(SIZE_MAX / 4), nullptr);
  char* p = static_cast<char*>(LinuxOs::reserve(kPage, kPage));
  p[0] = 7;
  EXPECT_EQ(LinuxOs::resize(p, kPage, kImpossible, kPage), nullptr);
  EXPECT_EQ(p[0], 7);
  LinuxOs::release(p, kPage);
}

/// free() must not change errno, whatever the system calls below it do.
TEST(LinuxOs, LeavesErrnoAlone) {
  errno = EDOM;
  EXPECT_EQ(LinuxOs::reserve(kImpossible, kPage), nullptr);
  void* p = LinuxOs::reserve(kPage, kPage);
  EXPECT_EQ(LinuxOs::resize(p, kPage, kImpossible, kPage), nullptr);
  LinuxOs::decommit(p, kPage);
  LinuxOs::release(p, kPage);
  EXPECT_EQ(errno, EDOM);
}

TEST(LinuxOs, MetadataIsZero) {
  auto* numbers = LinuxOs::metadata<std::uint64_t>(1000);
  ASSERT_NE(numbers, nullptr);
  EXPECT_TRUE(is_zero(numbers, 8000));
  numbers[999] = 1;
}

TEST(LinuxOsDeathTest, NamesEveryKindOfCorruptionAndEnds) {
  auto* p = reinterpret_cast<void*>(std::uintptr_t{0x1238});
  auto* block = reinterpret_cast<void*>(std::uintptr_t{0x1200});
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kForeignPointer, "free", p, nullptr, 0),
               "hakmem: free\\(0x1238\\): invalid pointer: no block of this heap starts there");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kInteriorPointer, "realloc", p, block, 112),
               "hakmem: realloc\\(0x1238\\): invalid pointer: .* inside the 112-byte block 0x1200");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kDoubleFree, "free", block, block, 16),
               "hakmem: free\\(0x1200\\): double free of the 16-byte block 0x1200");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kReleasedSlab, "free", p, p, 1024),
               "double free: every block of the slab of 1024-byte blocks there is already free");
}

#ifndef __SANITIZE_THREAD__  // there the bytes are copied
TEST(LinuxOs, AResizeThatCannotMoveThePagesLeavesThemWhereTheyAre) {
  char* p = static_cast<char*>(LinuxOs::reserve(2 * kPage, kPage));
  ASSERT_NE(p, nullptr);
  p[0] = 7;
  LinuxOs::release(p + kPage, kPage);  // the kernel moves no range with a hole in it
  EXPECT_EQ(LinuxOs::resize(p, 2 * kPage, 64 * kPage, kPage), nullptr);
  EXPECT_EQ(p[0], 7);
  LinuxOs::release(p, kPage);
}
#endif

TEST(LinuxOsDeathTest, AnAlignmentThatIsNotTheBlocksIsNamed) {
  static char block[64];
  BlockHistory history{};
  history.given = 64;
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kAlignmentMismatch, "free", block, block, 48, history),
               "hakmem: free\\(.*alignment mismatch: the 48-byte block .* is not aligned to 64");
}

}  // namespace
}  // namespace hakmem::test
