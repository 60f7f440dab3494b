#include "heap/thread_context.hpp"

#include <gtest/gtest.h>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using Context = ThreadContext<ToyConfig>;
using Classes = SizeClass<ToyGeometry>;

TEST(ThreadContext, StartsDetachedWithNothing) {
  const Context context{};
  EXPECT_FALSE(context.attached.get());
  EXPECT_TRUE(context.inbox.looks_empty());
  for (const auto& head : context.heads) EXPECT_TRUE(head.empty());
  for (const auto& list : context.slabs) EXPECT_EQ(list.first(), nullptr);
}

TEST(ThreadContext, InboxIsApartFromTheOwnersLines) {
  Context context{};
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&context.inbox) % 64, 0u);
  EXPECT_EQ(&inbox_of(context), &context.inbox);
}

TEST(CacheAllowance, CountsTheListAndItsFreePlaces) {
  CacheAllowance<ToyConfig::Sync> allowance;
  EXPECT_EQ(allowance.length(), 0);
  allowance.grant(3, 2);
  EXPECT_TRUE(allowance.put());
  EXPECT_EQ(allowance.length(), 3);
  EXPECT_FALSE(allowance.put()) << "three is all that was granted";
  allowance.took();
  EXPECT_EQ(allowance.length(), 3);
  EXPECT_EQ(allowance.hits(), 1u);
}

/// A smaller class has got it: that is no hit.
TEST(CacheAllowance, LentBlocksLeaveTheirPlace) {
  CacheAllowance<ToyConfig::Sync> allowance;
  allowance.grant(3, 3);
  allowance.lent();
  EXPECT_EQ(allowance.length(), 2);
  EXPECT_EQ(allowance.hits(), 0u);
  EXPECT_TRUE(allowance.put());
}

TEST(CacheAllowance, GrantsNothingAtFirst) {
  CacheAllowance<ToyConfig::Sync> allowance;
  EXPECT_FALSE(allowance.put()) << "the setting is read at the first free";
}

}  // namespace
}  // namespace hakmem::test
