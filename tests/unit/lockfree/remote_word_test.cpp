#include "lockfree/remote_word.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "support/losing_sync.hpp"
#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

constexpr unsigned kShift = 4;
constexpr std::size_t kBlocks = 64;

using Word = RemoteWord<TestSync, kShift>;

/// A slab's memory: blocks of one granule.
class RemoteWordTest : public testing::Test {
 protected:
  [[nodiscard]] std::uintptr_t base() const { return reinterpret_cast<std::uintptr_t>(memory_); }
  [[nodiscard]] void* block(std::size_t i) { return memory_ + (i << kShift); }
  [[nodiscard]] bool push(std::size_t i) { return word_.push_chain(base(), block(i), block(i), 1); }

  static std::vector<void*> blocks(Word::Chain chain) {
    std::vector<void*> all;
    for (void* p = chain.head; p != nullptr; p = TestSync::load_link(p)) all.push_back(p);
    EXPECT_EQ(all.size(), chain.count) << "the count comes with the chain";
    return all;
  }

  alignas(64) unsigned char memory_[kBlocks << kShift]{};
  Word word_;
};

TEST_F(RemoteWordTest, OwnerTakesWhatWasPushedLatestFirst) {
  EXPECT_FALSE(word_.has_chain());
  EXPECT_FALSE(push(3));
  EXPECT_FALSE(push(0));  // at the base itself: index 0 is not "nothing"
  EXPECT_FALSE(push(kBlocks - 1));
  EXPECT_TRUE(word_.has_chain());
  EXPECT_EQ(blocks(word_.take_all(base())), (std::vector<void*>{block(kBlocks - 1), block(0), block(3)}));
  EXPECT_FALSE(word_.has_chain());
  EXPECT_EQ(word_.take_all(base()).head, nullptr);
}

TEST_F(RemoteWordTest, ChainGoesInFrontWithItsCount) {
  EXPECT_FALSE(push(9));
  TestSync::store_link(block(1), block(2));
  TestSync::store_link(block(2), block(3));
  EXPECT_FALSE(word_.push_chain(base(), block(1), block(3), 3));
  EXPECT_EQ(blocks(word_.take_all(base())), (std::vector<void*>{block(1), block(2), block(3), block(9)}));
}

/// Lets another thread be faster: what `overtake` does happens between a push's look at the word and its CAS.
struct OvertakenSync : TestSync {
  static inline std::function<void()> overtake;
  static void store_link(void* block, void* next) noexcept {
    TestSync::store_link(block, next);
    if (const auto now = std::exchange(overtake, nullptr)) now();
  }
};

TEST_F(RemoteWordTest, PushThatWasOvertakenTriesAgainAndSaysSo) {
  RemoteWord<OvertakenSync, kShift> word;
  unsigned retries = 0;
  OvertakenSync::overtake = [&] { EXPECT_FALSE(word.push_chain(base(), block(1), block(1), 1)); };
  EXPECT_FALSE(word.push_chain(base(), block(2), block(2), 1, [&] { ++retries; }));
  EXPECT_EQ(retries, 1u);
  const auto chain = word.take_all(base());
  EXPECT_EQ(blocks({chain.head, chain.count}), (std::vector<void*>{block(2), block(1)}));
}

TEST_F(RemoteWordTest, HeadIsTheLatestBlockPushed) {
  EXPECT_FALSE(word_.is_head(base(), block(1)));
  EXPECT_FALSE(push(1));
  EXPECT_FALSE(push(2));
  EXPECT_TRUE(word_.is_head(base(), block(2)));
  EXPECT_FALSE(word_.is_head(base(), block(1)));
}

TEST_F(RemoteWordTest, SlabWithAChainDoesNotFallAsleep) {
  EXPECT_FALSE(push(1));
  EXPECT_FALSE(word_.try_sleep());
  EXPECT_EQ(blocks(word_.take_all(base())).size(), 1u);
  EXPECT_TRUE(word_.try_sleep());
}

/// I3: the first push after falling asleep wakes, no other one does.
TEST_F(RemoteWordTest, FirstPushIntoASleepingSlabIsItsOnlyWaker) {
  ASSERT_TRUE(word_.try_sleep());
  EXPECT_FALSE(word_.has_chain());
  EXPECT_TRUE(push(1));
  EXPECT_FALSE(push(2));
  EXPECT_EQ(blocks(word_.take_all(base())).size(), 2u);
}

TEST_F(RemoteWordTest, OwnerWakesItsSlabUnlessAPusherWasFirst) {
  ASSERT_TRUE(word_.try_sleep());
  EXPECT_TRUE(word_.try_wake());
  EXPECT_FALSE(push(1)) << "awake: nobody else wakes it";
  (void)word_.take_all(base());

  ASSERT_TRUE(word_.try_sleep());
  EXPECT_TRUE(push(1));
  EXPECT_FALSE(word_.try_wake()) << "the pusher has woken it";
}

TEST_F(RemoteWordTest, ResetMakesTheWordEmptyAndAwake) {
  ASSERT_TRUE(word_.try_sleep());
  word_.reset();
  EXPECT_FALSE(word_.has_chain());
  EXPECT_FALSE(push(1));
}

/// I1, I2, I3 with real threads: all blocks come back, each sleep has one waker.
TEST_F(RemoteWordTest, PushersAndOwnerAgreeOnBlocksAndWakers) {
  constexpr unsigned kRounds = 200;
  std::atomic<unsigned> wakers{0};
  std::atomic<unsigned> round{0};
  unsigned sleeps = 0;
  run_together(3, [&](unsigned thread) {
    for (unsigned r = 1; thread != 2 && r <= kRounds; ++r) {
      while (round.load(std::memory_order_acquire) != r) std::this_thread::yield();
      for (std::size_t i = thread; i < kBlocks; i += 2) wakers.fetch_add(push(i) ? 1u : 0u);
    }
    for (unsigned r = 1; thread == 2 && r <= kRounds; ++r) {
      sleeps += word_.try_sleep() ? 1u : 0u;
      round.store(r, std::memory_order_release);
      for (std::size_t got = 0; got < kBlocks;) {
        if (!word_.has_chain()) std::this_thread::yield();
        got += word_.has_chain() ? blocks(word_.take_all(base())).size() : 0;
      }
    }
  });
  EXPECT_EQ(sleeps, kRounds);
  EXPECT_EQ(wakers.load(), kRounds);
}

TEST_F(RemoteWordTest, WhoCountsNoRetriesTriesAgainAllTheSame) {
  RemoteWord<LosingSync, kShift> word;
  races_to_lose = 1;
  pauses = 0;
  EXPECT_FALSE(word.push_chain(base(), block(1), block(1), 1));
  EXPECT_EQ(pauses, 1u);
  EXPECT_EQ(word.take_all(base()).head, block(1));
}

}  // namespace
}  // namespace hakmem::test
