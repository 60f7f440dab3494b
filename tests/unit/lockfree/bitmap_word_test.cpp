#include "lockfree/bitmap_word.hpp"

#include <gtest/gtest.h>

#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

using Word = BitmapWord<TestSync>;

TEST(BitmapWord, TokenIsTakenOnce) {
  Word word;
  EXPECT_FALSE(word.take(5));
  word.set(5);
  EXPECT_EQ(word.load(), std::uint64_t{1} << 5);
  EXPECT_TRUE(word.take(5));
  EXPECT_FALSE(word.take(5));
  EXPECT_EQ(word.load(), 0u);
}

TEST(BitmapWord, TakesTheLowestTokenFirst) {
  Word word;
  EXPECT_EQ(word.take_any(), -1);
  for (const unsigned bit : {63u, 0u, 17u}) word.set(bit);
  EXPECT_EQ(word.take_any(), 0);
  EXPECT_EQ(word.take_any(), 17);
  EXPECT_EQ(word.take_any(), 63);
  EXPECT_EQ(word.take_any(), -1);
}

TEST(BitmapWord, HintIsClearedWhenTheTruthDoesNotDeserveIt) {
  Word word;
  word.set(3);
  word.set(4);
  word.clear_unless(3, [] { return false; });
  EXPECT_EQ(word.load(), std::uint64_t{1} << 4);
}

/// Museum 10: the bit is cleared after another thread has made the truth worth a look.
TEST(BitmapWord, HintIsRestoredWhenTheTruthHasChangedMeanwhile) {
  Word word;
  word.set(3);
  word.clear_unless(3, [] { return true; });
  EXPECT_EQ(word.load(), std::uint64_t{1} << 3);
}

/// I3: a token has one taker, however many try.
TEST(BitmapWord, ThreadsTakeEachTokenExactlyOnce) {
  Word word;
  std::atomic<unsigned> taken[Word::kBits]{};
  for (unsigned bit = 0; bit < Word::kBits; ++bit) word.set(bit);
  run_together(3, [&](unsigned) {
    for (int bit = word.take_any(); bit >= 0; bit = word.take_any()) taken[bit].fetch_add(1);
  });
  for (const auto& times : taken) EXPECT_EQ(times.load(), 1u);
}

}  // namespace
}  // namespace hakmem::test
