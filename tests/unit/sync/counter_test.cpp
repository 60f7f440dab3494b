#include "sync/counter.hpp"

#include <gtest/gtest.h>

#include "support/least_sync.hpp"
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

TEST(OwnerCounter, CountsWhatOneThreadAddsAndAnyReads) {
  OwnerCounter<TestSync> counter;
  counter.add();
  run_together(2, [&](unsigned thread) {
    if (thread == 0) counter.add(41);
    EXPECT_LE(counter.get(), 42u);
  });
  EXPECT_EQ(counter.get(), 42u);
}

TEST(OwnerCounter, CountsWhereThePolicyHasNoAdditionOfItsOwn) {
  OwnerCounter<LeastSync> counter;
  counter.add(41);
  counter.add();
  EXPECT_EQ(counter.get(), 42u);
}

TEST(Counter, CountsNothingUnderAPolicyWithoutStatistics) {
  Counter<WithoutStatistics> counter;
  counter.add(5);
  EXPECT_EQ(counter.get(), 0u);
  EXPECT_LE(sizeof counter, 1u);
}

}  // namespace
}  // namespace hakmem::test
