/// The C API of the build behind one lock (B1).

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>

#include "hakmem/hakmem.h"
#include "support/together.hpp"
#include "support/walked.hpp"

namespace hakmem::test {
namespace {

hak_statistics statistics() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now;
}

TEST(HakLocked, EveryOperationTakesTheLockAndOneContextServesAllThreads) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kRounds = 5000;
  const auto before = statistics();
  run_together(kThreads, [](unsigned) {
    for (unsigned i = 0; i < kRounds; ++i) hak_free(hak_alloc(1 + i % 2000));
  });
  const auto after = statistics();
  EXPECT_EQ(after.lock_acquisitions - before.lock_acquisitions, (2 * kRounds + 1) * kThreads)
      << "and one to begin with";
  EXPECT_LE(after.lock_waits - before.lock_waits, after.lock_acquisitions - before.lock_acquisitions);
  EXPECT_EQ(after.thread_contexts, 1u);
  EXPECT_EQ(after.refilled_blocks[0], 0u) << "no thread's list was ever filled";
}

TEST(HakLocked, WhoHasToWaitIsCounted) {
  const auto before = statistics().lock_waits;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (statistics().lock_waits == before && std::chrono::steady_clock::now() < end) {
    run_together(4, [](unsigned) {
      for (unsigned i = 0; i < 5000; ++i) hak_free(hak_alloc(1 + i % 2000));
    });
  }
  EXPECT_GT(statistics().lock_waits, before);
}

TEST(HakLocked, ThreadCachesCannotBeSwitchedOn) {
  for (const char* name : {"HAKMEM_CACHE_SMALL", "HAKMEM_CACHE_MID", "HAKMEM_CACHE_LARGE"}) {
    std::int64_t value = -1;
    EXPECT_EQ(hak_option_get(name, &value), 0);
    EXPECT_EQ(value, 0) << name;
    errno = 0;
    EXPECT_EQ(hak_option_set(name, "1"), -1) << name;
    EXPECT_EQ(errno, ERANGE);
  }
}

TEST(HakLocked, AWalkSeesWhatIsOut) {
  void* block = hak_alloc(1000);
  EXPECT_GE(walked_blocks_out(), 1u);
  hak_free(block);
}

}  // namespace
}  // namespace hakmem::test
