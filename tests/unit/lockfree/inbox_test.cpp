#include "lockfree/inbox.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "support/test_sync.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

struct Item {
  TestSync::Plain<Item*> next{};
};
using ItemInbox = Inbox<TestSync, Item, &Item::next>;

TEST(Inbox, OwnerCollectsEveryPostOnce) {
  ItemInbox inbox;
  Item items[3];
  EXPECT_TRUE(inbox.looks_empty());
  EXPECT_EQ(inbox.collect(), nullptr);
  for (Item& item : items) inbox.post(&item);
  EXPECT_FALSE(inbox.looks_empty());
  std::set<Item*> collected;
  for (Item* item = inbox.collect(); item != nullptr; item = item->next.get()) collected.insert(item);
  EXPECT_EQ(collected, (std::set<Item*>{&items[0], &items[1], &items[2]}));
  EXPECT_TRUE(inbox.looks_empty());
}

TEST(Inbox, ItemMayBePostedAgainAfterItWasCollected) {
  ItemInbox inbox;
  Item item;
  for (int i = 0; i < 3; ++i) {
    inbox.post(&item);
    EXPECT_EQ(inbox.collect(), &item);
    EXPECT_EQ(item.next.get(), nullptr);
  }
}

TEST(Inbox, NothingIsLostWhileTwoThreadsPostAndTheOwnerCollects) {
  constexpr std::size_t kPerThread = 500;
  ItemInbox inbox;
  std::vector<Item> items(2 * kPerThread);
  std::multiset<Item*> collected;
  run_together(3, [&](unsigned thread) {
    if (thread < 2) {
      for (std::size_t i = 0; i < kPerThread; ++i) inbox.post(&items[thread * kPerThread + i]);
      return;
    }
    while (collected.size() < items.size()) {
      for (Item* item = inbox.collect(); item != nullptr; item = item->next.get()) collected.insert(item);
      std::this_thread::yield();
    }
  });
  for (Item& item : items) EXPECT_EQ(collected.count(&item), 1u);
}

}  // namespace
}  // namespace hakmem::test
