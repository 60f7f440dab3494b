/// SPEC I: options by name and by call.

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"

namespace {

std::int64_t value_of(const char* name) {
  std::int64_t value = -77;
  EXPECT_EQ(hak_option_get(name, &value), 0) << name;
  return value;
}

TEST(HakOptions, HoldTheDefaultUntilSet) {
  EXPECT_EQ(value_of("HAKMEM_CACHE_MID"), 1);
  EXPECT_EQ(value_of("HAKMEM_OUTBOX_INTERVAL"), 512);
  EXPECT_EQ(hak_option_set("HAKMEM_OUTBOX_INTERVAL", "64"), 0);
  EXPECT_EQ(value_of("HAKMEM_OUTBOX_INTERVAL"), 64);
  EXPECT_EQ(hak_option_set("HAKMEM_OUTBOX_INTERVAL", "512"), 0);
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
  EXPECT_EQ(error_of("HAKMEM_REFILL_SMALL", "15"), ERANGE);
  EXPECT_EQ(error_of("HAKMEM_WHALE_MAX", "99999999999999999999999999"), ERANGE);
  EXPECT_EQ(value_of("HAKMEM_CACHE_MID"), 1) << "what is refused changes nothing";
  std::int64_t value = 5;
  errno = 0;
  EXPECT_EQ(hak_option_get("HAKMEM_NO_SUCH_THING", &value), -1);
  EXPECT_EQ(errno, ENOENT);
  EXPECT_EQ(value, 5);
}

/// \return 0, or errno of the refusal
int error_of_setting(const char* name, const char* value) {
  errno = 0;
  return hak_option_set(name, value) == 0 ? 0 : errno;
}

/// All rows of the table.
std::vector<hak_option> described() {
  std::vector<hak_option> rows;
  while (const hak_option* row = hak_option_describe(rows.size())) rows.push_back(*row);
  return rows;
}

bool has_a_range(const hak_option& row) { return row.kind != HAK_OPTION_WORDS && row.kind != HAK_OPTION_PATH; }

/// A number as it is given; of fractions and lists it is in thousandths.
std::string text_of(const hak_option& row, std::int64_t value) {
  if (row.kind == HAK_OPTION_NUMBER) return std::to_string(value);
  const std::string digits = std::to_string(1000 + value % 1000);
  return std::to_string(value / 1000) + "." + digits.substr(1);
}

TEST(HakOptions, EachIsDescribedOnceUnderItsName) {
  std::set<std::string> names;
  for (const hak_option& row : described()) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(std::string(row.name).find("HAKMEM_"), 0u);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_TRUE(row.alias == nullptr || names.insert(row.alias).second) << row.alias;
    EXPECT_GT(std::strlen(row.topic), 0u);
    EXPECT_GT(std::strlen(row.says), 0u);
    EXPECT_LT(row.least, row.most);
    EXPECT_EQ(row.longest > 1, row.kind == HAK_OPTION_LIST);
    for (const hak_option_word* word = row.words; word->word != nullptr; ++word) {
      EXPECT_GT(std::strlen(word->says), 0u) << word->word;
      EXPECT_TRUE(word->alias == nullptr || names.insert(word->alias).second) << word->alias;
    }
  }
}

TEST(HakOptions, DescriptionsEndWithAnError) {
  const std::size_t count = described().size();
  for (const std::size_t index : {count, count + 1, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(hak_option_describe(index), nullptr);
    EXPECT_EQ(errno, ENOENT);
  }
  errno = 0;
  EXPECT_NE(hak_option_describe(count - 1), nullptr);
  EXPECT_EQ(errno, 0);
}

TEST(HakOptions, TheDefaultIsInForceAndCanBeGiven) {
  for (const hak_option& row : described()) {
    const std::int64_t before = value_of(row.name);
    EXPECT_EQ(error_of_setting(row.name, row.normal), 0) << row.name;
    EXPECT_EQ(value_of(row.name), before) << row.name;
  }
}

TEST(HakOptions, TakeBothEndsOfTheirRangeAndNothingBeyond) {
  for (const hak_option& row : described()) {
    if (!has_a_range(row)) continue;
    SCOPED_TRACE(row.name);
    EXPECT_EQ(error_of_setting(row.name, text_of(row, row.least).c_str()), 0);
    EXPECT_EQ(value_of(row.name), row.kind == HAK_OPTION_LIST ? 1 : row.least);
    EXPECT_EQ(error_of_setting(row.name, text_of(row, row.most).c_str()), 0);
    EXPECT_EQ(value_of(row.name), row.kind == HAK_OPTION_LIST ? 1 : row.most);
    EXPECT_EQ(error_of_setting(row.name, text_of(row, row.least - 1).c_str()), ERANGE);
    EXPECT_EQ(error_of_setting(row.name, text_of(row, row.most + 1).c_str()), ERANGE);
    EXPECT_EQ(error_of_setting(row.name, "x"), EINVAL);
    EXPECT_EQ(error_of_setting(row.name, row.normal), 0);
  }
}

/// A range that moves by mistake would move in the test above, too.
TEST(HakOptions, RangesAndDefaultsAreThoseThatArePromised) {
  constexpr struct {
    const char *name, *least, *most, *below, *above, *normal;
  } kRanges[] = {{"HAKMEM_REFILL_SMALL", "16", "128", "15", "129", "128"},
                 {"HAKMEM_OUTBOX_INTERVAL", "64", "65536", "63", "65537", "1024"},
                 {"HAKMEM_SUPERSLAB_CACHE_MAX", "0", "1099511627776", "-1", "1099511627777", "16777216"},
                 {"HAKMEM_PURGE_DELAY_MS", "-1", "3600000", "-2", "3600001", "1000"},
                 {"HAKMEM_CAP_TARGET_MID", "0.5", "0.9", "0.499", "0.901", "0.65"},
                 {"HAKMEM_WASTE_ADOPT", "0.005", "0.05", "0.004", "0.051", "0.01"},
                 {"HAKMEM_WASTE_CANDIDATES_MID", "1", "16", "0.999", "16.001", "1.4,1.5,1.6,1.7"}};
  for (const auto& range : kRanges) {
    SCOPED_TRACE(range.name);
    EXPECT_EQ(error_of_setting(range.name, range.least), 0);
    EXPECT_EQ(error_of_setting(range.name, range.most), 0);
    EXPECT_EQ(error_of_setting(range.name, range.below), ERANGE);
    EXPECT_EQ(error_of_setting(range.name, range.above), ERANGE);
    EXPECT_EQ(error_of_setting(range.name, range.normal), 0);
  }
}

/// They are in programs and scripts.
TEST(HakOptions, FormerNamesMeanTheSame) {
  constexpr struct {
    const char *former, *name, *value;
  } kFormer[] = {{"HAKMEM_CACHE_TINY", "HAKMEM_CACHE_SMALL", "0"},
                 {"HAKMEM_TINY_REFILL", "HAKMEM_REFILL_SMALL", "64"},
                 {"HAKMEM_POOL_REFILL_BATCH", "HAKMEM_REFILL_BATCH", "3"},
                 {"HAKMEM_TINY_DRAIN_INTERVAL", "HAKMEM_OUTBOX_INTERVAL", "64"},
                 {"HAKMEM_SS_LRU_MAX", "HAKMEM_SUPERSLAB_CACHE_MAX", "0"},
                 {"HAKMEM_TARGET_HIT_MID", "HAKMEM_CAP_TARGET_MID", "0.7"},
                 {"HAKMEM_WMAX_LEARN", "HAKMEM_LEARN_WASTE", "1"},
                 {"HAKMEM_WMAX_CANARY", "HAKMEM_WASTE_CANARY", "0"},
                 {"HAKMEM_WMAX_CANDIDATES_MID", "HAKMEM_WASTE_CANDIDATES_MID", "2,3"},
                 {"HAKMEM_WMAX_TRIAL_SEC", "HAKMEM_WASTE_TRIAL_SEC", "4"},
                 {"HAKMEM_WMAX_ADOPT_PCT", "HAKMEM_WASTE_ADOPT", "0.02"}};
  for (const auto& [former, name, value] : kFormer) {
    SCOPED_TRACE(former);
    const std::int64_t normal = value_of(name);
    EXPECT_EQ(error_of_setting(former, value), 0);
    EXPECT_EQ(value_of(former), value_of(name));
    EXPECT_NE(value_of(name), normal);
    EXPECT_EQ(error_of_setting(former, "9999999999999"), ERANGE);
  }
  for (const hak_option& row : described()) {
    EXPECT_EQ(error_of_setting(row.name, row.normal), 0) << row.name;
    EXPECT_EQ(value_of(row.alias != nullptr ? row.alias : row.name), value_of(row.name)) << row.name;
  }
}

TEST(HakOptions, LogsAreWordsOfOneOption) {
  constexpr struct {
    const char* text;
    std::int64_t value;
  } kLogs[] = {{"acquire", 1},      {"free", 2},           {"lru", 4},    {"outbox", 8}, {"0", 0},
               {"free,lru", 2 | 4}, {"outbox,acquire", 9}, {"lru,lru", 4}};
  for (const auto& log : kLogs) {
    EXPECT_EQ(error_of_setting("HAKMEM_LOG", log.text), 0) << log.text;
    EXPECT_EQ(value_of("HAKMEM_LOG"), log.value) << log.text;
  }
  for (const char* text : {"", ",", "lru,", ",lru", "lru;free", "lruu", "lr", "1", "15", "lru,0", "LRU", "lru free"}) {
    EXPECT_EQ(error_of_setting("HAKMEM_LOG", text), EINVAL) << text;
  }
  EXPECT_EQ(value_of("HAKMEM_LOG"), 4) << "what is refused changes nothing";
  EXPECT_EQ(error_of_setting("HAKMEM_LOG", "0"), 0);
}

TEST(HakOptions, AFormerSwitchOfALogIsOneOfItsWords) {
  constexpr std::array kSwitches{"HAKMEM_SS_ACQUIRE_DEBUG", "HAKMEM_SS_FREE_DEBUG", "HAKMEM_SS_LRU_DEBUG",
                                 "HAKMEM_TINY_SLL_DRAIN_DEBUG"};
  EXPECT_EQ(error_of_setting("HAKMEM_LOG", "0"), 0);
  std::int64_t all = 0;
  for (std::size_t i = 0; i < kSwitches.size(); ++i) {
    EXPECT_EQ(value_of(kSwitches[i]), 0);
    EXPECT_EQ(error_of_setting(kSwitches[i], "1"), 0);
    EXPECT_EQ(value_of(kSwitches[i]), 1);
    EXPECT_EQ(value_of("HAKMEM_LOG"), all |= 1 << i) << "the others stay";
    EXPECT_EQ(error_of_setting(kSwitches[i], "2"), ERANGE);
    EXPECT_EQ(error_of_setting(kSwitches[i], "acquire"), EINVAL);
  }
  EXPECT_EQ(error_of_setting("HAKMEM_SS_LRU_DEBUG", "0"), 0);
  EXPECT_EQ(value_of("HAKMEM_LOG"), 1 | 2 | 8);
  EXPECT_EQ(error_of_setting("HAKMEM_LOG", "lru"), 0);
  for (std::size_t i = 0; i < kSwitches.size(); ++i) EXPECT_EQ(value_of(kSwitches[i]), i == 2 ? 1 : 0);
  EXPECT_EQ(error_of_setting("HAKMEM_LOG", "0"), 0);
}

TEST(HakOptions, NumbersAreReadDigitByDigit) {
  for (const int value : {190, 1024, 65432, 9876}) {
    EXPECT_EQ(error_of_setting("HAKMEM_OUTBOX_INTERVAL", std::to_string(value).c_str()), 0);
    EXPECT_EQ(value_of("HAKMEM_OUTBOX_INTERVAL"), value);
  }
  EXPECT_EQ(error_of_setting("HAKMEM_OUTBOX_INTERVAL", "1024"), 0);
  // 2^64 and a little: it must not come round to the little.
  EXPECT_EQ(error_of_setting("HAKMEM_WHALE_MAX", "18446744073709551621"), ERANGE);
}

TEST(HakOptions, FractionsAreKeptInThousandths) {
  constexpr struct {
    const char* text;
    std::int64_t value;
  } kFractions[] = {{"0.5", 500}, {"0.509", 509}, {"0.59", 590}, {"0.90", 900}, {"0.805", 805}, {"0.65", 650}};
  for (const auto& fraction : kFractions) {
    EXPECT_EQ(error_of_setting("HAKMEM_CAP_TARGET_MID", fraction.text), 0);
    EXPECT_EQ(value_of("HAKMEM_CAP_TARGET_MID"), fraction.value) << fraction.text;
  }
  for (const char* text : {"0.6789", "0.6x", "x", ".", "0.5.5"}) {
    EXPECT_EQ(error_of_setting("HAKMEM_CAP_TARGET_MID", text), EINVAL) << text;
  }
  for (const char* text : {"-0.6", "-1", "1", "20000", "0.4"}) {
    EXPECT_EQ(error_of_setting("HAKMEM_CAP_TARGET_MID", text), ERANGE) << text;
  }
  EXPECT_EQ(value_of("HAKMEM_CAP_TARGET_MID"), 650) << "what is refused changes nothing";
}

TEST(HakOptions, AListHasOneToEightFractions) {
  constexpr struct {
    const char* text;
    std::int64_t length;
  } kLists[] = {{"2", 1}, {"1,16", 2}, {"2,3", 2}, {"1,2,3,4,5,6,7,8", 8}, {"1.4,1.5,1.6,1.7", 4}};
  for (const auto& list : kLists) {
    EXPECT_EQ(error_of_setting("HAKMEM_WASTE_CANDIDATES_MID", list.text), 0) << list.text;
    EXPECT_EQ(value_of("HAKMEM_WASTE_CANDIDATES_MID"), list.length) << list.text;
  }
  for (const char* text : {"", ",", "1.4,", "1.4;1.5", "1.4x", "x"}) {
    EXPECT_EQ(error_of_setting("HAKMEM_WASTE_CANDIDATES_MID", text), EINVAL) << text;
  }
  for (const char* text : {"0.9", "1.4,17", "1,2,3,4,5,6,7,8,9"}) {
    EXPECT_EQ(error_of_setting("HAKMEM_WASTE_CANDIDATES_MID", text), ERANGE) << text;
  }
  EXPECT_EQ(value_of("HAKMEM_WASTE_CANDIDATES_MID"), 4) << "what is refused changes nothing";
}

TEST(HakOptions, StatisticsAtExitAreAskedForByWordOrNumber) {
  constexpr std::array kWords{"0", "text", "json", "2", "0"};
  constexpr std::array kValues{0, 1, 2, 2, 0};
  for (std::size_t i = 0; i < kWords.size(); ++i) {
    EXPECT_EQ(error_of_setting("HAKMEM_STATS", kWords[i]), 0);
    EXPECT_EQ(value_of("HAKMEM_STATS"), kValues[i]);
  }
  for (const char* word : {"text", "json"}) EXPECT_EQ(error_of_setting("HAKMEM_CACHE_MID", word), EINVAL) << word;
}

TEST(HakOptions, TheCrashLogIsAPathOrASwitch) {
  EXPECT_EQ(error_of_setting("HAKMEM_CRASH_LOG", ""), EINVAL);
  EXPECT_EQ(error_of_setting("HAKMEM_CRASH_LOG", "1"), 0);
  EXPECT_EQ(value_of("HAKMEM_CRASH_LOG"), 1);
  EXPECT_EQ(error_of_setting("HAKMEM_CRASH_LOG", "/nonexistent/log"), ENOENT);
  EXPECT_EQ(value_of("HAKMEM_CRASH_LOG"), 1) << "what is refused changes nothing";
  EXPECT_EQ(error_of_setting("HAKMEM_CRASH_LOG", "0"), 0);
  EXPECT_EQ(value_of("HAKMEM_CRASH_LOG"), 0);
}

hak_statistics statistics() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now;
}

/// Refills of one pool while one block of it comes and goes. Before that every option is followed: on a slow path.
std::uint64_t refills_of(unsigned pool, std::size_t bytes) {
  (void)hak_trim();
  hak_free(hak_alloc(3'000'000));
  hak_free(hak_alloc(bytes));
  const auto before = statistics().refills[pool];
  for (unsigned i = 0; i < 100; ++i) hak_free(hak_alloc(bytes));
  return statistics().refills[pool] - before;
}

TEST(HakOptions, ACacheThatIsOffIsRefilledForEveryBlock) {
  constexpr struct {
    const char* name;
    unsigned pool;
    std::size_t bytes;
  } kCaches[] = {{"HAKMEM_CACHE_SMALL", 0, 100}, {"HAKMEM_CACHE_MID", 1, 10'000}, {"HAKMEM_CACHE_LARGE", 2, 100'000}};
  for (const auto& cache : kCaches) {
    SCOPED_TRACE(cache.name);
    ASSERT_EQ(hak_option_set(cache.name, "0"), 0);
    EXPECT_GE(refills_of(cache.pool, cache.bytes), 90u);
    ASSERT_EQ(hak_option_set(cache.name, "1"), 0);
    EXPECT_LE(refills_of(cache.pool, cache.bytes), 10u);
  }
}

/// B6: every cache can be switched off alone, at run time.
TEST(HakOptions, EveryCacheCanBeSwitchedOffAlone) {
  constexpr std::array kCaches{"HAKMEM_CACHE_SMALL", "HAKMEM_CACHE_MID", "HAKMEM_CACHE_LARGE", "HAKMEM_CACHE_WHALE"};
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

TEST(HakOptions, MappingsAreNotKeptWithoutADelay) {
  (void)hak_trim();
  ASSERT_EQ(hak_option_set("HAKMEM_PURGE_DELAY_MS", "0"), 0);
  hak_free(hak_alloc(3'000'000));
  EXPECT_EQ(statistics().whale_bytes, 0u);
  ASSERT_EQ(hak_option_set("HAKMEM_PURGE_DELAY_MS", "1000"), 0);
  hak_free(hak_alloc(3'000'000));
  EXPECT_GE(statistics().whale_bytes, 3'000'000u);
}

TEST(HakOptions, SuperSlabsAreKeptForAsLongAsTheDelaySays) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kLongerThanNormal = std::chrono::milliseconds(1500);
  ASSERT_EQ(hak_option_set("HAKMEM_PURGE_DELAY_MS", "3600000"), 0);
  std::vector<void*> blocks(20'000);
  for (void*& block : blocks) block = hak_alloc(1000);
  for (void* block : blocks) hak_free(block);
  EXPECT_GT(statistics().cached_bytes, 0u);
  // The heap looks at its clock when slabs come and go.
  for (const auto end = Clock::now() + kLongerThanNormal; Clock::now() < end;) {
    for (std::size_t i = 0; i < 4; ++i) blocks[i] = hak_alloc(300'000);
    for (std::size_t i = 0; i < 4; ++i) hak_free(blocks[i]);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_GT(statistics().cached_bytes, 0u);
  ASSERT_EQ(hak_option_set("HAKMEM_PURGE_DELAY_MS", "1000"), 0);
}

}  // namespace
