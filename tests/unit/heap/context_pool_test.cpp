#include "heap/context_pool.hpp"

#include <gtest/gtest.h>

#include <set>

#include "support/together.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using Context = ThreadContext<ToyConfig>;

class ContextPoolTest : public testing::Test {
 protected:
  Context* adopt() { return pool_.adopt(os_); }
  std::set<Context*> parked() {
    std::set<Context*> all;
    pool_.visit_parked([&](Context& context) { all.insert(&context); });
    return all;
  }

  TestMemory memory_{kToyBits};
  TestOs<kToyBits> os_{memory_};
  ContextPool<ToyConfig> pool_;
};

TEST_F(ContextPoolTest, EachThreadGetsAContextOfItsOwn) {
  std::set<Context*> contexts;
  for (int i = 0; i < 50; ++i) {
    Context* context = adopt();
    ASSERT_NE(context, nullptr);
    EXPECT_TRUE(context->attached.get());
    contexts.insert(context);
  }
  EXPECT_EQ(contexts.size(), 50u);
  EXPECT_EQ(pool_.size(), 50u);
}

/// B11: contexts are as many as threads at one time, not as threads ever.
TEST_F(ContextPoolTest, ParkedContextIsAdoptedBeforeANewOneIsMade) {
  Context* first = adopt();
  Context* second = adopt();
  pool_.park(*first);
  EXPECT_EQ(adopt(), first);
  EXPECT_NE(adopt(), first);
  EXPECT_EQ(pool_.size(), 3u);
  EXPECT_NE(first, second);
}

TEST_F(ContextPoolTest, OnlyParkedContextsAreVisited) {
  Context* first = adopt();
  (void)adopt();
  Context* third = adopt();
  EXPECT_TRUE(parked().empty());
  pool_.park(*first);
  pool_.park(*third);
  EXPECT_EQ(parked(), (std::set{first, third}));
  EXPECT_EQ(parked(), (std::set{first, third})) << "they are parked again after the visit";
}

TEST_F(ContextPoolTest, ContextsInUseAreCounted) {
  Context* first = adopt();
  Context* second = adopt();
  EXPECT_EQ(pool_.in_use(), 2u);
  pool_.park(*first);
  EXPECT_EQ(pool_.in_use(), 1u);
  pool_.park(*second);
  EXPECT_EQ(pool_.in_use(), 0u);
  (void)adopt();
  EXPECT_EQ(pool_.in_use(), 1u);
}

TEST_F(ContextPoolTest, AllContextsAreVisitedWhoeverUsesThem) {
  Context* used = adopt();
  Context* parked = adopt();
  pool_.park(*parked);
  std::set<Context*> all;
  pool_.visit_all([&](Context& context) { all.insert(&context); });
  EXPECT_EQ(all, (std::set{used, parked}));
}

/// I6: whoever finds another thread at a context's posts goes on to the next.
TEST_F(ContextPoolTest, PostsOfAContextAreOneThreadsAtATime) {
  Context* first = adopt();
  Context* second = adopt();
  const auto visited = [&] {
    std::set<Context*> all;
    pool_.visit_posts([&](Context& context) {
      EXPECT_FALSE(pool_.take_posts(context.index.get())) << "the visitor has them";
      all.insert(&context);
    });
    return all;
  };
  EXPECT_EQ(visited(), (std::set{first, second})) << "in use or not";
  ASSERT_TRUE(pool_.take_posts(first->index.get()));
  EXPECT_EQ(visited(), std::set{second});
  pool_.give_back_posts(first->index.get());
  EXPECT_EQ(visited(), (std::set{first, second}));
}

/// While a context is visited it belongs to the visitor: no thread adopts it.
TEST_F(ContextPoolTest, VisitedContextIsNotAdopted) {
  Context* context = adopt();
  pool_.park(*context);
  pool_.visit_parked([&](Context& visited) {
    EXPECT_EQ(&visited, context);
    EXPECT_NE(adopt(), context);
  });
}

TEST_F(ContextPoolTest, WithoutMemoryThereIsNoContext) {
  memory_.refuse(OsCall::kMetadata);
  EXPECT_EQ(adopt(), nullptr);
  EXPECT_NE(adopt(), nullptr);
}

/// I1: threads that come and go, and others that visit, never share a context.
TEST_F(ContextPoolTest, ThreadsNeverShareAContext) {
  std::atomic<bool> exclusive{true};
  run_together(3, [&](unsigned thread) {
    // A plain member as a race-checked payload.
    const auto use = [&](Context& context) {
      context.retained_bytes.set(thread + 1);
      std::this_thread::yield();
      if (context.retained_bytes.get() != thread + 1) exclusive = false;
    };
    for (int i = 0; i < 300; ++i) {
      if (thread == 0) {
        pool_.visit_parked(use);
        continue;
      }
      Context* context = adopt();
      use(*context);
      pool_.park(*context);
    }
  });
  EXPECT_TRUE(exclusive);
  // Two threads and a visitor that may hold all that were parked.
  EXPECT_LE(pool_.size(), 600u);
}

}  // namespace
}  // namespace hakmem::test
