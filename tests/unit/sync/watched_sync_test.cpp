/// The link of blocks that a tool watches: the heap reads and writes it, and nobody else may.

#include "sync/watched_sync.hpp"

#include <gtest/gtest.h>

#include "support/test_sync.hpp"

#ifdef HAKMEM_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace hakmem::test {
namespace {

using Watched = WatchedSync<TestSync>;

struct alignas(16) Block {
  void* words[2]{};
};

TEST(WatchedSync, LinksAreReadAsTheyWereWritten) {
  Block block;
  Block next;
  Watched::store_link(&block, &next);
  EXPECT_EQ(Watched::load_link(&block), &next);
  Watched::store_link(&block, nullptr);
  EXPECT_EQ(Watched::load_link(&block), nullptr);
#ifdef HAKMEM_VALGRIND
  (void)VALGRIND_MAKE_MEM_DEFINED(&block, sizeof block);
#endif
}

#ifdef HAKMEM_ASAN
TEST(WatchedSync, HeapReachesIntoPoisonedBlocks) {
  Block block;
  ASAN_POISON_MEMORY_REGION(&block, sizeof block);
  Watched::store_link(&block, &block);
  EXPECT_EQ(Watched::load_link(&block), &block);
  EXPECT_NE(__asan_region_is_poisoned(&block, sizeof block), nullptr);
  ASAN_UNPOISON_MEMORY_REGION(&block, sizeof block);
}
#endif

#ifdef HAKMEM_VALGRIND
/// Without a report: Memcheck is asked for the bits that say what is defined, which it has only of what may be touched.
bool may_be_touched(const Block& block) {
  constexpr unsigned kNotAddressable = 3;
  void* bits = nullptr;
  return VALGRIND_GET_VBITS(&block, &bits, sizeof bits) != kNotAddressable;
}

/// Outside Memcheck everything may be touched.
TEST(WatchedSync, LinksOfFreeBlocksAreTheHeapsAlone) {
  Block block;
  (void)VALGRIND_MAKE_MEM_NOACCESS(&block, sizeof block);
  const bool is_watched = !may_be_touched(block);
  Watched::store_link(&block, &block);
  EXPECT_EQ(may_be_touched(block), !is_watched);
  EXPECT_EQ(Watched::load_link(&block), &block);
  EXPECT_EQ(may_be_touched(block), !is_watched);
  (void)VALGRIND_MAKE_MEM_DEFINED(&block, sizeof block);
}
#endif

}  // namespace
}  // namespace hakmem::test
