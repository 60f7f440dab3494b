/// Second frees where free blocks are not marked: found by the slab's count, or as the block that was freed or sent last.

#include <gtest/gtest.h>

#include <vector>

#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#include "support/capturing_os.hpp"
#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

/// A policy under which free blocks are not marked.
struct UnmarkedSync : TestSync {
  static constexpr bool kMarksFreeBlocks = false;
};

using UnmarkedHeap = Heap<Config<UnmarkedSync, LinuxOs, FullGeometry>>;

/// The same where a report returns.
constexpr unsigned kBits = 30;
using GoingOn = Heap<Config<UnmarkedSync, CapturingOs<kBits>, FullGeometry>>;

constexpr const char* kDouble = "hakmem: free\\(0x[0-9a-f]+\\): double free of the [0-9]+-byte block";

/// Below zero a block of an empty slab was freed again, whichever it is.
TEST(HeapCorruptionOfUnmarkedBlocksDeathTest, OwnersFreeIntoAnEmptySlabIsFoundByItsCount) {
  UnmarkedHeap heap;
  heap.init();
  auto& owner = *heap.attach();
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(heap.allocate(owner, 1024));
  for (void* block : blocks) heap.deallocate(owner, block);
  EXPECT_DEATH(heap.deallocate(owner, blocks[1]), kDouble);
}

TEST(HeapCorruptionOfUnmarkedBlocksDeathTest, OwnersSecondFreeOfAnUncachedLargeBlockIsFoundOnItsSlab) {
  UnmarkedHeap heap;
  heap.init();
  auto& owner = *heap.attach();
  heap.settings().set_caches(PoolKind::kLarge, false);
  std::vector<void*> blocks;
  for (int i = 0; i < 3; ++i) blocks.push_back(heap.allocate(owner, 40'000));
  heap.deallocate(owner, blocks[0]);
  EXPECT_DEATH(heap.deallocate(owner, blocks[0]), "hakmem: free\\(0x[0-9a-f]+\\): double free");
}

/// Without marks the second free finds another block at the head of the thread's list, and cannot know.
TEST(HeapCorruptionOfUnmarkedBlocksDeathTest, ADoubleFreeIsFoundWhenTheListGoesBack) {
  UnmarkedHeap heap;
  heap.init();
  auto& owner = *heap.attach();
  std::vector<void*> blocks;
  for (int i = 0; i < 12; ++i) blocks.push_back(heap.allocate(owner, 32768));
  void* of_another_slab = blocks.back();
  ASSERT_NE(heap.page_map().find(blocks[0]), heap.page_map().find(of_another_slab));
  heap.deallocate(owner, blocks[0]);
  heap.deallocate(owner, of_another_slab);
  heap.deallocate(owner, blocks[0]);
  EXPECT_DEATH(heap.detach(owner), kDouble);
}

/// Where blocks are not marked, only the slab knows: by its count when it is empty, or by the block freed last.
TEST(MisuseOfUnmarkedBlocks, SecondFreeThatTheSlabFindsIsReportedAndNotDone) {
  reports.clear();
  TestMemory memory(kBits);
  GoingOn heap{CapturingOs<kBits>(memory)};
  heap.init();
  auto& owner = *heap.attach();
  heap.settings().set_caches(PoolKind::kLarge, false);
  for (const std::size_t bytes : {std::size_t{1024}, std::size_t{40'000}}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 4; ++i) blocks.push_back(heap.allocate(owner, bytes));
    const bool fills_its_slab = bytes == 1024;
    for (int i = 0; i < (fills_its_slab ? 4 : 1); ++i) heap.deallocate(owner, blocks[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(reports.empty());
    heap.deallocate(owner, blocks[0]);
    ASSERT_EQ(reports.size(), 1u) << bytes;
    EXPECT_EQ(reports[0].what, Corruption::kDoubleFree);
    reports.clear();
    EXPECT_NE(heap.allocate(owner, bytes), heap.allocate(owner, bytes)) << "the block is free once";
  }
}

TEST(MisuseOfUnmarkedBlocks, SecondFreeIntoAnEmptySlabLeavesItEmpty) {
  reports.clear();
  TestMemory memory(kBits);
  GoingOn heap{CapturingOs<kBits>(memory)};
  heap.init();
  auto& owner = *heap.attach();
  std::vector<void*> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(heap.allocate(owner, 1024));
  for (void* block : blocks) heap.deallocate(owner, block);
  heap.deallocate(owner, blocks[1]);
  EXPECT_EQ(reports.size(), 1u);
  EXPECT_TRUE(heap.trim(owner));
  EXPECT_EQ(heap.pool().active_bytes(), 0u);
}

/// Gathered with others or sent at once: the block sent last is known, and is not sent twice.
TEST(MisuseOfUnmarkedBlocks, AnotherThreadsSecondFreeInARowIsReportedAndNotDone) {
  reports.clear();
  TestMemory memory(kBits);
  GoingOn heap{CapturingOs<kBits>(memory)};
  heap.init();
  auto& owner = *heap.attach();
  auto& other = *heap.attach();
  for (const std::size_t bytes : {std::size_t{48}, std::size_t{40'000}}) {
    (void)heap.allocate(owner, bytes);  // so that the slab stays
    void* block = heap.allocate(owner, bytes);
    heap.deallocate(other, block);
    EXPECT_TRUE(reports.empty());
    heap.deallocate(other, block);
    ASSERT_EQ(reports.size(), 1u) << bytes;
    EXPECT_EQ(reports[0].what, Corruption::kDoubleFree);
    reports.clear();
    other.outbox.flush_all();
    EXPECT_EQ(heap.page_map().find(block)->remote.count(), 1u);
  }
}

}  // namespace
}  // namespace hakmem::test
