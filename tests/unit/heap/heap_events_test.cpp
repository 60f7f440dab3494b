/// What a heap tells an Os policy that listens.

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "heap/heap.hpp"
#include "support/surroundings.hpp"

namespace hakmem::test {
namespace {

std::vector<Event> noted;

class NotingOs : public TestOs<kToyBits> {
 public:
  using TestOs::TestOs;
  static bool wants(EventKind) noexcept { return true; }
  static void note(const Event& event) noexcept { noted.push_back(event); }
};

std::vector<Event> noted_of(EventKind kind) {
  std::vector<Event> found;
  for (const Event& event : noted) {
    if (event.kind == kind) found.push_back(event);
  }
  return found;
}

class HeapEvents : public testing::Test {
 protected:
  using HeapT = Heap<Config<TestSync, NotingOs, ToyGeometry>>;

  HeapEvents() {
    heap_.init();
    noted.clear();
  }

  std::vector<void*> allocate(HeapT::Context& context, std::size_t bytes, std::size_t count) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) blocks.push_back(heap_.allocate(context, bytes));
    return blocks;
  }
  void free(HeapT::Context& context, const std::vector<void*>& blocks) {
    for (void* block : blocks) heap_.deallocate(context, block);
  }

  TestMemory memory_{kToyBits};
  HeapT heap_{NotingOs(memory_)};
};

TEST_F(HeapEvents, TellOfTheSlotsThatAreAcquiredAndOfTheirStage) {
  HeapT::Context& owner = *heap_.attach();
  const auto blocks = allocate(owner, 32, 1);
  const auto acquired = noted_of(EventKind::kAcquire);
  ASSERT_EQ(acquired.size(), 1u);
  EXPECT_STREQ(acquired[0].detail, name_of(AcquireStage::kMapped));
  free(owner, blocks);
}

TEST_F(HeapEvents, TellOfTheSlotsThatAGrowingBlockTakesBehindIt) {
  HeapT::Context& owner = *heap_.attach();
  const auto blocks = allocate(owner, 2048, 1);
  ASSERT_EQ(heap_.reallocate(owner, blocks[0], 4096), blocks[0]);
  const auto acquired = noted_of(EventKind::kAcquire);
  ASSERT_EQ(acquired.size(), 2u);
  EXPECT_STREQ(acquired[1].detail, "behind");
  EXPECT_EQ(acquired[1].size_class, SizeClass<ToyGeometry>::of(4096));
  EXPECT_EQ(acquired[1].slot, acquired[0].slot + 2);
  EXPECT_EQ(acquired[1].count, 2u);
}

TEST_F(HeapEvents, TellOfEveryBlockThatIsSentToItsOwner) {
  HeapT::Context& owner = *heap_.attach();
  HeapT::Context& other = *heap_.attach();
  free(other, allocate(owner, 32, 1));
  heap_.detach(other);
  std::size_t sent = 0;
  for (const Event& event : noted_of(EventKind::kOutboxSend)) sent += event.count;
  EXPECT_EQ(sent, 1u);
  const auto drained = noted_of(EventKind::kOutboxDrain);
  ASSERT_EQ(drained.size(), 1u);
  EXPECT_EQ(drained[0].count, 1u) << "one chain";
}

TEST_F(HeapEvents, TellOfAListThatHasOutgrownItsCapAndOfWhatItKeeps) {
  HeapT::Context& owner = *heap_.attach();
  constexpr unsigned kMid = SizeClass<ToyGeometry>::of(ToyGeometry::kMidMax);
  heap_.settings().set_cap(kMid, 4);
  free(owner, allocate(owner, ToyGeometry::kMidMax, 12));
  const auto spilled = noted_of(EventKind::kSpill);
  ASSERT_FALSE(spilled.empty());
  EXPECT_EQ(spilled[0].size_class, kMid);
  EXPECT_EQ(spilled[0].count, 2u);
}

TEST(AcquireStages, HaveNames) {
  EXPECT_STREQ(name_of(AcquireStage::kSameClass), "same_class");
  EXPECT_STREQ(name_of(AcquireStage::kAnyClass), "any_class");
  EXPECT_STREQ(name_of(AcquireStage::kUnused), "unused");
  EXPECT_STREQ(name_of(AcquireStage::kCached), "cached");
  EXPECT_STREQ(name_of(AcquireStage::kMapped), "mapped");
  EXPECT_STREQ(name_of(AcquireStage::kCount), "?");
}

}  // namespace
}  // namespace hakmem::test
