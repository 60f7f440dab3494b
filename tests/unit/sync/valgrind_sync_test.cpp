/// Outside Valgrind the annotating policy is std::atomic with more words: same results, same initial state.

#include "sync/valgrind_sync.hpp"

#include <gtest/gtest.h>

namespace hakmem::test {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcqRel = std::memory_order_acq_rel;

static_assert(SyncPolicy<ValgrindSync>);
static_assert(sizeof(ValgrindSync::Atomic<std::uint64_t>) == sizeof(std::uint64_t), "descriptors keep their layout");

TEST(ValgrindSync, AtomicsDoWhatStandardOnesDo) {
  ValgrindSync::Atomic<std::uint64_t> word{};
  EXPECT_EQ(word.load(kRelaxed), 0u);
  word.store(6, std::memory_order_release);
  EXPECT_EQ(word.exchange(9, kAcqRel), 6u);
  EXPECT_EQ(word.fetch_or(6, kAcqRel), 9u);
  EXPECT_EQ(word.fetch_and(7, kAcqRel), 15u);
  EXPECT_EQ(word.fetch_add(1, kRelaxed), 7u);
  EXPECT_EQ(word.load(std::memory_order_acquire), 8u);
}

TEST(ValgrindSync, CompareExchangeReportsWhatItSaw) {
  ValgrindSync::Atomic<std::uint64_t> word{};
  std::uint64_t expected = 1;
  EXPECT_FALSE(word.compare_exchange_strong(expected, 5, kAcqRel, kRelaxed));
  EXPECT_EQ(expected, 0u);
  EXPECT_TRUE(word.compare_exchange_strong(expected, 5, kAcqRel, kRelaxed));
  expected = 5;
  while (!word.compare_exchange_weak(expected, 6, kAcqRel, kRelaxed)) {
  }
  EXPECT_EQ(word.load(kRelaxed), 6u);
}

}  // namespace
}  // namespace hakmem::test
