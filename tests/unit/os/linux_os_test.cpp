#include "os/linux_os.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

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

/// Pages that are mapped in this process. Reads without allocating, which might map some.
long mapped_pages() {
  char text[128] = {};
  const int file = linux_detail::open_file("/proc/self/statm", O_RDONLY);
  EXPECT_GT(linux_detail::read_some(file, text, sizeof text - 1), 0);
  linux_detail::close_file(file);
  return std::strtol(text, nullptr, 10);
}

TEST(LinuxOs, ReservationsTakeNoMoreThanTheirPages) {
  for (std::size_t alignment = kPage; alignment <= std::size_t{1} << 30; alignment *= 8) {
    // The system often goes on where it has given something last: so that it is not aligned by chance, or not both are.
    for (const std::size_t pages : {std::size_t{3}, std::size_t{5}}) {
      void* in_between = LinuxOs::reserve(kPage, kPage);
      const long before = mapped_pages();
      void* p = LinuxOs::reserve(pages * kPage, alignment);
      EXPECT_EQ(static_cast<std::size_t>(mapped_pages() - before), pages) << alignment;
      LinuxOs::release(p, pages * kPage);
      EXPECT_EQ(mapped_pages(), before) << alignment;
      LinuxOs::release(in_between, kPage);
    }
  }
}

TEST(LinuxOs, MetadataTakesNoMoreThanItsPages) {
  for (const std::size_t bytes : {std::size_t{1}, kPage, kPage + 1, 2 * kPage + 1, 3 * kPage}) {
    const long before = mapped_pages();
    ASSERT_NE(LinuxOs::metadata<char>(bytes), nullptr);
    EXPECT_EQ(static_cast<std::size_t>(mapped_pages() - before), (bytes + kPage - 1) / kPage) << bytes;
  }
}

/// Calls of a kind that `act` makes.
template <class Act>
std::uint64_t calls_of(linux_detail::MappingCall call, Act act) {
  const std::uint64_t before = LinuxOs::calls(call);
  act();
  return LinuxOs::calls(call) - before;
}

/// Each costs some of the time of memory that comes and goes.
TEST(LinuxOs, SystemIsNotAskedMoreThanNeeded) {
  using enum linux_detail::MappingCall;
  void* p = nullptr;
  EXPECT_EQ(calls_of(kMmap, [&] { p = LinuxOs::reserve(3 * kPage, kPage); }), 1u);
  EXPECT_EQ(calls_of(kMremap, [&] { EXPECT_TRUE(LinuxOs::resize(p, 3 * kPage, 3 * kPage)); }), 0u);
  EXPECT_EQ(calls_of(kMunmap, [&] { EXPECT_TRUE(LinuxOs::resize(p, 3 * kPage, 3 * kPage)); }), 0u);
  EXPECT_EQ(calls_of(kMremap, [&] { EXPECT_TRUE(LinuxOs::resize(p, 3 * kPage, 2 * kPage)); }), 0u);
  EXPECT_EQ(calls_of(kMadvise, [&] { EXPECT_TRUE(LinuxOs::decommit(p, kPage / 2)); }), 0u) << "no whole page";
  EXPECT_EQ(calls_of(kMadvise, [&] { LinuxOs::release(p, 2 * kPage); }), 0u);
  EXPECT_EQ(calls_of(kMunmap, [] { EXPECT_EQ(LinuxOs::reserve(kPage, kImpossible), nullptr); }), 1u);
  EXPECT_EQ(calls_of(kMadvise, [] { EXPECT_NE(LinuxOs::metadata<char>(1), nullptr); }), 1u) << "its pages stay small";
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

/// The flags that the kernel shows of the mapping that holds `p`.
std::string flags_of(const void* p) {
  std::ifstream maps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t first = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &first, &end) == 2) {
      is_here = reinterpret_cast<std::uintptr_t>(p) >= first && reinterpret_cast<std::uintptr_t>(p) < end;
    } else if (is_here && line.starts_with("VmFlags:")) {
      return line + " ";
    }
  }
  return "";
}

TEST(LinuxOs, PagesAreKeptSmallWhereThatIsWished) {
  if (!std::filesystem::exists("/sys/kernel/mm/transparent_hugepage/enabled")) GTEST_SKIP() << "no large pages here";
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  void* p = LinuxOs::reserve(kBytes, kBytes);
  EXPECT_EQ(flags_of(p).find(" nh "), std::string::npos);
  LinuxOs::keep_pages_small(p, kBytes);
  EXPECT_NE(flags_of(p).find(" nh "), std::string::npos);
  LinuxOs::let_pages_be_large(p, kBytes);
  EXPECT_EQ(flags_of(p).find(" nh "),
            linux_detail::large_pages_are_the_rule() ? std::string::npos : flags_of(p).find(" nh "));
  LinuxOs::release(p, kBytes);
}

TEST(LinuxOs, DecommittedPagesReadAsZero) {
  char* p = static_cast<char*>(LinuxOs::reserve(2 * kPage, kPage));
  std::memset(p, 1, 2 * kPage);
  EXPECT_TRUE(LinuxOs::decommit(p, kPage));
  EXPECT_TRUE(is_zero(p, kPage));
  EXPECT_EQ(p[kPage], 1);
  LinuxOs::release(p, 2 * kPage);
}

TEST(LinuxOs, DecommitLeavesPagesAloneThatAreNotWhollyInside) {
  char* p = static_cast<char*>(LinuxOs::reserve(3 * kPage, kPage));
  std::memset(p, 1, 3 * kPage);
  EXPECT_TRUE(LinuxOs::decommit(p, 100));
  EXPECT_TRUE(LinuxOs::decommit(p + 100, 2 * kPage));
  EXPECT_EQ(p[0] + p[kPage - 1] + p[2 * kPage], 3);
  EXPECT_TRUE(is_zero(p + kPage, kPage));
  LinuxOs::release(p, 3 * kPage);
}

#ifndef __SANITIZE_THREAD__  // there nothing is dropped that is not whole
/// What the program has locked, or a filter of system calls protects. The sanitizers' mlock does nothing.
TEST(LinuxOs, WhatCannotBeDecommittedIsReported) {
  char* p = static_cast<char*>(LinuxOs::reserve(2 * kPage, kPage));
  std::memset(p, 1, 2 * kPage);
  ASSERT_EQ(::syscall(SYS_mlock, p + kPage, kPage), 0);
  EXPECT_FALSE(LinuxOs::decommit(p, 2 * kPage));
  EXPECT_EQ(p[kPage], 1);
  ASSERT_EQ(::syscall(SYS_munlock, p + kPage, kPage), 0);
  EXPECT_TRUE(LinuxOs::decommit(p, 2 * kPage));
  EXPECT_TRUE(is_zero(p, 2 * kPage));
  LinuxOs::release(p, 2 * kPage);
}
#endif

TEST(LinuxOs, MovesContentsToTheBeginningOfALargerPlace) {
  char* p = static_cast<char*>(LinuxOs::reserve(4 * kPage, kPage));
  std::memset(p, 7, 4 * kPage);
  char* target = static_cast<char*>(LinuxOs::reserve(64 * kPage, kPage));
  ASSERT_TRUE(LinuxOs::move(p, 4 * kPage, target, 64 * kPage));
  EXPECT_TRUE(std::all_of(target, target + 4 * kPage, [](char c) { return c == 7; }));
  EXPECT_TRUE(is_zero(target + 4 * kPage, 60 * kPage));
  LinuxOs::release(target, 64 * kPage);
}

TEST(LinuxOs, ResizeShrinksInPlace) {
  char* p = static_cast<char*>(LinuxOs::reserve(8 * kPage, kPage));
  std::memset(p, 7, 8 * kPage);
  EXPECT_TRUE(LinuxOs::resize(p, 8 * kPage, 2 * kPage));
  EXPECT_EQ(p[2 * kPage - 1], 7);
  unsigned char resident = 0;
  EXPECT_EQ(::mincore(p + 2 * kPage, kPage, &resident), -1) << "the rest is the system's";
  LinuxOs::release(p, 2 * kPage);
}

TEST(LinuxOs, ResizeGrowsOverNobody) {
  char* p = static_cast<char*>(LinuxOs::reserve(4 * kPage, kPage));
  // If the system already has a neighbour there, so much the better.
  void* neighbour = ::mmap(p + 4 * kPage, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  EXPECT_FALSE(LinuxOs::resize(p, 4 * kPage, 64 * kPage));
  LinuxOs::release(p, 4 * kPage);
  if (neighbour != MAP_FAILED) ::munmap(neighbour, kPage);
}

TEST(LinuxOs, WhatCannotBeHadIsRefusedAndNothingChanges) {
  EXPECT_EQ(LinuxOs::reserve(kImpossible, kPage), nullptr);
  EXPECT_EQ(LinuxOs::reserve(kPage, kImpossible), nullptr);
  EXPECT_EQ(linux_detail::map_aligned(SIZE_MAX - kPage + 1, 4 * kPage), nullptr);
  EXPECT_EQ(LinuxOs::metadata<std::uint64_t>(SIZE_MAX / 4), nullptr);
  EXPECT_EQ(LinuxOs::metadata<std::uint64_t>(SIZE_MAX / 8 + 2), nullptr) << "nor what wraps around";
  char* p = static_cast<char*>(LinuxOs::reserve(kPage, kPage));
  p[0] = 7;
  EXPECT_FALSE(LinuxOs::resize(p, kPage, kImpossible));
  EXPECT_EQ(p[0], 7);
  LinuxOs::release(p, kPage);
}

/// free() must not change errno, whatever the system calls below it do.
TEST(LinuxOs, LeavesErrnoAlone) {
  errno = EDOM;
  EXPECT_EQ(LinuxOs::reserve(kImpossible, kPage), nullptr);
  void* p = LinuxOs::reserve(kPage, kPage);
  EXPECT_FALSE(LinuxOs::resize(p, kPage, kImpossible));
  EXPECT_TRUE(LinuxOs::decommit(p, kPage));
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
  auto* tagged = reinterpret_cast<void*>(std::uintptr_t{0x5000'0000'0000'1238});
  auto* block = reinterpret_cast<void*>(std::uintptr_t{0x1200});
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kForeignPointer, "free", p, nullptr, 0),
               "hakmem: free\\(0x1238\\): invalid pointer: no block of this heap starts there");
  EXPECT_DEATH(
      LinuxOs::fatal(Corruption::kForeignPointer, "free", tagged, nullptr, 0),
      "hakmem: free\\(0x5000000000001238\\): invalid pointer: no address of this heap has bits above the lower");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kInteriorPointer, "realloc", p, block, 112),
               "hakmem: realloc\\(0x1238\\): invalid pointer: .* inside the 112-byte block 0x1200");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kDoubleFree, "free", block, block, 16),
               "hakmem: free\\(0x1200\\): double free of the 16-byte block 0x1200");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kReleasedSlab, "free", p, p, 1024),
               "double free: every block of the slab of 1024-byte blocks there is already free");
}

#ifndef __SANITIZE_THREAD__  // there the bytes are copied
/// As where the program has given advice about a part of it.
TEST(LinuxOs, WhatIsMoreThanOneMappingStaysWhereItIs) {
  char* p = static_cast<char*>(LinuxOs::reserve(2 * kPage, kPage));
  char* target = static_cast<char*>(LinuxOs::reserve(64 * kPage, kPage));
  p[0] = 7;
  ASSERT_EQ(::madvise(p + kPage, kPage, MADV_DONTFORK), 0);
  EXPECT_FALSE(LinuxOs::move(p, 2 * kPage, target, 64 * kPage));
  EXPECT_EQ(p[0], 7);
  LinuxOs::release(p, 2 * kPage);
  LinuxOs::release(target, 64 * kPage);
}
#endif

using linux_detail::Text;

template <std::size_t kBytes>
std::string string_of(const Text<kBytes>& text) {
  return {text.data(), text.size()};
}

TEST(LinuxOsText, NumbersAndAddressesAreWrittenOut) {
  Text<128> text;
  text << "a" << std::size_t{0} << " " << std::size_t{1234567890} << " " << SIZE_MAX << " ";
  text << reinterpret_cast<const void*>(std::uintptr_t{0x7f00'0000'12ab}) << " " << static_cast<const void*>(nullptr);
  EXPECT_EQ(string_of(text), "a0 1234567890 18446744073709551615 0x7f00000012ab 0x0");
}

TEST(LinuxOsText, LinesEndWhereverTheyAreCutOff) {
  for (const char* words : {"1234", "1234567", "12345678", "123456789"}) {
    Text<8> line;
    line << words;
    testing::internal::CaptureStderr();
    line.print();
    EXPECT_EQ(testing::internal::GetCapturedStderr(), std::string(words).substr(0, 7) + "\n");
  }
}

std::string callback_was_told;

TEST(LinuxOsText, CallbackIsToldWholeLinesAndNothingBehindThem) {
  linux_detail::message_callback = [](const char* line) { callback_was_told = line; };
  for (const std::string words : {"", "1", "1234567", "12345678"}) {
    alignas(Text<8>) char place[sizeof(Text<8>) + 1];
    std::memset(place, 'x', sizeof place - 1);
    place[sizeof place - 1] = '\0';
    auto* line = ::new (place) Text<8>;
    *line << words.c_str();
    line->print();
    EXPECT_EQ(callback_was_told, words.substr(0, 7));
  }
  linux_detail::message_callback = nullptr;
}

TEST(LinuxOsText, WhatDoesNotFitIsCutOff) {
  Text<8> text;
  text << "0123456" << std::size_t{89} << "more";
  EXPECT_EQ(string_of(text), "01234568");
  Text<8> blanks;
  blanks << "01" << "";
  blanks.blanks_to(0, 99);
  EXPECT_EQ(string_of(blanks), "01      ");
}

TEST(LinuxOsText, ColumnsBeginWhereTheyShould) {
  Text<64> text;
  text << "title ";
  const std::size_t start = text.size();
  text << "ab";
  text.blanks_to(start, 5) << "|";
  text.blanks_to(start, 3) << "|";
  EXPECT_EQ(string_of(text), "title ab   ||");
}

TEST(LinuxOsDeathTest, AuthorsAreNamedAsFarAsTheyAreKnown) {
  static char block[64];
  const auto told = [](BlockHistory history) {
    LinuxOs::fatal(Corruption::kDoubleFree, "free", block, block, 48, history);
  };
  BlockHistory history{};
  EXPECT_DEATH(told(history), "block 0x[0-9a-f]+\n");
  history.allocated_by = 3;
  EXPECT_DEATH(told(history), "block 0x[0-9a-f]+, allocated by thread 3\n");
  history.freed_at = 17;
  EXPECT_DEATH(told(history), "block 0x[0-9a-f]+, allocated by thread 3, freed at site 17\n");
  history.allocated_at = 4;
  history.freed_by = 5;
  EXPECT_DEATH(told(history), "allocated by thread 3 at site 4, freed by thread 5 at site 17\n");
}

TEST(LinuxOsDeathTest, AnAlignmentThatIsNotTheBlocksIsNamed) {
  static char block[64];
  BlockHistory history{};
  history.given = 64;
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kAlignmentMismatch, "free", block, block, 48, history),
               "hakmem: free\\(.*alignment mismatch: the 48-byte block .* is not aligned to 64");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kWriteBeyond, "memset", block + 8, block, 48, history),
               "hakmem: memset\\(.*out of bounds: a write of 64 bytes from there is not within the 48-byte block 0x");
  EXPECT_DEATH(LinuxOs::fatal(Corruption::kReadBeyond, "memcpy", block + 8, block, 48, history),
               "hakmem: memcpy\\(.*out of bounds: a read of 64 bytes from there is not within the 48-byte block 0x");
}

}  // namespace
}  // namespace hakmem::test
