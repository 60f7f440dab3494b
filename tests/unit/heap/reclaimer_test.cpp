/// What is only kept goes back with time, while the heap is used: also what exited threads have left.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

class HeapAgingTest : public testing::Test {
 protected:
  using HeapT = Heap<ClockedConfig>;
  using Context = ThreadContext<ClockedConfig>;

  HeapAgingTest() { heap_.init(); }

  /// A thread that allocates and frees so much that it keeps all it may, and exits.
  void live_and_exit() {
    Context& context = *heap_.attach();
    std::vector<void*> blocks;
    for (unsigned i = 0; i < 200; ++i) blocks.push_back(heap_.allocate(context, 64));
    for (void* block : blocks) heap_.deallocate(context, block);
    heap_.detach(context);
  }

  /// Lets time pass, with so much work that a slab comes and goes now and then.
  void work_for(Context& context, std::uint64_t milliseconds) {
    for (const std::uint64_t end = ClockedOs::now + milliseconds; ClockedOs::now < end; ClockedOs::now += 100) {
      heap_.deallocate(context, heap_.allocate(context, 64));
    }
  }

  /// Slots that hold a slab, empty or not.
  [[nodiscard]] unsigned active_slots() {
    unsigned active = 0;
    heap_.pool().superslabs().visit_all([&](SuperSlab<ClockedConfig>& superslab) {
      const auto word = superslab.word.snapshot();
      for (unsigned i = 0; i < ToyGeometry::kSlots; ++i) active += word.state(i) == SlotState::kActive ? 1u : 0u;
    });
    return active;
  }

  TestMemory memory_{kToyBits};
  HeapT heap_{ClockedOs(memory_)};
};

TEST_F(HeapAgingTest, WhatExitedThreadsKeepGoesBackAfterAWhile) {
  Context& other = *heap_.attach();
  live_and_exit();
  heap_.settings().set_caches(PoolKind::kSmall, false);
  work_for(other, 500);
  EXPECT_GE(active_slots(), 1u) << "it is kept for the next thread";
  work_for(other, 2000);
  EXPECT_EQ(active_slots(), 0u);
}

TEST_F(HeapAgingTest, WhatOthersHaveFreedOfAnIdleOwnerGoesBackAfterAWhile) {
  Context& idle = *heap_.attach();
  Context& other = *heap_.attach();
  heap_.settings().set_caches(PoolKind::kSmall, false);
  std::vector<void*> blocks;
  for (unsigned i = 0; i < 65; ++i) blocks.push_back(heap_.allocate(idle, 64));
  work_for(other, 2000);
  const unsigned used = active_slots();
  for (void* block : blocks) heap_.deallocate(other, block);
  other.outbox.flush_all();
  EXPECT_EQ(active_slots(), used) << "its owner may want it";
  work_for(other, 2000);
  EXPECT_EQ(active_slots(), used - 4) << "the last slab is not full and never slept";
}

/// A SuperSlab in use may be mostly EMPTY: what its slots hold goes back as well.
TEST_F(HeapAgingTest, MemoryOfEmptySlotsGoesBackAfterAWhile) {
  Context& context = *heap_.attach();
  Context& other = *heap_.attach();
  heap_.settings().set_caches(PoolKind::kSmall, false);
  std::vector<char*> blocks;
  for (unsigned i = 0; i < 65; ++i) blocks.push_back(static_cast<char*>(heap_.allocate(context, 64)));
  for (char* block : blocks) block[32] = 7;
  for (std::size_t i = 0; i < 48; ++i) heap_.deallocate(context, blocks[i]);  // three slabs
  const auto returned = [&] { return std::count_if(blocks.begin(), blocks.end(), [](char* b) { return b[32] != 7; }); };
  work_for(other, 500);
  EXPECT_EQ(returned(), 0) << "somebody may want the slots";
  work_for(other, 3000);
  EXPECT_GE(returned(), 16) << "what was in a slab at least is lost";
  EXPECT_LE(returned(), 48);
}

TEST_F(HeapAgingTest, ItIsKeptForEverWhenNothingMayAge) {
  Context& other = *heap_.attach();
  heap_.pool().set_purge_delay(-1);
  live_and_exit();
  heap_.settings().set_caches(PoolKind::kSmall, false);
  std::vector<char*> blocks;
  for (unsigned i = 0; i < 33; ++i) blocks.push_back(static_cast<char*>(heap_.allocate(other, 64)));
  char* const empty = blocks[0];
  empty[32] = 7;
  for (std::size_t i = 0; i < 32; ++i) heap_.deallocate(other, blocks[i]);
  work_for(other, 5000);
  EXPECT_GE(active_slots(), 1u);
  EXPECT_EQ(empty[32], 7);
}

TEST_F(HeapAgingTest, LiveBlocksOfExitedThreadsStay) {
  Context& gone = *heap_.attach();
  auto* block = static_cast<char*>(heap_.allocate(gone, 64));
  block[63] = 7;
  heap_.detach(gone);
  Context& other = *heap_.attach();
  heap_.detach(other);
  Context* user = heap_.attach();
  work_for(*user, 5000);
  EXPECT_EQ(block[63], 7);
  heap_.deallocate(*user, block);
}

}  // namespace
}  // namespace hakmem::test
