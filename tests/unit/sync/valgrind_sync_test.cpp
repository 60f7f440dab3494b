/// Outside Valgrind the annotating policy is std::atomic with more words: same results, same initial state. Under Helgrind
/// and DRD, where ci/mutants runs these tests too, each order promises what the language says and no race is reported.

#include "sync/valgrind_sync.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace hakmem::test {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;

static_assert(SyncPolicy<ValgrindSync>);
static_assert(sizeof(ValgrindSync::Atomic<std::uint64_t>) == sizeof(std::uint64_t), "descriptors keep their layout");

TEST(ValgrindSync, AtomicsDoWhatStandardOnesDo) {
  ValgrindSync::Atomic<std::uint64_t> word{};
  EXPECT_EQ(word.load(kRelaxed), 0u);
  word.store(6, kRelease);
  EXPECT_EQ(word.exchange(9, kAcqRel), 6u);
  EXPECT_EQ(word.fetch_or(6, kAcqRel), 9u);
  EXPECT_EQ(word.fetch_and(7, kAcqRel), 15u);
  EXPECT_EQ(word.fetch_add(1, kRelaxed), 7u);
  EXPECT_EQ(word.load(kAcquire), 8u);
}

TEST(ValgrindSync, CompareExchangeReportsWhatItSaw) {
  ValgrindSync::Atomic<std::uint64_t> word{};
  std::uint64_t expected = 1;
  EXPECT_FALSE(word.compare_exchange_strong(expected, 5, kAcqRel, kRelaxed));
  EXPECT_EQ(expected, 0u);
  EXPECT_TRUE(word.compare_exchange_strong(expected, 5, kAcqRel, kRelaxed));
  expected = 5;
  EXPECT_TRUE(word.compare_exchange_weak(expected, 6, kAcqRel, kRelaxed)) << "it fails only where it must";
  EXPECT_EQ(word.load(kRelaxed), 6u);
}

TEST(ValgrindSync, OrdersAnnounceAndReceiveAsTheLanguageSays) {
  struct Row {
    std::memory_order order;
    bool releases, acquires;
  };
  for (const auto& [order, releases, acquires] :
       std::array{Row{kRelaxed, false, false}, Row{std::memory_order_consume, false, true}, Row{kAcquire, false, true},
                  Row{kRelease, true, false}, Row{kAcqRel, true, true}, Row{std::memory_order_seq_cst, true, true}}) {
    EXPECT_EQ(valgrind_detail::releases(order), releases) << static_cast<int>(order);
    EXPECT_EQ(valgrind_detail::acquires(order), acquires) << static_cast<int>(order);
  }
}

using Word = ValgrindSync::Atomic<std::uint64_t>;

/// A thread writes and hands over by `give`; another one waits by `take`, then reads. Once for each pair.
template <class Give, class Take>
void hand_over(Give give, Take take) {
  Word word{};
  std::uint64_t payload = 0;
  std::uint64_t seen = 0;
  std::thread giver([&] {
    payload = 7;
    give(word);
  });
  std::thread taker([&] {
    while (!take(word)) ValgrindSync::pause();
    seen = payload;
  });
  giver.join();
  taker.join();
  EXPECT_EQ(seen, 7u);
}

/// The tools would take them for accesses like any others.
TEST(ValgrindSync, UnorderedWritesToOneWordAreNoRace) {
  Word stored{};
  Word added{};
  const auto write = [&] {
    stored.store(7, kRelaxed);
    (void)added.fetch_add(7, kRelaxed);
  };
  std::thread one(write);
  std::thread two(write);
  one.join();
  two.join();
  EXPECT_EQ(stored.load(kRelaxed), 7u);
  EXPECT_EQ(added.load(kRelaxed), 14u);
}

/// Both tools would report the payload's race if an operation did not say what its order promises, and the word's own.
TEST(ValgrindSync, WhatIsHandedOverIsNoRace) {
  const auto store = [](Word& word) { word.store(1, kRelease); };
  const auto load = [](Word& word) { return word.load(kAcquire) != 0; };
  const auto exchange = [](Word& word) { word.exchange(1, kRelease); };
  const auto take = [](Word& word) { return word.exchange(0, kAcquire) != 0; };
  const auto swap_in = [](Word& word) {
    std::uint64_t expected = 0;
    EXPECT_TRUE(word.compare_exchange_strong(expected, 1, kRelease, kRelaxed));
  };
  const auto swap_out = [](Word& word) {
    std::uint64_t expected = 1;
    return word.compare_exchange_strong(expected, 0, kAcquire, kRelaxed);
  };
  const auto refused = [](Word& word) {
    std::uint64_t expected = 0;
    return !word.compare_exchange_strong(expected, 0, kRelaxed, kAcquire);
  };
  hand_over(store, load);
  hand_over(exchange, take);
  hand_over(swap_in, swap_out);
  hand_over(store, refused);
}

}  // namespace
}  // namespace hakmem::test
