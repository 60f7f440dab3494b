#include "layout/page_map.hpp"

#include <gtest/gtest.h>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using WholeSpace = Config<TestSync, TestOs<47>, FullGeometry>;

void* address(std::uintptr_t value) { return reinterpret_cast<void*>(value); }

class PageMapTest : public testing::TestWithParam<PageMapKind> {
 protected:
  void SetUp() override { ASSERT_TRUE(map_.init(os_, GetParam())); }

  TestMemory memory_{kToyBits};
  TestOs<47> os_{memory_};
  PageMap<WholeSpace> map_;
  Slab<WholeSpace> slab_, other_;
};
INSTANTIATE_TEST_SUITE_P(BothKinds, PageMapTest, testing::Values(PageMapKind::kFlat, PageMapKind::kTwoLevel),
                         [](const auto& kind) { return kind.param == PageMapKind::kFlat ? "Flat" : "TwoLevel"; });

TEST_P(PageMapTest, WhatWasNeverMappedIsForeign) {
  EXPECT_EQ(map_.kind(), GetParam());
  for (const std::uintptr_t a : {std::uintptr_t{0}, std::uintptr_t{1} << 46, std::uintptr_t{0x7fff'ffff'ffff},
                                 std::uintptr_t{0x8000'0000'0000}, UINTPTR_MAX}) {
    EXPECT_EQ(map_.find(address(a)), nullptr) << a;
  }
}

TEST_P(PageMapTest, EveryAddressOfAPieceFindsItsDescriptor) {
  constexpr std::uintptr_t kPiece = 0x1234'5678'0000;
  ASSERT_TRUE(map_.prepare(os_, address(kPiece), 65536));
  map_.set(address(kPiece), &slab_);
  EXPECT_EQ(map_.find(address(kPiece)), &slab_);
  EXPECT_EQ(map_.find(address(kPiece + 65535)), &slab_);
  EXPECT_EQ(map_.find(address(kPiece - 1)), nullptr);
  EXPECT_EQ(map_.find(address(kPiece + 65536)), nullptr);
  map_.set(address(kPiece), nullptr);
  EXPECT_EQ(map_.find(address(kPiece)), nullptr);
}

TEST_P(PageMapTest, FastWayKnowsTheFlatMapAlone) {
  constexpr std::uintptr_t kPiece = 0x5555'0000'0000;
  ASSERT_TRUE(map_.prepare(os_, address(kPiece), 1));
  map_.set(address(kPiece), &slab_);
  EXPECT_EQ(map_.find_flat(address(kPiece)), GetParam() == PageMapKind::kFlat ? &slab_ : nullptr);
}

/// Of two threads that free the same direct mapping one wins.
TEST_P(PageMapTest, EntryIsTakenOnceAndOnlyByItsDescriptor) {
  constexpr std::uintptr_t kPiece = 0x10'0000'0000;
  ASSERT_TRUE(map_.prepare(os_, address(kPiece), 1));
  map_.set(address(kPiece), &slab_);
  EXPECT_FALSE(map_.take(address(kPiece), &other_));
  EXPECT_TRUE(map_.take(address(kPiece), &slab_));
  EXPECT_FALSE(map_.take(address(kPiece), &slab_));
  EXPECT_EQ(map_.find(address(kPiece)), nullptr);
}

TEST_P(PageMapTest, RangeAcrossLeavesIsPrepared) {
  constexpr std::uintptr_t kLeaf = std::uintptr_t{1} << (15 + 16);
  const std::uintptr_t start = 3 * kLeaf - 65536;
  ASSERT_TRUE(map_.prepare(os_, address(start), 3 * kLeaf));
  for (std::uintptr_t a = start; a < start + 3 * kLeaf; a += kLeaf) {
    map_.set(address(a), &slab_);
    EXPECT_EQ(map_.find(address(a)), &slab_);
  }
}

TEST(PageMapFallback, TwoLevelsServeWhereFlatIsRefused) {
  TestMemory memory(kToyBits);
  TestOs<47> os(memory);
  PageMap<WholeSpace> map;
  memory.refuse(OsCall::kMetadata);
  ASSERT_TRUE(map.init(os));
  EXPECT_EQ(map.kind(), PageMapKind::kTwoLevel);
}

TEST(PageMapFallback, WithoutAnyMemoryThereIsNoMap) {
  TestMemory memory(kToyBits);
  TestOs<47> os(memory);
  PageMap<WholeSpace> map;
  memory.refuse(OsCall::kMetadata, 1, TestMemory::kForEver);
  EXPECT_FALSE(map.init(os));
  EXPECT_EQ(map.find(&map), nullptr) << "even then every pointer is foreign, not a crash";
}

TEST(PageMapFallback, RefusedLeafIsReportedBeforeAnythingIsMapped) {
  Surroundings<ToyConfig> toy(PageMapKind::kTwoLevel);
  void* memory = toy.memory.reserve(4096, 4096);
  toy.memory.refuse(OsCall::kMetadata);
  EXPECT_FALSE(toy.map.prepare(toy.os, memory, 4096));
  EXPECT_EQ(toy.map.find(memory), nullptr);
  EXPECT_TRUE(toy.map.prepare(toy.os, memory, 4096));
}

}  // namespace
}  // namespace hakmem::test
