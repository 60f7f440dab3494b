/// The mark in free blocks, by itself; what a heap does with it is in misuse_test.cpp.

#include "layout/free_mark.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

using Mark = FreeMark<TestSync>;

struct UnmarkedSync : TestSync {
  static constexpr bool kMarksFreeBlocks = false;
};

class FreeMarkTest : public testing::Test {
 protected:
  void* block(int i) { return memory_[i]; }
  alignas(16) unsigned char memory_[4][16]{};
};

TEST_F(FreeMarkTest, LiesBehindTheLinkAndLeavesItAlone) {
  TestSync::store_link(block(0), block(1));
  EXPECT_FALSE(Mark::is_set(block(0)));
  Mark::set(block(0));
  EXPECT_TRUE(Mark::is_set(block(0)));
  EXPECT_EQ(TestSync::load_link(block(0)), block(1));
  Mark::clear(block(0));
  EXPECT_FALSE(Mark::is_set(block(0)));
  EXPECT_FALSE(Mark::is_set(block(1))) << "the neighbour is another block";
}

TEST_F(FreeMarkTest, UsualContentsAreNoMark) {
  for (const int byte : {0, 1, 0x20, 0x41, 0x7f, 0x80, 0xab, 0xff}) {
    std::memset(block(0), byte, 16);
    EXPECT_FALSE(Mark::is_set(block(0))) << byte;
  }
}

/// A program may copy a block that it has freed, and what it copies to is none.
TEST_F(FreeMarkTest, CopyOfAMarkIsNone) {
  Mark::set(block(0));
  std::memcpy(block(1), block(0), 16);
  EXPECT_TRUE(Mark::is_set(block(0)));
  EXPECT_FALSE(Mark::is_set(block(1)));
}

TEST_F(FreeMarkTest, NothingIsWrittenUnderAPolicyWithoutMarks) {
  static_assert(!FreeMark<UnmarkedSync>::kKept && Mark::kKept);
  FreeMark<UnmarkedSync>::set(block(0));
  EXPECT_FALSE(FreeMark<UnmarkedSync>::is_set(block(0)));
  EXPECT_FALSE(Mark::is_set(block(0)));
}

}  // namespace
}  // namespace hakmem::test
