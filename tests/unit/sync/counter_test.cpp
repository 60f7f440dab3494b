#include "sync/counter.hpp"

#include <gtest/gtest.h>

#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

struct WithoutStatistics : TestSync {
  static constexpr bool kStatistics = false;
};

TEST(Counter, CountsWhatSeveralThreadsAdd) {
  Counter<TestSync> counter;
  EXPECT_EQ(counter.get(), 0u);
  run_together(3, [&](unsigned thread) {
    for (int i = 0; i < 1000; ++i) counter.add(thread + 1);
  });
  EXPECT_EQ(counter.get(), 6000u);
  counter.add();
  EXPECT_EQ(counter.get(), 6001u);
}

TEST(Counter, CountsNothingUnderAPolicyWithoutStatistics) {
  Counter<WithoutStatistics> counter;
  counter.add(5);
  EXPECT_EQ(counter.get(), 0u);
  EXPECT_LE(sizeof counter, 1u);
}

}  // namespace
}  // namespace hakmem::test
