/// Which of the fast paths serves a block of a size, up to the byte: the class behind the last one is another's.

#include <gtest/gtest.h>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

class HeapPaths : public testing::Test {
 protected:
  /// A block of its size that the thread has freed, and so keeps at hand.
  void* kept(std::size_t bytes) {
    void* block = heap_.allocate(me_, bytes);
    heap_.deallocate(me_, block);
    return block;
  }

  FullHeap full_;
  FullHeap::HeapT& heap_ = full_.heap;
  FullHeap::Context& me_ = *heap_.attach();
};

TEST_F(HeapPaths, FirstServesNothingAboveTheSmallSizes) {
  constexpr std::size_t kAbove = FullGeometry::kSmallMax + 1;
  void* block = kept(kAbove);
  EXPECT_EQ(heap_.try_allocate(me_, kAbove), nullptr);
  EXPECT_EQ(heap_.try_allocate_cached(me_, kAbove), block);
}

TEST_F(HeapPaths, SecondServesWhatIsKeptOfEverySizeInSlabs) {
  for (const std::size_t bytes :
       {FullGeometry::kSmallMax + 1, FullGeometry::kMidMax, FullGeometry::kMidMax + 1, FullGeometry::kLargeMax}) {
    void* block = kept(bytes);
    EXPECT_EQ(heap_.try_allocate_cached(me_, bytes), block) << bytes;
  }
}

TEST_F(HeapPaths, SecondServesNeitherNothingNorMappings) {
  (void)kept(1);
  (void)kept(FullGeometry::kLargeMax + 1);
  EXPECT_EQ(heap_.try_allocate_cached(me_, 0), nullptr);
  EXPECT_EQ(heap_.try_allocate_cached(me_, FullGeometry::kLargeMax + 1), nullptr);
}

}  // namespace
}  // namespace hakmem::test
