/// What copies and fills memory, in a program that runs on the hardened library.

#include "api/checked_copies.hpp"

#include <gtest/gtest.h>
#include <strings.h>

#include <cstring>
#include <memory>
#include <string>

#include "hakmem/hakmem.h"

namespace hakmem::test {
namespace {

/// A block of `bytes` bytes that hold a string of `length` characters, or as many as there are without an end.
class Block {
 public:
  explicit Block(std::size_t bytes, std::size_t length) : data_(std::make_unique<char[]>(bytes)) {
    for (std::size_t i = 0; i < bytes; ++i) data_[i] = i == length ? '\0' : static_cast<char>('a' + i % 26);
  }
  operator char*() const { return data_.get(); }

 private:
  std::unique_ptr<char[]> data_;
};

constexpr std::size_t kBytes = 40;
constexpr char kText[] = "more characters than fit into forty bytes";  // of 42 bytes

TEST(CheckedCopies, DoWhatTheCLibraryDoes) {
  const Block block(kBytes, 5);
  EXPECT_EQ(std::memcpy(block, "abcd", 5), block);
  EXPECT_STREQ(block, "abcd");
  EXPECT_EQ(std::memmove(block + 1, block, 4), block + 1);
  EXPECT_STREQ(block, "aabcd");
  EXPECT_EQ(::mempcpy(block, "xy", 2), block + 2);
  ::bcopy("uv", block, 2);
  EXPECT_STREQ(block, "uvbcd");
  EXPECT_EQ(std::memset(block, 'z', 3), block);
  EXPECT_STREQ(block, "zzzcd");
  ::bzero(block + 3, 1);
  ::explicit_bzero(block + 2, 1);
  EXPECT_STREQ(block, "zz");
  EXPECT_EQ(std::strcpy(block, "one"), block);
  EXPECT_EQ(::stpcpy(block + 3, " two"), block + 7);
  EXPECT_EQ(std::strcat(block, " three"), block);
  EXPECT_EQ(std::strncat(block, " four five", 5), block);
  EXPECT_STREQ(block, "one two three four");
  EXPECT_EQ(std::strncat(block, "!", 50), block);
  EXPECT_STREQ(block, "one two three four!");
}

TEST(CheckedCopies, StringsOfLimitedLengthAreFilledUpOrCutOff) {
  const Block block(kBytes, kBytes);
  EXPECT_EQ(std::strncpy(block, "one", 6), block);
  EXPECT_EQ(std::string(block, 7), std::string("one\0\0\0g", 7));
  EXPECT_EQ(::stpncpy(block, "seven", 3), block + 3);
  EXPECT_EQ(std::string(block, 4), std::string("sev\0", 4));
  EXPECT_EQ(::stpncpy(block, "no", 4), block + 2);
}

TEST(CheckedCopies, MayFillABlockToItsLastByte) {
  const Block block(kBytes, kBytes);
  const Block other(kBytes, kBytes - 1);
  std::memcpy(block, other, kBytes);
  std::memmove(block, other, kBytes);
  std::memset(block, 0, kBytes);
  std::strcpy(block, other);
  std::strncpy(block, other, kBytes);
  block[0] = '\0';
  std::strcat(block, other);
  EXPECT_EQ(std::strlen(block), kBytes - 1);
  EXPECT_EQ(std::memset(block + kBytes, 0, 0), block + kBytes) << "nothing is written";
}

TEST(CheckedCopiesDeathTest, WritesBeyondABlockAreReportedAndNotDone) {
  const Block block(kBytes, 1);
  const std::string beyond = "out of bounds: a write of [0-9]+ bytes from there is not within the 40-byte block 0x";
  EXPECT_DEATH(std::memcpy(block, kText, kBytes + 1), "memcpy\\(0x[0-9a-f]+\\): " + beyond);
  EXPECT_DEATH(std::memmove(block + 1, block, kBytes), "memmove\\(0x[0-9a-f]+\\): " + beyond);
  EXPECT_DEATH(::mempcpy(block, kText, kBytes + 1), "mempcpy.*" + beyond);
  EXPECT_DEATH(::bcopy(kText, block, kBytes + 1), "bcopy.*" + beyond);
  EXPECT_DEATH(std::memset(block + 8, 0, kBytes - 7), "memset.*" + beyond);
  EXPECT_DEATH(::bzero(block + 8, kBytes - 7), "bzero.*" + beyond);
  EXPECT_DEATH(::explicit_bzero(block + 8, kBytes - 7), "explicit_bzero.*" + beyond);
  EXPECT_DEATH(std::strcpy(block, kText), "strcpy.*" + beyond);
  EXPECT_DEATH(::stpcpy(block, kText), "stpcpy.*" + beyond);
  EXPECT_DEATH(std::strcat(block, kText + 2), "strcat.*" + beyond);
  EXPECT_DEATH(std::strncat(block, kText, kBytes - 1), "strncat.*" + beyond);
  EXPECT_DEATH(std::strncpy(block, "", kBytes + 1), "strncpy.*" + beyond);
  EXPECT_DEATH(::stpncpy(block, "", kBytes + 1), "stpncpy.*" + beyond);
}

TEST(CheckedCopiesDeathTest, WritesToAFreeBlockAreReported) {
  const Block company(kBytes, 1);  // so that the slab stays
  void* volatile block = ::operator new(kBytes);
  ::operator delete(block);
  EXPECT_DEATH(std::memset(block, 0, 1), "memset\\(.*use after free of the 40-byte block 0x");
}

/// Reads cost a look more, and damage nothing.
TEST(CheckedCopiesDeathTest, ReadsBeyondABlockAreReportedIfThatIsAskedFor) {
  const Block block(kBytes, kBytes);
  char copy[2 * kBytes];
  std::memcpy(copy, block, kBytes + 1);
  ASSERT_EQ(hak_option_set("HAKMEM_CHECK_COPIES", "2"), 0);
  const std::string beyond = "out of bounds: a read of [0-9]+ bytes from there is not within the 40-byte block 0x";
  EXPECT_DEATH(std::memcpy(copy, block, kBytes + 1), "memcpy.*" + beyond);
  EXPECT_DEATH(std::memmove(copy, block, kBytes + 1), "memmove.*" + beyond);
  EXPECT_DEATH(::mempcpy(copy, block, kBytes + 1), "mempcpy.*" + beyond);
  EXPECT_DEATH(::bcopy(block, copy, kBytes + 1), "bcopy.*" + beyond);
  EXPECT_DEATH(std::strncpy(copy, block, kBytes + 1), "strncpy.*" + beyond);
  EXPECT_DEATH(::stpncpy(copy, block, kBytes + 1), "stpncpy.*" + beyond);
  copy[0] = '\0';
  EXPECT_DEATH(std::strncat(copy, block, kBytes + 1), "strncat.*" + beyond);
  std::strncpy(copy, block, kBytes);
  ASSERT_EQ(hak_option_set("HAKMEM_CHECK_COPIES", "1"), 0);
}

TEST(CheckedCopies, AreNotJudgedIfThatIsAskedFor) {
  ASSERT_EQ(hak_option_set("HAKMEM_CHECK_COPIES", "0"), 0);
  Block* block = new Block(kBytes, kBytes);
  char kept = (*block)[kBytes];
  std::memset(*block, 0, kBytes + 1);
  std::memset(*block + kBytes, kept, 1);
  delete block;
  ASSERT_EQ(hak_option_set("HAKMEM_CHECK_COPIES", "1"), 0);
}

}  // namespace
}  // namespace hakmem::test
