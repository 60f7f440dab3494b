#include "layout/local_list.hpp"

#include <gtest/gtest.h>

#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

class LocalListTest : public testing::Test {
 protected:
  void* block(int i) { return memory_[i]; }
  alignas(16) unsigned char memory_[6][16];
  LocalList<TestSync> list_;
};

TEST_F(LocalListTest, LastInIsFirstOut) {
  EXPECT_TRUE(list_.empty());
  EXPECT_EQ(list_.pop(), nullptr);
  for (int i = 0; i < 3; ++i) list_.push(block(i));
  EXPECT_EQ(list_.peek(), block(2));
  for (int i = 2; i >= 0; --i) EXPECT_EQ(list_.pop(), block(i));
  EXPECT_EQ(list_.pop(), nullptr);
  EXPECT_EQ(list_.peek(), nullptr);
}

TEST_F(LocalListTest, ChainGoesInFront) {
  list_.push(block(0));
  TestSync::store_link(block(1), block(2));
  list_.push_chain(block(1), block(2));
  EXPECT_EQ(list_.pop(), block(1));
  EXPECT_EQ(list_.pop(), block(2));
  EXPECT_EQ(list_.pop(), block(0));
  EXPECT_TRUE(list_.empty());
}

TEST_F(LocalListTest, WholeChainsAreAdoptedAndTaken) {
  for (int i = 0; i < 2; ++i) list_.push(block(i));
  void* chain = list_.take_all();
  EXPECT_TRUE(list_.empty());
  EXPECT_EQ(chain, block(1));
  LocalList<TestSync> other;
  other.adopt(chain);
  EXPECT_EQ(other.pop(), block(1));
  EXPECT_EQ(other.pop(), block(0));
  other.adopt(nullptr);
  EXPECT_TRUE(other.empty());
}

}  // namespace
}  // namespace hakmem::test
