/// Pages of 4, 16 and 64 KiB, and some that are larger than a slot. What the heap gives back must be whole pages, of
/// which nobody else has a part.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "heap/heap.hpp"
#include "support/test_os.hpp"
#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

constexpr unsigned kBits = 30;
using PagedConfig = Config<TestSync, TestOs<kBits>, FullGeometry>;
constexpr std::size_t kSlot = kSlotBytes<FullGeometry>;
constexpr std::size_t kMiB = std::size_t{1} << 20;

struct Block {
  unsigned char* bytes;
  std::size_t size;
  unsigned char pattern;

  [[nodiscard]] bool is_whole() const {
    return std::all_of(bytes, bytes + size, [this](unsigned char byte) { return byte == pattern; });
  }
};

class HeapPageSizesTest : public testing::TestWithParam<std::size_t> {
 protected:
  HeapPageSizesTest() {
    heap_.init();
    context_ = heap_.attach();
  }

  Block allocate(std::size_t size) {
    const Block block{static_cast<unsigned char*>(heap_.allocate(*context_, size)), size, ++pattern_};
    std::memset(block.bytes, block.pattern, size);
    return block;
  }
  bool gives_zeroes(std::size_t size) {
    const Block block{static_cast<unsigned char*>(heap_.allocate_zeroed(*context_, size)), size, 0};
    const bool zero = block.is_whole();
    std::memset(block.bytes, 0xff, size);
    heap_.deallocate(*context_, block.bytes);
    return zero;
  }

  TestMemory memory_{kBits, GetParam()};
  Heap<PagedConfig> heap_{TestOs<kBits>(memory_)};
  ThreadContext<PagedConfig>* context_ = nullptr;
  unsigned char pattern_ = 0;
};

TEST_P(HeapPageSizesTest, WhatIsGivenBackIsNobodysElse) {
  std::vector<Block> blocks;
  for (unsigned round = 0; round < 20; ++round) {
    for (std::size_t size = 16; size < 2 * kMiB; size += size / 3 + 8) blocks.push_back(allocate(size));
  }
  std::vector<Block> kept;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 7 == 0) kept.push_back(blocks[i]);
    if (i % 7 != 0) heap_.deallocate(*context_, blocks[i].bytes);
  }
  EXPECT_TRUE(heap_.trim(*context_));
  for (const Block& block : kept) EXPECT_TRUE(block.is_whole()) << block.size;
  for (const Block& block : kept) heap_.deallocate(*context_, block.bytes);
}

TEST_P(HeapPageSizesTest, ZeroedBlocksAreZeroAfterAnyUse) {
  for (const std::size_t size :
       {std::size_t{64}, kSlot / 4, kSlot / 2, kSlot, 3 * kSlot, kMiB, kMiB + kSlot, 5 * kMiB}) {
    for (unsigned use = 0; use < 3; ++use) {
      EXPECT_TRUE(gives_zeroes(size)) << size;
      (void)heap_.trim(*context_);
      EXPECT_TRUE(gives_zeroes(size)) << size;
    }
  }
}

/// Slot by slot where a slot is whole pages; else with the SuperSlab.
TEST_P(HeapPageSizesTest, FreedSlotsGoBack) {
  heap_.settings().set_caches(PoolKind::kLarge, false);
  std::vector<Block> blocks;
  for (unsigned i = 0; i < 2 * FullGeometry::kSlots; ++i) blocks.push_back(allocate(kSlot));
  // Neighbours share slabs.
  const std::size_t half = blocks.size() / 2;
  for (std::size_t i = half; i < blocks.size(); ++i) heap_.deallocate(*context_, blocks[i].bytes);
  const std::uint64_t decommits = memory_.calls(OsCall::kDecommit);
  const std::size_t reserved = memory_.reserved_bytes();
  EXPECT_TRUE(heap_.trim(*context_));
  EXPECT_TRUE(memory_.calls(OsCall::kDecommit) > decommits || memory_.reserved_bytes() < reserved);
  for (std::size_t i = 0; i < half; ++i) {
    EXPECT_TRUE(blocks[i].is_whole());
    heap_.deallocate(*context_, blocks[i].bytes);
  }
  (void)heap_.trim(*context_);
  heap_.detach(*context_);
  (void)heap_.trim(*heap_.attach());
  EXPECT_EQ(memory_.reservations(), 0u);
}

TEST_P(HeapPageSizesTest, LargeBlocksGrowAndShrink) {
  Block block = allocate(kMiB + kSlot);
  for (const std::size_t size : {9 * kMiB, 2 * kMiB + 1, 3 * kMiB, kMiB + 1}) {
    auto* moved = static_cast<unsigned char*>(heap_.reallocate(*context_, block.bytes, size));
    ASSERT_NE(moved, nullptr);
    block = {moved, std::min(block.size, size), block.pattern};
    EXPECT_TRUE(block.is_whole()) << size;
    block.size = size;
    std::memset(block.bytes, block.pattern, size);
  }
  heap_.deallocate(*context_, block.bytes);
}

INSTANTIATE_TEST_SUITE_P(PagesOf, HeapPageSizesTest,
                         testing::Values(std::size_t{4} << 10, std::size_t{16} << 10, std::size_t{64} << 10,
                                         std::size_t{256} << 10),
                         [](const auto& page) { return std::to_string(page.param >> 10) + "KiB"; });

}  // namespace
}  // namespace hakmem::test
