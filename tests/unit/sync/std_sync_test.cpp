#include "sync/std_sync.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/test_sync.hpp"
#include "sync/counter.hpp"

namespace hakmem::test {
namespace {

struct WithoutLinks {
  template <class T>
  using Atomic = std::atomic<T>;
  template <class T>
  using Plain = StdSync::Plain<T>;
  static void pause() noexcept {}
};

static_assert(SyncPolicy<StdSync> && SyncPolicy<TestSync>);
static_assert(!SyncPolicy<WithoutLinks>, "a policy without in-block links is refused");

TEST(StdSync, LinkIsKeptInTheFirstBytesOfABlock) {
  alignas(16) unsigned char block[32];
  std::memset(block, 0xee, sizeof block);
  int target = 0;
  StdSync::store_link(block, &target);
  EXPECT_EQ(StdSync::load_link(block), &target);
  EXPECT_EQ(block[sizeof(void*)], 0xee) << "nothing behind the link is written";
  StdSync::store_link(block, nullptr);
  EXPECT_EQ(StdSync::load_link(block), nullptr);
}

TEST(StdSync, MarkIsKeptInTheBytesBehindTheLink) {
  alignas(16) unsigned char block[32];
  std::memset(block, 0xee, sizeof block);
  StdSync::store_mark(block, true);
  EXPECT_TRUE(StdSync::load_mark(block));
  EXPECT_EQ(block[sizeof(void*) - 1], 0xee);
  EXPECT_EQ(block[2 * sizeof(void*)], 0xee);
  StdSync::store_mark(block, false);
  EXPECT_FALSE(StdSync::load_mark(block));
}

TEST(StdSync, PlainVariableStartsAtZeroAndKeepsWhatIsSet) {
  StdSync::Plain<std::uint32_t> plain;
  EXPECT_EQ(plain.get(), 0u);
  plain.set(7);
  EXPECT_EQ(plain.get(), 7u);
  EXPECT_EQ(StdSync::Plain<int>(3).get(), 3);
}

/// Descriptors are zero pages that nobody constructs.
TEST(StdSync, ZeroBytesAreTheInitialStateOfAtomicsAndPlainVariables) {
  alignas(std::atomic<std::uint64_t>) unsigned char bytes[sizeof(std::atomic<std::uint64_t>)];
  auto* atomic = new (bytes) StdSync::Atomic<std::uint64_t>{};
  EXPECT_EQ(atomic->load(std::memory_order_relaxed), 0u);
  EXPECT_EQ(bytes[0] | bytes[1] | bytes[2] | bytes[3] | bytes[4] | bytes[5] | bytes[6] | bytes[7], 0);
  StdSync::pause();
}

/// At once where the machine can, else in two steps.
TEST(StdSync, OwnersAdditionIsASumOf64Bits) {
  OwnerCounter<StdSync> count;
  count.add(0xffff'ffff);
  count.add(1);
  EXPECT_EQ(count.get(), 0x1'0000'0000u);
  count.add(0x7000'0000'0000'0000u);
  EXPECT_EQ(count.get(), 0x7000'0001'0000'0000u);
}

}  // namespace
}  // namespace hakmem::test
