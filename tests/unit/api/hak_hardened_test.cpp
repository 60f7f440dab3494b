/// The hardened library: each fault ends the process with one precise message.

#include <gtest/gtest.h>
#include <pthread.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "hakmem/hakmem.h"
#include "support/walked.hpp"

namespace hakmem::test {
namespace {

char* hidden(void* block) {
  // The compiler knows what free does to a pointer, and warns.
  char* volatile p = static_cast<char*>(block);
  return p;
}

TEST(HardenedDeathTest, DoubleFreeNamesThreadsAndSites) {
  char* block = hidden(hak_alloc_at(48, 17));
  std::thread([&] { hak_free_at(block, 4); }).join();
  EXPECT_DEATH(hak_free_at(block, 5),
               "hakmem: free\\(0x[0-9a-f]+\\): double free of the 48-byte block 0x[0-9a-f]+, allocated by thread "
               "[0-9]+ at site 17, freed( by thread [0-9]+)? at site 4\n");
}

TEST(HardenedDeathTest, LastLineGoesToTheCallback) {
  char* block = hidden(hak_alloc(48));
  hak_free(block);
  (void)hak_message_callback_set([](const char* line) { std::fprintf(stderr, "told: %s;", line); });
  EXPECT_DEATH(hak_free(block), "^told: hakmem: free\\(0x[0-9a-f]+\\): double free of the 48-byte block [^\n]*;$");
  (void)hak_message_callback_set(nullptr);
}

TEST(HardenedDeathTest, OverflowByOneByteIsFoundAtFreeAndResizing) {
  for (const std::size_t bytes : {1u, 40u, 48u, 1000u, 30000u, 1000000u, 5000000u}) {
    SCOPED_TRACE(bytes);
    char* block = hidden(hak_alloc_at(bytes, 3));
    block[bytes] = static_cast<char>(block[bytes] + 1);
    EXPECT_DEATH(hak_free(block), "overflow: bytes behind the end of the [0-9]+-byte block 0x[0-9a-f]+ were written");
    EXPECT_DEATH(hidden(hak_realloc(block, 2 * bytes)), "realloc\\(.*overflow: bytes behind the end");
    EXPECT_DEATH((void)hak_usable_size(block), "malloc_usable_size\\(.*overflow: bytes behind the end");
  }
}

TEST(HardenedDeathTest, WriteToAFreeBlockIsFoundWhenItIsHandedOutAgain) {
  EXPECT_DEATH(
      {
        char* block = hidden(hak_alloc(5000));
        hak_free(block);
        std::memset(block, 'x', 16);
        hidden(hak_alloc(5000));
      },
      "the 5000-byte block 0x[0-9a-f]+ was written to after it was freed, allocated by thread [0-9]+, freed by thread");
}

TEST(Hardened, ContentsAreClearedWithTheirBlockIfThatIsAskedFor) {
  ASSERT_EQ(hak_option_set("HAKMEM_CLEAR_FREED", "1"), 0);
  char* company = hidden(hak_alloc(100));
  char* block = hidden(hak_alloc(100));
  std::memset(block, 'x', 100);
  hak_free(block);
  EXPECT_EQ(block[50], 0);
  ASSERT_EQ(hak_option_set("HAKMEM_CLEAR_FREED", "0"), 0);
  block = hidden(hak_alloc(100));
  std::memset(block, 'x', 100);
  hak_free(block);
  EXPECT_EQ(block[50], 'x');
  hak_free(company);
}

TEST(HardenedDeathTest, WrongPointersAreNamed) {
  static char foreign[64];
  char* block = hidden(hak_alloc(48));
  EXPECT_DEATH(hak_free(hidden(foreign)), "invalid pointer: no block of this heap starts there");
  EXPECT_DEATH(hak_free(block + 16), "invalid pointer: not the start of a block, but inside");
  EXPECT_DEATH(hak_free(block + 3), "invalid pointer: not the start of a block, but inside");
  hak_free(block);
}

TEST(HardenedDeathTest, WrongSizeIsNamed) {
  char* block = hidden(hak_alloc(48));
  EXPECT_DEATH(hak_free_sized(block, 40), "size mismatch: 40 bytes given for the 48-byte block 0x");
  hak_free_sized(block, 48);
}

TEST(HardenedDeathTest, FreeBlockIsNotResized) {
  char* company = hidden(hak_alloc(48));
  char* block = hidden(hak_alloc(48));
  hak_free(block);
  EXPECT_DEATH(hidden(hak_realloc(block, 60)), "realloc\\(.*use after free of the 48-byte block");
  hak_free(company);
}

TEST(Hardened, GoodSizeIsWhatWasAskedFor) {
  for (const std::size_t bytes : {0u, 1u, 100u, 1024u, 5000u, 70'000u, 3'000'000u}) {
    void* block = hak_alloc(bytes);
    EXPECT_EQ(hak_good_size(bytes), hak_usable_size(block)) << bytes;
    hak_free(block);
  }
}

TEST(Hardened, SitesWorkWithEveryFunction) {
  void* block = hak_calloc_at(3, 5, 1);
  block = hak_realloc_at(block, 500, 2);
  EXPECT_EQ(hak_usable_size(block), 500u);
  hak_free_at(block, 3);
  block = hak_aligned_alloc_at(256, 10, 4);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 256, 0u);
  hak_free_at(block, 0);
}

TEST(HardenedLibrary, SettingsStatisticsAndWalksReachTheHeapBehindTheGuards) {
  ASSERT_EQ(hak_option_set("HAKMEM_CACHE_MID", "0"), 0);
  void* block = hak_alloc(5000);
  EXPECT_GE(walked_blocks_out(), 1u);
  hak_statistics now;
  hak_statistics_get(&now);
  EXPECT_GE(now.thread_contexts, 1u);
  hak_free(block);
  EXPECT_EQ(hak_option_set("HAKMEM_CACHE_MID", "1"), 0);
}

}  // namespace
}  // namespace hakmem::test
