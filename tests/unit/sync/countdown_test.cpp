#include "sync/countdown.hpp"

#include <gtest/gtest.h>

#include "sync/std_sync.hpp"

namespace hakmem::test {
namespace {

/// A policy without instructions of its own for it.
struct PlainSync {
  template <class T>
  using Atomic = std::atomic<T>;
  template <class T>
  using Plain = StdSync::Plain<T>;
};

template <class Sync>
class CountdownTest : public testing::Test {
 protected:
  Countdown<Sync> count_;
};
using Policies = testing::Types<StdSync, PlainSync>;
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
