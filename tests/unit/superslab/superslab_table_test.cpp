/// SP-SLOT layer 2 (D2): which SuperSlabs exist, have memory, have free slots.

#include "superslab/superslab_table.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "superslab/slot_ops.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

class SuperSlabTableTest : public testing::Test {
 protected:
  SuperSlab<ToyConfig>* map_new() { return table_.map_new(toy_.backend); }
  void unmap(SuperSlab<ToyConfig>& superslab) { table_.unmap(toy_.backend, superslab); }
  std::vector<SuperSlab<ToyConfig>*> available() {
    std::vector<SuperSlab<ToyConfig>*> all;
    table_.visit_available([&](SuperSlab<ToyConfig>& superslab) {
      all.push_back(&superslab);
      return false;
    });
    return all;
  }

  Surroundings<ToyConfig> toy_;
  SuperSlabTable<ToyConfig> table_;
};

TEST_F(SuperSlabTableTest, NewSuperSlabIsAlignedRetiredAndItsCallersAlone) {
  auto* superslab = map_new();
  ASSERT_NE(superslab, nullptr);
  EXPECT_EQ(superslab->base.get() % 4096, 0u);
  EXPECT_TRUE(superslab->word.snapshot().retired());
  EXPECT_TRUE(available().empty());
  EXPECT_EQ(table_.mapped(), 1u);
  EXPECT_TRUE(toy_.memory.is_reserved(reinterpret_cast<void*>(superslab->base.get()), 4096));
}

/// D6: descriptors are reused after an unmap, so their number is that of SuperSlabs at one time.
TEST_F(SuperSlabTableTest, DescriptorIsReusedAfterUnmap) {
  auto* first = map_new();
  auto* second = map_new();
  unmap(*first);
  EXPECT_EQ(toy_.memory.reservations(), 1u);
  EXPECT_EQ(map_new(), first);
  EXPECT_NE(first, second);
  EXPECT_EQ(table_.descriptors(), 2u);
  for (int i = 0; i < 100; ++i) {
    unmap(*first);
    ASSERT_EQ(map_new(), first);
  }
  EXPECT_EQ(table_.descriptors(), 2u);
  EXPECT_EQ(table_.mapped() - table_.unmapped(), 2u);
}

/// Nobody has asked for large pages where the next one lies.
TEST_F(SuperSlabTableTest, DescriptorForgetsThatItsPagesWereLarge) {
  auto* superslab = map_new();
  superslab->large_pages.set(1);
  unmap(*superslab);
  ASSERT_EQ(map_new(), superslab);
  EXPECT_EQ(superslab->large_pages.get(), 0u);
}

TEST_F(SuperSlabTableTest, UnmappedSlotsAreForeign) {
  auto* superslab = map_new();
  const auto base = superslab->base.get();
  superslab->word.activate(4);
  SlotOps<ToyConfig>::bind(toy_.map, *superslab, superslab->slabs[0], 4);
  (void)superslab->word.release(0, 4);
  unmap(*superslab);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(toy_.map.find(reinterpret_cast<void*>(base + i * 1024)), nullptr);
}

TEST_F(SuperSlabTableTest, UnmapLeavesTheNextSuperSlabsSlotsAlone) {
  auto* one = map_new();
  auto* other = map_new();
  auto* lower = one->base.get() < other->base.get() ? one : other;
  auto* upper = lower == one ? other : one;
  ASSERT_EQ(lower->base.get() + 4096, upper->base.get()) << "adjacent, or the test shows nothing";
  SlotOps<ToyConfig>::bind(toy_.map, *upper, upper->slabs[0], 4);
  unmap(*lower);
  EXPECT_EQ(toy_.map.find(reinterpret_cast<void*>(upper->base.get())), &upper->slabs[0]);
}

/// For diagnostics, which other threads read.
TEST_F(SuperSlabTableTest, DescriptorShowsItsMappingWhileThereIsOne) {
  auto* superslab = map_new();
  EXPECT_EQ(superslab->shown_base.get(), superslab->base.get());
  unmap(*superslab);
  EXPECT_EQ(superslab->shown_base.get(), 0u);
}

TEST_F(SuperSlabTableTest, VisitSeesEveryDescriptorWithMemoryOrWithout) {
  auto* first = map_new();
  auto* second = map_new();
  unmap(*first);
  std::set<SuperSlab<ToyConfig>*> seen;
  table_.visit_all([&](SuperSlab<ToyConfig>& superslab) { seen.insert(&superslab); });
  EXPECT_TRUE(seen.count(first) == 1 && seen.count(second) == 1);
}

TEST_F(SuperSlabTableTest, OffersOnlyWhatIsWorthALook) {
  auto* first = map_new();
  auto* second = map_new();
  first->word.activate(1);
  second->word.activate(1);
  table_.offer(*second);
  table_.offer(*first);
  EXPECT_EQ(available(), (std::vector{first, second})) << "lowest first";

  ASSERT_EQ(first->word.claim_run(3, SlotChoice::kUnused), 1);
  EXPECT_EQ(available(), (std::vector{second})) << "full: forgotten";
  (void)first->word.release(1, 3);
  EXPECT_EQ(available(), (std::vector{second})) << "who releases from a full SuperSlab offers it again";
  table_.offer(*first);
  EXPECT_EQ(available(), (std::vector{first, second}));
}

TEST_F(SuperSlabTableTest, VisitEndsWithTheFirstClaim) {
  for (int i = 0; i < 2; ++i) {
    auto* superslab = map_new();
    superslab->word.activate(1);
    table_.offer(*superslab);
  }
  unsigned visits = 0;
  EXPECT_TRUE(table_.visit_available([&](SuperSlab<ToyConfig>&) { return ++visits == 1; }));
  EXPECT_EQ(visits, 1u);
}

/// A hint may outlive its SuperSlab: it leads to a retired word and is forgotten.
TEST_F(SuperSlabTableTest, HintOfAnUnmappedSuperSlabIsHarmless) {
  auto* superslab = map_new();
  superslab->word.activate(1);
  table_.offer(*superslab);
  ASSERT_TRUE(superslab->word.release(0, 1).retired);
  unmap(*superslab);
  EXPECT_TRUE(available().empty());
  EXPECT_EQ(map_new(), superslab);
  EXPECT_TRUE(available().empty()) << "not active yet";
}

TEST_F(SuperSlabTableTest, WhateverIsRefusedNothingIsLeftBehind) {
  toy_.memory.refuse(OsCall::kReserve);
  EXPECT_EQ(map_new(), nullptr);
  toy_.memory.refuse(OsCall::kMetadata);  // no descriptor
  EXPECT_EQ(map_new(), nullptr);
  EXPECT_EQ(toy_.memory.reservations(), 0u);
  EXPECT_EQ(table_.mapped(), 0u);
  EXPECT_NE(map_new(), nullptr);

  Surroundings<ToyConfig> other;
  SuperSlabTable<ToyConfig> table;
  other.memory.refuse(OsCall::kMetadata, 2);  // no leaf of the page map
  EXPECT_EQ(table.map_new(other.backend), nullptr);
  EXPECT_EQ(other.memory.reservations(), 0u);
}

}  // namespace
}  // namespace hakmem::test
