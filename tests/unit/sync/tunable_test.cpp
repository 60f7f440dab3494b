#include "sync/tunable.hpp"

#include <gtest/gtest.h>

#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

TEST(Tunable, HoldsTheDefaultUntilItIsSet) {
  Tunable<TestSync, std::int64_t, 5> setting;
  EXPECT_EQ(setting.get(), 5);
  setting.set(-1);
  EXPECT_EQ(setting.get(), -1);
  setting.set(5);
  EXPECT_EQ(setting.get(), 5);
}

TEST(Tunable, UnsignedBelowTheDefault) {
  Tunable<TestSync, std::uint16_t, 100> setting;
  setting.set(0);
  EXPECT_EQ(setting.get(), 0);
}

struct FixedSync : TestSync {
  static constexpr bool kTunable = false;
};

TEST(Tunable, PolicyMayFixIt) {
  Tunable<FixedSync, int, 5> setting;
  setting.set(7);
  EXPECT_EQ(setting.get(), 5);
}

}  // namespace
}  // namespace hakmem::test
