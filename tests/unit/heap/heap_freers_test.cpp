/// A Config that gives threads without a context one when they free.

#include <gtest/gtest.h>

#include "heap/heap.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

struct FreersConfig : Config<TestSync, TestOs<kToyBits>, ToyGeometry> {
  static ThreadContext<FreersConfig>* context_of_freer() noexcept {
    ++asked;
    return given;
  }
  static inline ThreadContext<FreersConfig>* given = nullptr;
  static inline int asked = 0;
};
static_assert(GivesFreersContexts<FreersConfig> && !GivesFreersContexts<ToyConfig>);

class HeapOfFreers : public testing::Test {
 protected:
  HeapOfFreers() {
    heap_.init();
    FreersConfig::given = nullptr;
    FreersConfig::asked = 0;
  }

  TestMemory memory_{kToyBits};
  Heap<FreersConfig> heap_{TestOs<kToyBits>(memory_)};
  ThreadContext<FreersConfig>& owner_ = *heap_.attach();
  ThreadContext<FreersConfig> stand_in_{};
};

TEST_F(HeapOfFreers, FreeByAThreadWithoutAContextIsGatheredInTheOneThatItIsGiven) {
  FreersConfig::given = heap_.attach();
  heap_.deallocate(stand_in_, heap_.allocate(owner_, 64));
  EXPECT_EQ(FreersConfig::asked, 1);
  EXPECT_EQ(heap_.late_frees(), 0u);
  FreersConfig::given->outbox.flush_all();
  EXPECT_EQ(FreersConfig::given->outbox.blocks(), 1u);
}

TEST_F(HeapOfFreers, FreeIsSentAloneWhereNoneIsGiven) {
  heap_.deallocate(stand_in_, heap_.allocate(owner_, 64));
  EXPECT_EQ(FreersConfig::asked, 1);
  EXPECT_EQ(heap_.late_frees(), 1u);
}

TEST_F(HeapOfFreers, ThreadThatHasAContextIsGivenNone) {
  auto& other = *heap_.attach();
  FreersConfig::given = heap_.attach();
  heap_.deallocate(other, heap_.allocate(owner_, 64));
  EXPECT_EQ(FreersConfig::asked, 0);
  other.outbox.flush_all();
  EXPECT_EQ(other.outbox.blocks(), 1u);
}

/// Contexts are left by one thread and found by another.
TEST_F(HeapOfFreers, BlockOfTheGivenContextIsItsOwn) {
  void* block = heap_.allocate(owner_, 64);
  auto& slab = *heap_.page_map().find(block);
  const auto out = slab.frees_to_event.get();
  FreersConfig::given = &owner_;
  heap_.deallocate(stand_in_, block);
  EXPECT_EQ(slab.frees_to_event.get(), out - 1) << "freed by its owner";
  EXPECT_FALSE(slab.remote.has_chain());
}

TEST_F(HeapOfFreers, LargeBlocksAndForeignOnesNeedNone) {
  heap_.deallocate(stand_in_, heap_.allocate(owner_, 2 * ToyGeometry::kLargeMax));
  heap_.deallocate(stand_in_, nullptr);
  EXPECT_EQ(FreersConfig::asked, 0);
}

}  // namespace
}  // namespace hakmem::test
