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

TEST(ThreadContext, CountsDetachedListsByClass) {
  Context context{};
  constexpr unsigned kFirst = Classes::kSmallCount;
  constexpr unsigned kLast = Classes::kCount - 1;
  EXPECT_EQ(context.add_cached(kFirst, 3), 3);
  EXPECT_EQ(context.add_cached(kLast, 1), 1);
  EXPECT_EQ(context.add_cached(kFirst, -1), 2);
  context.forget_cached(kFirst);
  EXPECT_EQ(context.add_cached(kFirst, 0), 0);
  EXPECT_EQ(context.add_cached(kLast, 0), 1);
}

}  // namespace
}  // namespace hakmem::test
