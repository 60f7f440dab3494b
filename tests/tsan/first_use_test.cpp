/// The first use of the process's heap by several threads at once, each by another function. ctest runs each test in a
/// process of its own, so that each is the first.

#include <gtest/gtest.h>

#include <cstring>

#include "hakmem/hakmem.h"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

constexpr unsigned kThreads = 6;

TEST(TsanFirstUse, MayBeAnyFunctionOfManyThreads) {
  hak_statistics seen[kThreads];
  run_together(kThreads, [&](unsigned i) {
    void* block = nullptr;
    switch (i % 5) {
      case 0: block = hak_alloc(100); break;
      case 1: block = hak_calloc(4, 25); break;
      case 2: block = hak_aligned_alloc(256, 100); break;
      case 3: block = hak_realloc(nullptr, 100); break;
      default: EXPECT_EQ(hak_init(), 0); block = hak_alloc(2'000'000);
    }
    ASSERT_NE(block, nullptr);
    std::memset(block, static_cast<int>(i), 100);
    hak_free(block);
    hak_statistics_get(&seen[i]);
  });
  for (const hak_statistics& statistics : seen) EXPECT_GE(statistics.thread_contexts, 1U);
}

TEST(TsanFirstUse, MayBeOptionsBesideAllocations) {
  run_together(kThreads, [](unsigned i) {
    if (i % 2 == 0) {
      EXPECT_EQ(hak_option_set("HAKMEM_REFILL_SMALL", "64"), 0);
    } else {
      hak_free(hak_alloc(48));
    }
  });
}

}  // namespace
}  // namespace hakmem::test
