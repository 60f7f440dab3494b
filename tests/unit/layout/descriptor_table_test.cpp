#include "layout/descriptor_table.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <semaphore>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "support/losing_sync.hpp"
#include "support/together.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

struct Item {
  TestSync::Plain<std::uint32_t> index{};
  TestSync::Plain<int> value{};
};
enum Mark : unsigned { kToken, kHint, kMarks };

/// Two descriptors per group (ToyGeometry).
class DescriptorTableTest : public testing::Test {
 protected:
  std::vector<Item*> append(std::size_t count) {
    std::vector<Item*> items;
    for (std::size_t i = 0; i < count; ++i) items.push_back(table_.append(os_));
    return items;
  }

  TestMemory memory_{kToyBits};
  TestOs<kToyBits> os_{memory_};
  DescriptorTable<ToyConfig, Item, kMarks> table_;
};

/// D6, I7, museum 3 and 16: it grows without limit and without moving.
TEST_F(DescriptorTableTest, DescriptorsStayWhereTheyAreHoweverManyFollow) {
  const auto items = append(2000);
  EXPECT_EQ(table_.size(), 2000u);
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    ASSERT_NE(items[i], nullptr);
    ASSERT_EQ(items[i]->index.get(), i);
    ASSERT_EQ(&table_.at(i), items[i]);
  }
  EXPECT_EQ(std::set<Item*>(items.begin(), items.end()).size(), items.size());
}

TEST_F(DescriptorTableTest, MemoryIsReservedInDoublingChunks) {
  (void)append(2000);  // a thousand groups
  EXPECT_EQ(memory_.calls(OsCall::kMetadata), 10u);
}

TEST_F(DescriptorTableTest, RefusedMemoryIsReportedAndMayBeAskedForAgain) {
  (void)append(2);
  memory_.refuse(OsCall::kMetadata);
  EXPECT_EQ(table_.append(os_), nullptr);
  EXPECT_EQ(table_.size(), 2u);
  EXPECT_NE(table_.append(os_), nullptr);
}

TEST_F(DescriptorTableTest, TokensAreTakenOnceLowestFirst) {
  const auto items = append(7);
  EXPECT_EQ(table_.take_marked(kToken), nullptr);
  for (const std::uint32_t i : {6u, 1u, 4u}) table_.set_mark(kToken, i);
  EXPECT_EQ(table_.take_marked(kHint), nullptr) << "marks are apart from each other";
  EXPECT_TRUE(table_.take_mark(kToken, 4));
  EXPECT_FALSE(table_.take_mark(kToken, 4));
  EXPECT_EQ(table_.take_marked(kToken), items[1]);
  EXPECT_EQ(table_.take_marked(kToken), items[6]);
  EXPECT_EQ(table_.take_marked(kToken), nullptr);
}

TEST_F(DescriptorTableTest, VisitsMarkedOnesByIndexUntilTold) {
  const auto items = append(9);
  for (const std::uint32_t i : {8u, 3u, 0u}) table_.set_mark(kHint, i);
  std::vector<std::uint32_t> seen;
  EXPECT_FALSE(table_.visit_marked(kHint, [&](Item& item, std::uint32_t index) {
    EXPECT_EQ(&item, items[index]);
    seen.push_back(index);
    return seen.size() > items.size();
  }));
  EXPECT_EQ(seen, (std::vector{0u, 3u, 8u}));
  EXPECT_TRUE(table_.visit_marked(kHint, [](Item&, std::uint32_t index) { return index == 3; }));
}

TEST_F(DescriptorTableTest, HintIsForgottenUnlessItIsWorthItAfterAll) {
  (void)append(1);
  const auto marked = [&] { return table_.visit_marked(kHint, [](Item&, std::uint32_t) { return true; }); };
  table_.set_mark(kHint, 0);
  table_.clear_mark_unless(kHint, 0, [] { return true; });
  EXPECT_TRUE(marked());
  table_.clear_mark_unless(kHint, 0, [] { return false; });
  EXPECT_FALSE(marked());
}

TEST_F(DescriptorTableTest, BorrowedTokensAreGivenBackAfterTheVisit) {
  const auto items = append(5);
  table_.set_mark(kToken, 2);
  table_.set_mark(kToken, 4);
  std::vector<Item*> seen;
  table_.visit_tokens(kToken, [&](Item& item) {
    EXPECT_FALSE(table_.take_mark(kToken, item.index.get())) << "nobody else can have it meanwhile";
    seen.push_back(&item);
  });
  EXPECT_EQ(seen, (std::vector{items[2], items[4]}));
  EXPECT_TRUE(table_.take_mark(kToken, 2));
  EXPECT_TRUE(table_.take_mark(kToken, 4));
}

/// Who has heard of a descriptor by something relaxed may be told of one that it cannot see.
TEST_F(DescriptorTableTest, WhatCannotBeSeenIsNotFound) {
  EXPECT_EQ(table_.find(0), nullptr);
  const auto items = append(2);
  EXPECT_EQ(table_.find(0), items[0]);
  EXPECT_EQ(table_.find(1), items[1]);
  EXPECT_EQ(table_.find(2), nullptr) << "in a group that has no memory yet";
}

TEST_F(DescriptorTableTest, VisitsAll) {
  (void)append(5);
  unsigned seen = 0;
  table_.visit_all([&](Item&) { ++seen; });
  EXPECT_EQ(seen, 5u);
}

// A race for the first chunk, step by step ----------------------------------------------------------------------------

/// Who asks for memory lets another thread go first, once.
struct SlowOs : TestOs<kToyBits> {
  using TestOs::TestOs;
  template <class T>
  [[nodiscard]] T* metadata(std::size_t n) noexcept {
    if (const auto first = std::exchange(before, nullptr)) first();
    return TestOs::metadata<T>(n);
  }
  static inline std::function<void()> before;
};

/// Races for the size are lost as planned, and at a moment of the test's choice; those for a chunk are real.
struct StoppingSync : LosingSync {
  template <class T>
  struct Atomic : LosingSync::Atomic<T> {
    using LosingSync::Atomic<T>::Atomic;
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
      const unsigned planned = std::exchange(races_to_lose, 0);
      // The caller's orders.
      const bool done = LosingSync::Atomic<T>::compare_exchange_strong(expected, desired, success, failure);
      races_to_lose = planned;
      return done;
    }
  };

  static void pause() noexcept {
    if (const auto stop = std::exchange(at_pause, nullptr)) stop();
  }
  static inline thread_local std::function<void()> at_pause;
};

/// Two threads find no chunk. The winner has made one and no descriptor in it yet when the other one makes the first.
TEST(DescriptorTableRace, WhoComesSecondWithAChunkUsesTheFirst) {
  TestMemory memory{kToyBits};
  SlowOs os{memory};
  DescriptorTable<Config<StoppingSync, SlowOs, ToyGeometry>, Item, kMarks> table;
  Item* winners = nullptr;
  std::binary_semaphore has_a_chunk{0};
  std::binary_semaphore may_go_on{0};
  std::thread winner;
  SlowOs::before = [&] {
    winner = std::thread([&] {
      races_to_lose = 1;
      StoppingSync::at_pause = [&] {
        has_a_chunk.release();
        may_go_on.acquire();
      };
      winners = table.append(os);
    });
    has_a_chunk.acquire();
  };
  Item* others = table.append(os);
  may_go_on.release();
  winner.join();
  ASSERT_TRUE(winners != nullptr && others != nullptr);
  EXPECT_EQ(others->index.get(), 0u);
  EXPECT_EQ(&table.at(0), others);
  EXPECT_EQ(&table.at(1), winners);
}

TEST_F(DescriptorTableTest, ThreadsAppendingTogetherGetDifferentDescriptors) {
  std::vector<Item*> items[3];
  run_together(3, [&](unsigned thread) { items[thread] = append(200); });
  std::set<std::uint32_t> indices;
  for (const auto& of_thread : items) {
    for (Item* item : of_thread) indices.insert(item->index.get());
  }
  EXPECT_EQ(indices.size(), 600u);
  EXPECT_EQ(*indices.rbegin(), 599u);
}

}  // namespace
}  // namespace hakmem::test
