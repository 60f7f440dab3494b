/// SPEC I: options by name, from the environment and by call; statistics as text and JSON.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>

#include "hakmem/hakmem.h"

namespace {

std::int64_t value_of(const char* name) {
  std::int64_t value = -77;
  EXPECT_EQ(hak_option_get(name, &value), 0) << name;
  return value;
}

TEST(HakOptions, HoldTheDefaultUntilSet) {
  EXPECT_EQ(value_of("HAKMEM_CACHE_MID"), 1);
  EXPECT_EQ(value_of("HAKMEM_TINY_DRAIN_INTERVAL"), 1024);
  EXPECT_EQ(hak_option_set("HAKMEM_TINY_DRAIN_INTERVAL", "64"), 0);
  EXPECT_EQ(value_of("HAKMEM_TINY_DRAIN_INTERVAL"), 64);
  EXPECT_EQ(hak_option_set("HAKMEM_TINY_DRAIN_INTERVAL", "1024"), 0);
}

TEST(HakOptions, RefuseWhatTheyCannotMean) {
  const auto error_of = [](const char* name, const char* value) {
    errno = 0;
    EXPECT_EQ(hak_option_set(name, value), -1) << name << "=" << value;
    return errno;
  };
  EXPECT_EQ(error_of("HAKMEM_NO_SUCH_THING", "1"), ENOENT);
  EXPECT_EQ(error_of("HAKMEM_CACHE_MID", "yes"), EINVAL);
  EXPECT_EQ(error_of("HAKMEM_CACHE_MID", ""), EINVAL);
  EXPECT_EQ(error_of("HAKMEM_CACHE_MID", "-"), EINVAL);
  EXPECT_EQ(error_of("HAKMEM_CACHE_MID", "1x"), EINVAL);
  EXPECT_EQ(error_of("HAKMEM_CACHE_MID", "2"), ERANGE);
  EXPECT_EQ(error_of("HAKMEM_CACHE_MID", "-1"), ERANGE);
  EXPECT_EQ(error_of("HAKMEM_TINY_REFILL", "15"), ERANGE);
  EXPECT_EQ(error_of("HAKMEM_WHALE_MAX", "99999999999999999999999999"), ERANGE);
  EXPECT_EQ(value_of("HAKMEM_CACHE_MID"), 1) << "what is refused changes nothing";
  std::int64_t value = 5;
  EXPECT_EQ(hak_option_get("HAKMEM_NO_SUCH_THING", &value), -1);
  EXPECT_EQ(value, 5);
}

/// B6: every cache can be switched off alone, at run time.
TEST(HakOptions, EveryCacheCanBeSwitchedOffAlone) {
  constexpr std::array kCaches{"HAKMEM_CACHE_TINY", "HAKMEM_CACHE_MID", "HAKMEM_CACHE_LARGE", "HAKMEM_CACHE_WHALE"};
  for (const char* cache : kCaches) {
    ASSERT_EQ(hak_option_set(cache, "0"), 0);
    for (const std::size_t bytes : {100u, 10'000u, 100'000u, 3'000'000u}) {
      for (unsigned i = 0; i < 50; ++i) {
        void* block = hak_alloc(bytes);
        ASSERT_NE(block, nullptr);
        hak_free(block);
      }
    }
    ASSERT_EQ(hak_option_set(cache, "1"), 0);
  }
}

TEST(HakOptions, WhaleCacheServesTheNextBlockUnlessItIsOff) {
  const auto hits_of_two_blocks = [] {
    hak_statistics before, after;
    hak_statistics_get(&before);
    for (unsigned i = 0; i < 2; ++i) hak_free(hak_alloc(3'000'000));
    hak_statistics_get(&after);
    return after.whale_hits - before.whale_hits;
  };
  (void)hak_trim();
  EXPECT_GE(hits_of_two_blocks(), 1u);
  ASSERT_EQ(hak_option_set("HAKMEM_CACHE_WHALE", "0"), 0);
  (void)hak_trim();
  EXPECT_EQ(hits_of_two_blocks(), 0u);
  ASSERT_EQ(hak_option_set("HAKMEM_CACHE_WHALE", "1"), 0);
}

/// What a call prints to a file descriptor.
std::string printed(bool as_json) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  EXPECT_EQ(hak_statistics_print(ends[1], as_json), 0);
  ::close(ends[1]);
  std::string text(8192, '\0');
  const ssize_t got = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

TEST(HakStatistics, ArePrintedAsOneJsonObject) {
  const std::string json = printed(true);
  EXPECT_EQ(json.front(), '{');
  EXPECT_EQ(json.substr(json.size() - 3), "}}\n");
  EXPECT_NE(json.find("\"pools\": {\"small\": {\"refills\": "), std::string::npos) << json;
}

TEST(HakStatistics, ArePrintedAsText) {
  const std::string text = printed(false);
  EXPECT_EQ(text.find("hakmem: acquired_same_class"), 0u) << text;
  EXPECT_NE(text.find("small refills"), std::string::npos) << text;
}

TEST(HakStatistics, AFailedWriteIsReported) {
  errno = 0;
  EXPECT_EQ(hak_statistics_print(-1, 0), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(HakStatistics, RefillsAreCountedByPool) {
  hak_statistics before, after;
  hak_statistics_get(&before);
  void* blocks[300];
  for (void*& block : blocks) block = hak_alloc(1000);
  hak_statistics_get(&after);
  for (void* block : blocks) hak_free(block);
  EXPECT_GT(after.refills[0], before.refills[0]);
  EXPECT_GE(after.refilled_blocks[0] - before.refilled_blocks[0], 299u);
}

}  // namespace
