#include "sync/hardened_sync.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

std::vector<const void*> alarms;

struct NotingAlarm {
  static void written_after_free(const void* block) noexcept { alarms.push_back(block); }
};

using Hardened = HardenedSync<TestSync, NotingAlarm>;

class HardenedSyncTest : public testing::Test {
 protected:
  HardenedSyncTest() {
    alarms.clear();
    Hardened::set_key(0x1234'5678'9abc'def1);
  }
  ~HardenedSyncTest() override { Hardened::set_key(0); }
  void* block(int i) { return memory_[i]; }

  alignas(16) unsigned char memory_[3][16]{};
};

TEST_F(HardenedSyncTest, LinksAreReadAsTheyWereWritten) {
  Hardened::store_link(block(0), block(1));
  Hardened::store_link(block(1), nullptr);
  EXPECT_EQ(Hardened::load_link(block(0)), block(1));
  EXPECT_EQ(Hardened::load_link(block(1)), nullptr);
  EXPECT_TRUE(alarms.empty());
}

TEST_F(HardenedSyncTest, EveryChangedBitIsFoundAndEndsTheChain) {
  for (unsigned bit = 0; bit < 128; ++bit) {
    Hardened::store_link(block(0), block(1));
    memory_[0][bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
    alarms.clear();
    EXPECT_EQ(Hardened::load_link(block(0)), nullptr) << bit;
    EXPECT_EQ(alarms, std::vector<const void*>{block(0)}) << bit;
  }
}

TEST_F(HardenedSyncTest, LinkOfAnotherBlockOrUnderAnotherKeyIsFound) {
  Hardened::store_link(block(0), block(1));
  std::memcpy(block(2), block(0), 16);
  EXPECT_EQ(Hardened::load_link(block(2)), nullptr);
  Hardened::set_key(5);
  EXPECT_EQ(Hardened::load_link(block(0)), nullptr);
  EXPECT_EQ(alarms, (std::vector<const void*>{block(2), block(0)}));
}

TEST_F(HardenedSyncTest, AddressesAreNotWrittenAsTheyAre) {
  Hardened::store_link(block(0), block(1));
  void* word = nullptr;
  std::memcpy(&word, block(0), sizeof word);
  EXPECT_NE(word, block(1));
}

}  // namespace
}  // namespace hakmem::test
