/// The public C API: what it adds to the heap. Errors, threads that come and go.

#include "hakmem/hakmem.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/together.hpp"

namespace hakmem::test {
namespace {

hak_statistics statistics() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now;
}

/// Hides a value from the compiler, which would warn of impossible sizes.
std::size_t opaque(std::size_t value) {
  volatile std::size_t hidden = value;
  return hidden;
}

TEST(HakApi, InitialisationMayBeAskedForByAnyThreadAnyTime) {
  run_together(3, [](unsigned) { EXPECT_EQ(hak_init(), 0); });
  EXPECT_EQ(hak_init(), 0);
}

TEST(HakApi, BlocksAreUsableAndSurviveResizing) {
  char* block = static_cast<char*>(hak_alloc(100));
  ASSERT_NE(block, nullptr);
  EXPECT_GE(hak_usable_size(block), 100u);
  std::memset(block, 7, 100);
  block = static_cast<char*>(hak_realloc(block, 5000000));
  EXPECT_EQ(block[99], 7);
  block = static_cast<char*>(hak_realloc(block, 50));
  EXPECT_EQ(block[49], 7);
  hak_free(block);
}

/// Around every class and every power of two, and what has a mapping of its own.
TEST(HakApi, GoodSizeIsWhatIsUsable) {
  ASSERT_EQ(hak_option_set("HAKMEM_CACHE_WHALE", "0"), 0) << "a mapping that was kept may be larger";
  std::set<std::size_t> sizes{0, 1'050'000, 1'114'111, 1'114'112, 3'000'000, 30'000'001};
  for (std::size_t bytes = 16; bytes <= 2'097'152; bytes += bytes < 4096 ? 16 : bytes / 64) {
    sizes.insert({bytes - 1, bytes, bytes + 1});
    sizes.insert(hak_good_size(bytes) + 1);
  }
  for (const std::size_t bytes : sizes) {
    void* block = hak_alloc(bytes);
    ASSERT_NE(block, nullptr) << bytes;
    EXPECT_EQ(hak_good_size(bytes), hak_usable_size(block)) << bytes;
    EXPECT_EQ(hak_good_size(hak_good_size(bytes)), hak_good_size(bytes)) << bytes;
    hak_free(block);
  }
  ASSERT_EQ(hak_option_set("HAKMEM_CACHE_WHALE", "1"), 0);
}

TEST(HakApi, ThereIsNoGoodSizeForWhatIsImpossible) {
  EXPECT_GE(hak_good_size(PTRDIFF_MAX), std::size_t{PTRDIFF_MAX});
  EXPECT_EQ(hak_good_size(std::size_t{PTRDIFF_MAX} + 1), 0u);
  EXPECT_EQ(hak_good_size(SIZE_MAX), 0u);
}

TEST(HakApi, VersionsOfHeaderAndLibraryAgree) {
  EXPECT_EQ(hak_version(), HAK_VERSION);
  const std::string text = std::to_string(HAK_VERSION_MAJOR) + "." + std::to_string(HAK_VERSION_MINOR) + "." +
                           std::to_string(HAK_VERSION_PATCH);
  EXPECT_EQ(text, HAK_VERSION_STRING);
  EXPECT_LT(HAK_VERSION_MINOR, 100);
  EXPECT_LT(HAK_VERSION_PATCH, 100);
}

/// What the callback was told; it may not allocate.
struct Told {
  char last[300];
  unsigned lines;
};
Told told;

void listen(const char* line) {
  std::snprintf(told.last, sizeof told.last, "%s", line);
  ++told.lines;
}

/// Of a large block, which no thread has kept; HAKMEM_LOG says so.
void acquire_slots() {
  (void)hak_trim();
  hak_free(hak_alloc(800'000));
}

TEST(HakApi, MessagesGoToTheCallbackUntilItIsTakenBack) {
  told = {};
  ASSERT_EQ(hak_option_set("HAKMEM_LOG", "acquire"), 0);
  EXPECT_EQ(hak_message_callback_set(listen), nullptr);
  testing::internal::CaptureStderr();
  acquire_slots();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(std::string(told.last).rfind("hakmem: acquire class=", 0), 0u) << told.last;
  EXPECT_EQ(std::string(told.last).find('\n'), std::string::npos);

  const unsigned before = told.lines;
  EXPECT_EQ(hak_message_callback_set(nullptr), listen);
  testing::internal::CaptureStderr();
  acquire_slots();
  const std::string printed = testing::internal::GetCapturedStderr();
  EXPECT_EQ(printed.rfind("hakmem: acquire class=", 0), 0u) << printed;
  EXPECT_EQ(printed.back(), '\n');
  EXPECT_EQ(told.lines, before);
  ASSERT_EQ(hak_option_set("HAKMEM_LOG", "0"), 0);
}

TEST(HakApi, NullAndNothingAreHandledAsDocumented) {
  hak_free(nullptr);
  EXPECT_EQ(hak_usable_size(nullptr), 0u);
  void* block = hak_realloc(nullptr, 10);
  ASSERT_NE(block, nullptr);
  block = hak_realloc(block, 0);
  EXPECT_NE(block, nullptr) << "size 0 counts as 1: the block is not freed";
  hak_free(block);
  void* empty = hak_alloc(0);
  EXPECT_NE(empty, nullptr);
  hak_free(empty);
}

TEST(HakApi, ImpossibleSizesGiveNullAndEnomem) {
  const auto fails = [](void* block) { return block == nullptr && std::exchange(errno, 0) == ENOMEM; };
  errno = 0;
  EXPECT_TRUE(fails(hak_alloc(opaque(SIZE_MAX))));
  EXPECT_TRUE(fails(hak_alloc(opaque(PTRDIFF_MAX))));
  EXPECT_TRUE(fails(hak_calloc(opaque(SIZE_MAX / 2), opaque(3)))) << "the product overflows";
  EXPECT_TRUE(fails(hak_aligned_alloc(64, opaque(SIZE_MAX))));
  char* block = static_cast<char*>(hak_alloc(10));
  block[9] = 7;
  EXPECT_TRUE(fails(hak_realloc(block, opaque(SIZE_MAX))));
  EXPECT_EQ(block[9], 7);
  hak_free(block);
}

TEST(HakApi, AlignmentThatIsNoPowerOfTwoIsRefused) {
  for (const std::size_t alignment : {std::size_t{0}, std::size_t{3}, std::size_t{48}, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(hak_aligned_alloc(alignment, 8), nullptr);
    EXPECT_EQ(errno, EINVAL);
  }
}

TEST(HakApi, ZeroedBlocksAreZero) {
  for (int i = 0; i < 2; ++i) {
    char* block = static_cast<char*>(hak_calloc(25, 40));
    for (int byte = 0; byte < 1000; ++byte) ASSERT_EQ(block[byte], 0);
    std::memset(block, 0xee, 1000);
    hak_free(block);
  }
}

TEST(HakApi, StatisticsCountMappings) {
  const auto before = statistics();
  void* block = hak_alloc(std::size_t{8} << 20);
  EXPECT_EQ(statistics().direct_mapped, before.direct_mapped + 1);
  hak_free(block);
  EXPECT_EQ(statistics().direct_unmapped, before.direct_unmapped + 1);
}

TEST(HakApi, TrimGivesBackEverythingThatIsFree) {
  std::vector<void*> blocks;
  for (std::size_t i = 1; i < 2000; ++i) blocks.push_back(hak_alloc(i));
  for (void* block : blocks) hak_free(block);
  EXPECT_EQ(hak_trim(), 1);
  EXPECT_EQ(hak_trim(), 0);
  EXPECT_EQ(statistics().superslabs_mapped, statistics().superslabs_unmapped);
}

/// B11: exited threads leave their contexts to the next ones.
TEST(HakApi, ThreadsThatComeAndGoShareContexts) {
  hak_free(hak_alloc(1));
  const auto before = statistics().thread_contexts;  // threads ran before main, too
  std::vector<void*> left;
  for (int i = 0; i < 50; ++i) {
    std::thread([&] { left.push_back(hak_alloc(100)); }).join();
  }
  EXPECT_LE(statistics().thread_contexts, before + 1);
  for (void* block : left) hak_free(block);
}

/// Without a crash log they need no stack of their own for signals.
TEST(HakApi, ThreadsThatComeAndGoChangeNoMapping) {
  const auto come_and_go = [] { std::thread([] { hak_free(hak_alloc(100)); }).join(); };
  come_and_go();
  const auto before = statistics();
  for (int i = 0; i < 20; ++i) come_and_go();
  EXPECT_EQ(statistics().munmap_calls, before.munmap_calls);
  EXPECT_EQ(statistics().mmap_calls, before.mmap_calls);
}

/// Nothing waits for a thread that does nothing: what others have freed of its memory goes back to the system.
TEST(HakApi, TrimGivesBackWhatOthersHaveFreedOfAnIdleThread) {
  std::vector<void*> blocks;
  std::latch allocated(1);
  std::latch over(1);
  const auto superslabs = [] { return statistics().superslabs_mapped - statistics().superslabs_unmapped; };
  (void)hak_trim();
  const auto before = superslabs();
  std::thread idle([&] {
    for (int i = 0; i < 20000; ++i) blocks.push_back(hak_alloc(512));
    allocated.count_down();
    over.wait();
  });
  allocated.wait();
  EXPECT_GE(superslabs(), before + 4);
  for (void* block : blocks) hak_free(block);
  EXPECT_EQ(hak_trim(), 1);
  EXPECT_LE(superslabs(), before + 1) << "its last slab is not full";
  over.count_down();
  idle.join();
}

/// A block that lives until its thread's last destructors, which allocate and free as well.
struct LivesInThread {
  void* block = nullptr;
  ~LivesInThread() {
    hak_free(block);
    hak_free(hak_alloc(64));
  }
};

pthread_key_t late_key;

void free_late(void* block) {
  hak_free(block);
  void* after = hak_alloc(1000);
  EXPECT_NE(after, nullptr);
  hak_free(after);
}

/// B11: frees and allocations in destructors of thread-local data, before and after the heap's own exit handler.
TEST(HakApi, DestructorsOfAnExitingThreadMayAllocateAndFree) {
  ASSERT_EQ(hak_init(), 0);
  ASSERT_EQ(::pthread_key_create(&late_key, free_late), 0);  // runs after the heap's key, which is older
  for (int i = 0; i < 20; ++i) {
    std::thread([] {
      thread_local LivesInThread lives;
      lives.block = hak_alloc(200);
      EXPECT_EQ(::pthread_setspecific(late_key, hak_alloc(300)), 0);
    }).join();
  }
  ::pthread_key_delete(late_key);
  (void)hak_trim();
  EXPECT_EQ(statistics().superslabs_mapped, statistics().superslabs_unmapped);
}

}  // namespace
}  // namespace hakmem::test
