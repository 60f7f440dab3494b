/// The public C API against a shadow of live blocks.

#include "api_heap.hpp"
#include "heap_commands.hpp"

namespace hakmem::test {
namespace {

TEST(ApiProperty, PublicApiKeepsItsPromises) {
  Coverage coverage;
  unsigned heaps = 0;
  const auto every_other_without_caches = [&heaps] { return std::make_unique<ApiHeap>(++heaps % 2 != 0); };
  EXPECT_TRUE(holds(keeps_its_promises(every_other_without_caches, coverage)));
  EXPECT_TRUE(coverage.reaches({"same class", "any class", "unused", "mapped", "direct", "impossible size"}, 5));
}

}  // namespace
}  // namespace hakmem::test
