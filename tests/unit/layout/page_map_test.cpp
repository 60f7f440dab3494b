#include "layout/page_map.hpp"

#include <gtest/gtest.h>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using WholeSpace = Config<TestSync, TestOs<47>, FullGeometry>;

void* address(std::uintptr_t value) { return reinterpret_cast<void*>(value); }

class PageMapTest : public testing::Test {
 protected:
  void SetUp() override { map_.init(os_); }

  TestMemory memory_{kToyBits};
  TestOs<47> os_{memory_};
  PageMap<WholeSpace> map_;
  Slab<WholeSpace> slab_, other_;
};
TEST_F(PageMapTest, WhatWasNeverMappedIsForeign) {
  for (const std::uintptr_t a : {std::uintptr_t{0}, std::uintptr_t{1} << 46, std::uintptr_t{0x7fff'ffff'ffff},
                                 std::uintptr_t{0x8000'0000'0000}, UINTPTR_MAX}) {
    EXPECT_EQ(map_.find(address(a)), nullptr) << a;
  }
}

/// Where addresses have more bits than the map, or a tag: it says so, and reads nothing outside itself.
TEST_F(PageMapTest, AddressesAboveTheWindowAreNotCovered) {
  constexpr std::uintptr_t kPiece = 0x1234'5678'0000;
  ASSERT_TRUE(map_.prepare(os_, address(kPiece), 65536));
  map_.set(address(kPiece), &slab_);
  EXPECT_TRUE(map_.covers(address(kPiece)));
  EXPECT_TRUE(map_.covers(address(0x7fff'ffff'ffff)));
  for (unsigned bit = 47; bit < 64; ++bit) {
    const std::uintptr_t above = kPiece | std::uintptr_t{1} << bit;
    EXPECT_FALSE(map_.covers(address(above))) << bit;
    EXPECT_EQ(map_.find(address(above)), &slab_) << "the address that it is modulo the window";
  }
}

TEST_F(PageMapTest, EveryAddressOfAPieceFindsItsDescriptor) {
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

/// Of two threads that free the same direct mapping one wins.
TEST_F(PageMapTest, EntryIsTakenOnceAndOnlyByItsDescriptor) {
  constexpr std::uintptr_t kPiece = 0x10'0000'0000;
  ASSERT_TRUE(map_.prepare(os_, address(kPiece), 1));
  map_.set(address(kPiece), &slab_);
  EXPECT_FALSE(map_.take(address(kPiece), &other_));
  EXPECT_TRUE(map_.take(address(kPiece), &slab_));
  EXPECT_FALSE(map_.take(address(kPiece), &slab_));
  EXPECT_EQ(map_.find(address(kPiece)), nullptr);
}

TEST_F(PageMapTest, RangeAcrossLeavesIsPrepared) {
  constexpr std::uintptr_t kLeaf = std::uintptr_t{1} << (16 + 16);
  const std::uintptr_t start = 3 * kLeaf - 65536;
  ASSERT_TRUE(map_.prepare(os_, address(start), 3 * kLeaf));
  for (std::uintptr_t a = start; a < start + 3 * kLeaf; a += kLeaf) {
    map_.set(address(a), &slab_);
    EXPECT_EQ(map_.find(address(a)), &slab_);
  }
}

TEST_F(PageMapTest, BeforeItIsSetUpEveryPointerIsForeign) {
  const PageMap<WholeSpace> map{};
  EXPECT_EQ(map.find(&map), nullptr);
}

/// What a small program pays: the root lies in the heap, and a leaf covers its memory.
TEST_F(PageMapTest, NeighboursCostOneLeaf) {
  constexpr std::uintptr_t kStart = 0x7f00'0000'0000;
  for (std::uintptr_t a = kStart; a < kStart + (std::uintptr_t{1} << 32); a += std::uintptr_t{1} << 24) {
    ASSERT_TRUE(map_.prepare(os_, address(a), 1));
  }
  EXPECT_EQ(memory_.calls(OsCall::kMetadata), 1u);
  EXPECT_LE(sizeof map_, std::size_t{257} << 10);
}

TEST(PageMapRefusal, ALeafIsReportedBeforeAnythingIsMapped) {
  Surroundings<ToyConfig> toy;
  void* memory = toy.memory.reserve(4096, 4096);
  toy.memory.refuse(OsCall::kMetadata);
  EXPECT_FALSE(toy.map.prepare(toy.os, memory, 4096));
  EXPECT_EQ(toy.map.find(memory), nullptr);
  EXPECT_TRUE(toy.map.prepare(toy.os, memory, 4096));
}

}  // namespace
}  // namespace hakmem::test
