#include "sync/shown.hpp"

#include <gtest/gtest.h>

#include "sync/std_sync.hpp"

namespace hakmem::test {
namespace {

struct BlindSync : StdSync {
  static constexpr bool kStatistics = false;
};

TEST(Shown, HoldsWhatWasSetLast) {
  Shown<StdSync, unsigned> shown;
  EXPECT_EQ(shown.get(), 0u);
  shown.set(7);
  EXPECT_EQ(shown.get(), 7u);
}

TEST(Shown, IsNothingForAPolicyWithoutStatistics) {
  Shown<BlindSync, unsigned> shown;
  shown.set(7);
  EXPECT_EQ(shown.get(), 0u);
  EXPECT_EQ(sizeof shown, 1u);
}

}  // namespace
}  // namespace hakmem::test
