/// Statistics: as a structure, as text, as JSON and as a table that describes them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "hakmem/hakmem.h"

namespace {

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
  for (int i = 0; i < 2; ++i) hak_free(hak_alloc(3'000'000));
  const std::string text = printed(false);
  EXPECT_EQ(text.find("hakmem: acquired_same_class"), 0u) << text;
  EXPECT_NE(text.find("small refills"), std::string::npos) << text;
  EXPECT_TRUE(std::regex_search(text, std::regex("whale hits with 1 threads: [0-9]+ of [0-9]+\n"))) << text;
  EXPECT_EQ(text.find("with more threads"), std::string::npos) << "none were asked for by so many: " << text;
  EXPECT_TRUE(std::regex_search(text, std::regex("mid refills [0-9]+ of [0-9]+ blocks, hit rate [01][.][0-9]{3}\n")))
      << text;
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

/// All rows of the table.
std::vector<hak_statistic> described() {
  std::vector<hak_statistic> rows;
  while (const hak_statistic* row = hak_statistic_describe(rows.size())) rows.push_back(*row);
  return rows;
}

TEST(HakStatistics, EveryOneIsDescribedOnce) {
  std::set<std::string> names;
  std::set<std::size_t> places;
  for (const hak_statistic& row : described()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_GT(std::strlen(row.unit), 0u);
    EXPECT_GT(std::strlen(row.says), 0u);
    for (std::size_t i = 0; i < row.count; ++i) {
      EXPECT_TRUE(places.insert(row.offset + i * sizeof(std::uint64_t)).second);
    }
    std::size_t labels = 0;
    while (row.labels != nullptr && row.labels[labels] != nullptr) ++labels;
    EXPECT_TRUE(row.labels == nullptr || labels == row.count);
  }
  EXPECT_EQ(places.size() * sizeof(std::uint64_t), sizeof(hak_statistics)) << "no member without a row";
}

TEST(HakStatistics, DescriptionsEndWithAnError) {
  const std::size_t count = described().size();
  for (const std::size_t index : {count, count + 1, SIZE_MAX}) {
    errno = 0;
    EXPECT_EQ(hak_statistic_describe(index), nullptr);
    EXPECT_EQ(errno, ENOENT);
  }
  errno = 0;
  EXPECT_NE(hak_statistic_describe(count - 1), nullptr);
  EXPECT_EQ(errno, 0);
}

TEST(HakStatistics, ReportsHaveTheValueOfEachMember) {
  for (const std::size_t bytes : {100u, 10'000u, 100'000u, 3'000'000u}) hak_free(hak_alloc(bytes));
  const std::string text = printed(false);
  const std::string json = printed(true);
  hak_statistics now;
  hak_statistics_get(&now);
  for (const hak_statistic& row : described()) {
    std::uint64_t value = 0;
    std::memcpy(&value, reinterpret_cast<const char*>(&now) + row.offset, sizeof value);
    if (row.count != 1) continue;
    std::string line = std::string("hakmem: ") + row.name;
    line.resize(32, ' ');
    EXPECT_NE(text.find(line + std::to_string(value) + " " + row.unit + "\n"), std::string::npos) << line << text;
    const std::string member = "\"" + std::string(row.json) + "\": " + std::to_string(value) + ", ";
    EXPECT_NE(json.find(member), std::string::npos) << member << json;
  }
}

/// What is described as in an object for each label.
TEST(HakStatistics, ArraysHaveAPlaceInTheJsonObject) {
  hak_free(hak_alloc(3'000'000));
  const std::string json = printed(true);
  hak_statistics now;
  hak_statistics_get(&now);
  EXPECT_EQ(json.find("{\"caps_mid\": [" + std::to_string(now.caps_mid[0]) + ", "), 0u) << json;
  std::string whales = "\"whales_by_threads\": {\"1\": {\"hits\": ";
  whales += std::to_string(now.whale_hits_by_threads[0]) + ", \"misses\": ";
  whales += std::to_string(now.whale_misses_by_threads[0]) + "}, \"2\": {";
  EXPECT_NE(json.find(whales), std::string::npos) << json;
  std::string pools = "}, \"mid\": {\"refills\": " + std::to_string(now.refills[1]);
  pools += ", \"refilled_blocks\": " + std::to_string(now.refilled_blocks[1]);
  pools += ", \"cache_hits\": " + std::to_string(now.cache_hits[1]) + ", \"hit_rate\": ";
  EXPECT_NE(json.find(pools), std::string::npos) << json;
}

}  // namespace
