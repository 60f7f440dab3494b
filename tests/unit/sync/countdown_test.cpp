#include "sync/countdown.hpp"

#include <gtest/gtest.h>

#include "support/least_sync.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::test {
namespace {

template <class Sync>
class CountdownTest : public testing::Test {
 protected:
  Countdown<Sync> count_;
};
/// One with instructions of its own for it, one without.
using Policies = testing::Types<StdSync, LeastSync>;
TYPED_TEST_SUITE(CountdownTest, Policies);

TYPED_TEST(CountdownTest, TellsWhenTheLastOneIsTaken) {
  this->count_.set(2);
  EXPECT_TRUE(this->count_.take_leaves_some());
  EXPECT_FALSE(this->count_.take_leaves_some()) << "none is left";
  EXPECT_EQ(this->count_.get(), 0);
  EXPECT_FALSE(this->count_.take_leaves_some()) << "below zero too";
  EXPECT_EQ(this->count_.get(), -1);
}

TYPED_TEST(CountdownTest, TellsWhenThereWasNone) {
  this->count_.set(1);
  EXPECT_FALSE(this->count_.take_from_none()) << "the last one";
  EXPECT_TRUE(this->count_.take_from_none());
  EXPECT_TRUE(this->count_.take_from_none());
  EXPECT_EQ(this->count_.get(), -2);
}

TYPED_TEST(CountdownTest, CountsOverTheWholeRange) {
  for (const std::int32_t start : {1 << 30, 1000, 3}) {
    this->count_.set(start);
    EXPECT_TRUE(this->count_.take_leaves_some());
    EXPECT_FALSE(this->count_.take_from_none());
    EXPECT_EQ(this->count_.get(), start - 2);
  }
}

}  // namespace
}  // namespace hakmem::test
