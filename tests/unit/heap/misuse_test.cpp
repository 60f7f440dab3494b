/// Bad pointers on the real system and the shipping geometry end in a clear message, never in another block's
/// corruption: as far as it can be known cheaply.

#include <gtest/gtest.h>

#include <vector>

#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#include "support/capturing_os.hpp"
#include "support/test_sync.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::test {
namespace {

using RealHeap = Heap<Config<TestSync, LinuxOs, FullGeometry>>;
using Context = RealHeap::Context;

constexpr const char* kForeign = "hakmem: free\\(0x[0-9a-f]+\\): invalid pointer: no block of this heap starts there";
constexpr const char* kInterior =
    "hakmem: free\\(0x[0-9a-f]+\\): invalid pointer: not the start of a block, but inside";
constexpr const char* kDouble = "hakmem: free\\(0x[0-9a-f]+\\): double free of the [0-9]+-byte block";
constexpr const char* kReleased = "hakmem: free\\(0x[0-9a-f]+\\): double free: every block of the slab";

enum class Freer { kOwner, kOther, kStandIn };

class HeapCorruptionDeathTest : public testing::TestWithParam<Freer> {
 protected:
  HeapCorruptionDeathTest() {
    heap_.init();
    owner_ = heap_.attach();
    other_ = heap_.attach();
  }

  char* allocate(std::size_t bytes) { return static_cast<char*>(heap_.allocate(*owner_, bytes)); }

  void free(void* block) {
    switch (GetParam()) {
      case Freer::kOwner: return heap_.deallocate(*owner_, block);
      case Freer::kOther: return heap_.deallocate(*other_, block);
      case Freer::kStandIn: return heap_.deallocate(stand_in_, block);
    }
  }

  /// Everything free goes back to the shared pool, and empty SuperSlabs to the system.
  void give_back() {
    heap_.detach(*other_);
    other_ = heap_.attach();
    (void)heap_.trim(*owner_);
  }

  RealHeap heap_;
  Context stand_in_{};
  Context* owner_ = nullptr;
  Context* other_ = nullptr;
};
INSTANTIATE_TEST_SUITE_P(Freers, HeapCorruptionDeathTest,
                         testing::Values(Freer::kOwner, Freer::kOther, Freer::kStandIn), [](const auto& freer) {
                           return freer.param == Freer::kOwner   ? "ByOwner"
                                  : freer.param == Freer::kOther ? "ByAnotherThread"
                                                                 : "ByThreadWithoutContext";
                         });

/// Small blocks, mid ones (cached by thread), and large ones with and without company in their slab.
constexpr std::size_t kSizes[] = {16, 48, 1024, 5000, 32768, 50000, 300000, 1048576};

TEST_P(HeapCorruptionDeathTest, ForeignPointerIsNamed) {
  static char foreign[64];
  char* block = allocate(100);
  EXPECT_DEATH(free(foreign), kForeign);
  EXPECT_DEATH(free(&foreign[1]), kForeign);
  EXPECT_DEATH(free(reinterpret_cast<void*>(std::uintptr_t{16})), kForeign);
  EXPECT_DEATH(free(reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(block) ^ std::uintptr_t{1} << 40)),
               kForeign);
}

TEST_P(HeapCorruptionDeathTest, PointerWithATagIsToldApart) {
  const auto block = reinterpret_cast<std::uintptr_t>(allocate(100));
  constexpr std::uintptr_t kTag = std::uintptr_t{0x5} << 56;
  EXPECT_DEATH(free(reinterpret_cast<void*>(block | kTag)), "invalid pointer: no address of this heap has bits above");
}

TEST_P(HeapCorruptionDeathTest, PointerIntoABlockIsNamedWithItsBlock) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    char* block = allocate(bytes);
    EXPECT_DEATH(free(block + 1), kInterior);
    EXPECT_DEATH(free(block + 8), kInterior);
    EXPECT_DEATH(free(block + 2), kInterior);
    EXPECT_DEATH(free(block + bytes - 1), kInterior);
  }
}

/// 65536 is no multiple of 48: what is left behind the last block is nobody's.
TEST_P(HeapCorruptionDeathTest, PointerBehindTheLastBlockOfASlabIsNamed) {
  const auto block = reinterpret_cast<std::uintptr_t>(allocate(48));
  const std::uintptr_t slab = block & ~(kSlotBytes<FullGeometry> - 1);
  EXPECT_DEATH(free(reinterpret_cast<void*>(slab + 65536 / 48 * 48)), kInterior);
}

TEST_P(HeapCorruptionDeathTest, SecondFreeAtOnceIsNamed) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    char* company = allocate(bytes);
    char* block = allocate(bytes);
    free(block);
    EXPECT_DEATH(free(block), "hakmem: free\\(0x[0-9a-f]+\\): double free");
    free(company);
  }
}

/// Wherever the block lies by then: on a list of its owner, in a chain that is gathered, or sent.
TEST_P(HeapCorruptionDeathTest, SecondFreeAfterOthersIsNamed) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    char* company = allocate(bytes);
    char* block = allocate(bytes);
    char* between = allocate(bytes);
    free(block);
    free(between);
    EXPECT_DEATH(free(block), kDouble);
    EXPECT_DEATH(heap_.deallocate(*owner_, block), kDouble);
    EXPECT_DEATH(heap_.deallocate(*other_, block), kDouble);
    heap_.deallocate(*owner_, company);
    give_back();
  }
}

TEST_P(HeapCorruptionDeathTest, UseOfAFreeBlockIsNamed) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    char* company = allocate(bytes);
    char* block = allocate(bytes);
    free(block);
    EXPECT_DEATH((void)heap_.reallocate(*owner_, block, 10), "hakmem: realloc\\(.*use after free of the");
    EXPECT_DEATH((void)heap_.usable_size(block), "hakmem: malloc_usable_size\\(.*use after free of the");
    heap_.deallocate(*owner_, company);
    give_back();
  }
}

/// Whoever has freed it first, as long as its owner has not handed it out again.
TEST_F(HeapCorruptionDeathTest, OwnersFreeOfWhatAnotherThreadHasFreedIsNamed) {
  std::vector<char*> blocks;
  for (int i = 0; i < 64; ++i) blocks.push_back(allocate(48));
  for (int i = 10; i < 20; ++i) heap_.deallocate(*other_, blocks[static_cast<std::size_t>(i)]);
  heap_.detach(*other_);
  EXPECT_DEATH(heap_.deallocate(*owner_, blocks[13]), kDouble);
}

TEST_F(HeapCorruptionDeathTest, FreeOfABlockThatWasTakenUpButNotHandedOutIsNamed) {
  char* block = allocate(48);
  EXPECT_DEATH(heap_.deallocate(*owner_, block + 48), kDouble) << "cut together with it";
}

/// The rest of a slab has never been a block.
TEST_P(HeapCorruptionDeathTest, FreeOfWhatWasNeverCutIsForeign) {
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{48}, std::size_t{1024}, std::size_t{5120}}) {
    SCOPED_TRACE(bytes);
    char* block = allocate(bytes);
    const Slab<Config<TestSync, LinuxOs, FullGeometry>>& slab = *heap_.page_map().find(block);
    char* uncut = reinterpret_cast<char*>(slab.base.get()) + std::size_t{slab.carved.get()} * slab.block_bytes();
    EXPECT_DEATH(free(uncut), kForeign);
    EXPECT_DEATH(free(uncut + slab.block_bytes()), kForeign);
    EXPECT_DEATH((void)heap_.reallocate(*owner_, uncut, 10), "hakmem: realloc\\(.*invalid pointer: no block");
  }
}

/// What a program has copied from a free block is data like any other.
TEST_F(HeapCorruptionDeathTest, CopyOfAFreeBlockIsNoDoubleFree) {
  for (const std::size_t bytes : kSizes) {
    char* freed = allocate(bytes);
    char* block = allocate(bytes);
    heap_.deallocate(*owner_, freed);
    std::memcpy(block, freed, 16);
    heap_.deallocate(*owner_, block);
    EXPECT_FALSE(FreeMark<TestSync>::is_set(allocate(bytes)));
  }
}

TEST_P(HeapCorruptionDeathTest, FreeIntoASlabThatWasGivenBackIsNamed) {
  for (const std::size_t bytes : kSizes) {
    SCOPED_TRACE(bytes);
    char* block = allocate(bytes);
    char* keeps_superslab = allocate(bytes == 16 ? 4000 : 16);
    free(block);
    give_back();
    EXPECT_DEATH(free(block), kReleased);
    heap_.deallocate(*owner_, keeps_superslab);
    give_back();
  }
}

TEST_P(HeapCorruptionDeathTest, FreeIntoMemoryThatWasGivenBackToTheSystemIsNamed) {
  char* block = allocate(100);
  free(block);
  give_back();
  EXPECT_DEATH(free(block), kForeign);
}

TEST_P(HeapCorruptionDeathTest, DirectMappingIsGuardedLikeABlock) {
  char* block = allocate(std::size_t{3} << 20);
  EXPECT_DEATH(free(block + 16), kInterior);
  EXPECT_DEATH(free(block + 4096), kInterior);
  EXPECT_DEATH(free(block + (std::size_t{1} << 20)), kForeign) << "only its first piece is mapped";
  free(block);
  EXPECT_DEATH(free(block), kForeign);
}

/// The owner counts: below zero a block of an empty slab was freed again, whichever it is.
TEST_F(HeapCorruptionDeathTest, OwnersFreeIntoAnEmptySlabIsNamed) {
  std::vector<char*> blocks;
  for (int i = 0; i < 3; ++i) blocks.push_back(allocate(1024));
  while (blocks.size() % 4 != 0) blocks.push_back(allocate(1024));  // what is carved at a time
  for (char* block : blocks) heap_.deallocate(*owner_, block);
  EXPECT_DEATH(heap_.deallocate(*owner_, blocks[0]), kDouble);
  EXPECT_DEATH(heap_.deallocate(*owner_, blocks[1]), kDouble);
}

/// Without the thread cache a large block goes straight to its slab, which has other blocks out.
TEST_F(HeapCorruptionDeathTest, OwnersSecondFreeOfAnUncachedLargeBlockIsNamed) {
  heap_.settings().set_caches(PoolKind::kLarge, false);
  char* company = allocate(40'000);
  char* block = allocate(40'000);
  heap_.deallocate(*owner_, block);
  EXPECT_DEATH(heap_.deallocate(*owner_, block), "hakmem: free\\(0x[0-9a-f]+\\): double free");
  heap_.deallocate(*owner_, company);
}

TEST_F(HeapCorruptionDeathTest, OtherCallsNameThemselves) {
  static char foreign[64];
  char* block = allocate(100);
  EXPECT_DEATH((void)heap_.reallocate(*owner_, foreign, 10), "hakmem: realloc\\(0x[0-9a-f]+\\): invalid pointer");
  EXPECT_DEATH((void)heap_.reallocate(*owner_, block + 16, 10), "hakmem: realloc\\(.*inside the 112-byte block");
  EXPECT_DEATH((void)heap_.usable_size(foreign), "hakmem: malloc_usable_size\\(0x[0-9a-f]+\\): invalid pointer");
  EXPECT_DEATH((void)heap_.usable_size(block + 16), "hakmem: malloc_usable_size\\(.*inside the 112-byte block");
  (void)allocate(5000);
  heap_.deallocate(*owner_, block);
  give_back();
  EXPECT_DEATH((void)heap_.reallocate(*owner_, block, 10), "hakmem: realloc\\(.*double free");
}

// What a layer above asks of a pointer: the report returns there, and nothing may have happened.

class BytesOfBlockTest : public testing::Test {
 protected:
  BytesOfBlockTest() {
    reports.clear();
    heap_.init();
    owner_ = heap_.attach();
  }
  std::size_t bytes_of(const void* p) { return heap_.bytes_of_block(p, "test"); }
  void expect_report(const void* p, Corruption what) {
    reports.clear();
    EXPECT_EQ(bytes_of(p), 0u);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].what, what);
  }

  TestMemory memory_{26};
  Heap<Config<TestSync, CapturingOs<26>, FullGeometry>> heap_{CapturingOs<26>(memory_)};
  ThreadContext<Config<TestSync, CapturingOs<26>, FullGeometry>>* owner_ = nullptr;
};

TEST_F(BytesOfBlockTest, BlocksAreKnownWithTheirSize) {
  for (const std::size_t bytes : {std::size_t{48}, std::size_t{5120}, std::size_t{65536}, std::size_t{2} << 20}) {
    EXPECT_EQ(bytes_of(heap_.allocate(*owner_, bytes)), bytes);
  }
  EXPECT_TRUE(reports.empty());
}

TEST_F(BytesOfBlockTest, OtherPointersAreReportedOnceAndHaveNone) {
  // The window's beginning is never given out. An address outside might be taken for one inside, whose bits it has.
  auto* foreign = reinterpret_cast<void*>(memory_.base() + 16);
  auto* small = static_cast<char*>(heap_.allocate(*owner_, 48));
  auto* direct = static_cast<char*>(heap_.allocate(*owner_, std::size_t{2} << 20));
  expect_report(foreign, Corruption::kForeignPointer);
  expect_report(nullptr, Corruption::kForeignPointer);
  expect_report(small + 16, Corruption::kInteriorPointer);
  expect_report(direct + 16, Corruption::kInteriorPointer);
  (void)heap_.allocate(*owner_, 5000);  // keeps the SuperSlab
  heap_.deallocate(*owner_, small);
  (void)heap_.trim(*owner_);
  expect_report(small, Corruption::kReleasedSlab);
}

/// A map of all addresses takes one above it for the one that it is modulo its size. It is foreign all the same: it may
/// be the program's own memory there, or carry a tag.
TEST(AddressesAboveTheMap, AreForeignWhateverTheyAreModuloItsSize) {
  using ConfigT = Config<TestSync, CapturingOs<47>, FullGeometry>;
  TestMemory memory(26);
  Heap<ConfigT> heap{CapturingOs<47>(memory)};
  heap.init();
  auto* owner = heap.attach();
  for (const std::size_t bytes : {std::size_t{48}, std::size_t{5120}, std::size_t{2} << 20}) {
    void* block = heap.allocate(*owner, bytes);
    EXPECT_TRUE(heap.owns(block));
    for (unsigned bit = 47; bit < 64; ++bit) {
      auto* above = reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(block) | std::uintptr_t{1} << bit);
      reports.clear();
      heap.deallocate(*owner, above);
      EXPECT_EQ(heap.bytes_of_block(above, "test"), 0u);
      EXPECT_FALSE(heap.owns(above));
      EXPECT_EQ(heap.find_around(above, "test").block, nullptr);
      ASSERT_EQ(reports.size(), 2u) << bit;
      EXPECT_EQ(reports[0].what, Corruption::kForeignPointer);
      EXPECT_EQ(reports[1].what, Corruption::kForeignPointer);
    }
    reports.clear();
    heap.deallocate(*owner, block);
    EXPECT_TRUE(reports.empty());
  }
}

/// The block that is named is the one around the pointer.
TEST_F(BytesOfBlockTest, ReportNamesTheBlockAround) {
  auto* first = static_cast<char*>(heap_.allocate(*owner_, 48));
  auto* second = static_cast<char*>(heap_.allocate(*owner_, 48));
  ASSERT_EQ(second, first + 48);
  expect_report(second + 47, Corruption::kInteriorPointer);
  EXPECT_EQ(reports[0].block, second);
  EXPECT_EQ(reports[0].bytes, 48u);
}

/// Where free blocks have marks, who asks for the size of one is told.
TEST(Misuse, AFreeBlockWithItsMarkHasNoSize) {
  reports.clear();
  TestMemory memory(30);
  Heap<Config<StdSync, CapturingOs<30>, FullGeometry>> heap{CapturingOs<30>(memory)};
  heap.init();
  auto* context = heap.attach();
  void* block = heap.allocate(*context, 48);
  EXPECT_EQ(heap.usable_size(block), 48u);
  heap.deallocate(*context, block);
  EXPECT_EQ(heap.usable_size(block), 0u);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].what, Corruption::kUsedAfterFree);
}

/// Where the system's policy goes on after a report, as in these tests, nothing is done to the block that it was about.
TEST(Misuse, WhatIsReportedIsNotDone) {
  reports.clear();
  TestMemory memory(30);
  Heap<Config<TestSync, CapturingOs<30>, FullGeometry>> heap{CapturingOs<30>(memory)};
  heap.init();
  auto& owner = *heap.attach();
  auto* block = static_cast<char*>(heap.allocate(owner, 5000));
  for (char* wrong : {block + 16, reinterpret_cast<char*>(memory.base() + 16)}) {
    EXPECT_EQ(heap.reallocate(owner, wrong, 100), nullptr);
    EXPECT_EQ(heap.usable_size(wrong), 0u);
    EXPECT_EQ(heap.bytes_of_block(wrong, "test"), 0u);
    EXPECT_EQ(reports.size(), 3u);
    reports.clear();
  }
  EXPECT_GE(heap.usable_size(block), 5000u);
}

}  // namespace
}  // namespace hakmem::test
