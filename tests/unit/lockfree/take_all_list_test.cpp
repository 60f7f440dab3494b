#include "lockfree/take_all_list.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

struct Node {
  int id = 0;
  TestSync::Plain<Node*> next{};
};
using List = TakeAllList<TestSync, Node, &Node::next>;

std::vector<int> ids(Node* first) {
  std::vector<int> all;
  for (Node* node = first; node != nullptr; node = node->next.get()) all.push_back(node->id);
  return all;
}

class TakeAllListTest : public testing::Test {
 protected:
  TakeAllListTest() {
    for (int i = 0; i < 5; ++i) nodes_[i].id = i;
  }
  Node nodes_[5];
  List list_;
};

TEST_F(TakeAllListTest, TakesEverythingAtOnceLatestFirst) {
  EXPECT_TRUE(list_.looks_empty());
  EXPECT_EQ(list_.take_all(), nullptr);
  for (int i = 0; i < 3; ++i) list_.push(&nodes_[i]);
  EXPECT_FALSE(list_.looks_empty());
  EXPECT_EQ(ids(list_.take_all()), (std::vector{2, 1, 0}));
  EXPECT_TRUE(list_.looks_empty());
}

TEST_F(TakeAllListTest, ChainKeepsItsOrderBeforeWhatWasThere) {
  list_.push(&nodes_[0]);
  nodes_[1].next.set(&nodes_[2]);
  list_.push_chain(&nodes_[1], &nodes_[2]);
  EXPECT_EQ(ids(list_.take_all()), (std::vector{1, 2, 0}));
}

TEST_F(TakeAllListTest, RestIsPutBackWhetherOrNotSomethingHasArrived) {
  for (int i = 0; i < 3; ++i) list_.push(&nodes_[i]);
  Node* rest = list_.take_all()->next.get();
  list_.put_back(rest);
  EXPECT_EQ(ids(list_.take_all()), (std::vector{1, 0}));

  list_.push(&nodes_[3]);
  list_.put_back(rest);
  EXPECT_EQ(ids(list_.take_all()), (std::vector{1, 0, 3}));

  list_.put_back(nullptr);
  EXPECT_TRUE(list_.looks_empty());
}

/// I2: pushed = taken, with several pushers, and takers that put back what they do not want.
TEST_F(TakeAllListTest, ThreadsLoseAndDuplicateNothing) {
  constexpr int kPerThread = 500;
  std::vector<Node> all(2 * kPerThread);
  std::vector<unsigned> taken(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].id = static_cast<int>(i);
  run_together(3, [&](unsigned thread) {
    if (thread < 2) {
      for (int i = 0; i < kPerThread; ++i) list_.push(&all[thread * kPerThread + static_cast<unsigned>(i)]);
      return;
    }
    for (std::size_t got = 0; got < all.size();) {
      Node* first = list_.take_all();
      if (first == nullptr) {
        std::this_thread::yield();
        continue;
      }
      list_.put_back(first->next.get());
      ++taken[static_cast<std::size_t>(first->id)];
      ++got;
    }
  });
  EXPECT_TRUE(list_.looks_empty());
  for (const unsigned times : taken) EXPECT_EQ(times, 1u);
}

}  // namespace
}  // namespace hakmem::test
