/// What a picture says of a trace: who reads whose writes, what that orders, and which edge is missing.

#include "trace/picture.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace check {
namespace {

constexpr const char* kWrite = "[3] 0: <0x5eed00000010> write payload, value=1, in give, model/toy.hpp(29)\n";
constexpr const char* kRead = "[6] 1: <0x5eed00000010> read payload, value=1, in take, model/toy.hpp(41)\n";
constexpr const char* kRace = "[7] 1: DATA RACE (data race detected), in take, model/toy.hpp(41)\n";

/// A block is handed over by a store and a load of these orders, and read.
Picture handed_over(const std::string& store, const std::string& load) {
  return picture_of(std::string(kWrite) + "[4] 0: <0x5eed00004000> atomic store, value=1, (prev value=0), order=" +
                    store + ", in give, src/word.hpp(10)\n[5] 1: <0x5eed00004000> atomic load, value=1, order=" + load +
                    ", in take, src/word.hpp(20)\n" + kRead + kRace);
}

TEST(Picture, HasTheStepsWithTheirThreadsAndSites) {
  const Picture picture = handed_over("relaxed", "acquire");
  ASSERT_EQ(picture.steps.size(), 5u);
  const Step& store = picture.steps[1];
  EXPECT_EQ(store.number, 4u);
  EXPECT_EQ(store.thread, 0u);
  EXPECT_EQ(store.address, "0x5eed00004000");
  EXPECT_EQ(store.function, "give");
  EXPECT_EQ(store.site, "src/word.hpp:10");
  EXPECT_TRUE(picture.steps.back().fault);
}

TEST(Picture, SiteMayBeWithoutALine) {
  const Picture picture = picture_of("[3] 0: <0x5eed00000010> write payload, value=1, in give, model/toy.hpp\n");
  ASSERT_EQ(picture.steps.size(), 1u);
  EXPECT_EQ(picture.steps[0].function, "give");
  EXPECT_EQ(picture.steps[0].site, "model/toy.hpp");
}

TEST(Picture, NamesTheSideThatIsTooWeak) {
  EXPECT_NE(handed_over("relaxed", "acquire").missing.find("the write does not release"), std::string::npos);
  EXPECT_NE(handed_over("release", "relaxed").missing.find("the read does not acquire"), std::string::npos);
  EXPECT_NE(handed_over("relaxed", "relaxed").missing.find("does not release and the other does not acquire"),
            std::string::npos);
}

TEST(Picture, GapLeadsFromTheWriteToTheRead) {
  const Picture picture = handed_over("relaxed", "acquire");
  EXPECT_EQ(picture.gap.from, 1u);
  EXPECT_EQ(picture.gap.to, 2u);
  ASSERT_EQ(picture.edges.size(), 1u);
  EXPECT_FALSE(picture.edges[0].orders);
}

TEST(Picture, WhatIsOrderedIsNoGap) {
  const Picture picture = handed_over("release", "acquire");
  ASSERT_EQ(picture.edges.size(), 1u);
  EXPECT_TRUE(picture.edges[0].orders);
  EXPECT_EQ(picture.gap.from, picture.gap.to);
}

TEST(Picture, RaceWithNothingReadBetweenNamesBothSteps) {
  const Picture picture = picture_of(std::string(kWrite) + kRead + kRace);
  EXPECT_EQ(picture.missing,
            "Missing edge: nothing orders step 3 of thread 0 (write payload, give model/toy.hpp:29) before step 6 of "
            "thread 1 (read payload, take model/toy.hpp:41).");
}

TEST(Picture, ReleaseSequencesGoOnOverChangesAndEndAtPlainStores) {
  const auto with = [](const std::string& between) {
    return picture_of(
        std::string(kWrite) +
        "[4] 0: <0x5eed00004000> CAS succ orig=0, cmp=0, xchg=1, order=release, in give, a.hpp(1)\n" + between +
        "[6] 1: <0x5eed00004000> exchange , prev=2, arg=0, new=0, order=acquire, in take, a.hpp(3)\n" + kRead + kRace);
  };
  const Picture changed =
      with("[5] 2: <0x5eed00004000> fetch_or , prev=1, arg=2, new=3, order=relaxed, in f, a.hpp(2)\n");
  EXPECT_EQ(changed.gap.from, changed.gap.to) << changed.missing;
  const Picture stored = with("[5] 2: <0x5eed00004000> atomic store, value=2, order=relaxed, in f, a.hpp(2)\n");
  EXPECT_NE(stored.gap.from, stored.gap.to) << stored.missing;
}

TEST(Picture, MemoryThatAnotherThreadHasUnmappedNamesTheUnmapping) {
  const Picture picture = picture_of(
      "[3] 0: <0x5eed00000000> write page (unmap), value=0, in retire, src/pool.hpp(9)\n"
      "[4] 1: ACCESS TO FREED MEMORY (I4 mapped: touch of memory that is not mapped), in take, src/pool.hpp(12)\n");
  EXPECT_NE(picture.missing.find("nothing keeps step 3 of thread 0 (write page (unmap), retire src/pool.hpp:9) behind"),
            std::string::npos)
      << picture.missing;
}

TEST(Picture, StaleReadIsNamedWhereAnInvariantBreaks) {
  const Picture picture = picture_of(
      "[3] 0: <0x5eed00004000> atomic store, value=1, order=relaxed, in set, src/word.hpp(10)\n"
      "[4] 1: <0x5eed00004000> atomic load, value=0 [NOT CURRENT], order=relaxed, in look, src/word.hpp(20)\n"
      "[5] 1: USER ASSERT FAILED (I7 bounded: a mark hides what is there), in look, src/word.hpp(21)\n");
  EXPECT_EQ(picture.missing.rfind("A stale read: step 4 of thread 1", 0), 0u) << picture.missing;
}

TEST(Picture, StaleReadIsOfTheStepThatWroteItsValue) {
  const auto readers_source = [](const std::string& value) {
    const Picture picture = picture_of(
        "[3] 0: <0x5eed00004000> fetch_add , prev=0, arg=1, new=1, order=relaxed, in add, src/word.hpp(10)\n"
        "[4] 0: <0x5eed00004000> CAS succ orig=1, cmp=1, xchg=7, order=relaxed, in add, src/word.hpp(11)\n"
        "[5] 0: <0x5eed00004000> atomic store, value=9, (prev value=7), order=relaxed, in add, src/word.hpp(12)\n"
        "[6] 1: <0x5eed00004000> atomic load, value=" +
        value +
        " [NOT CURRENT], order=relaxed, in look, src/word.hpp(20)\n"
        "[7] 1: USER ASSERT FAILED (I7), in look, src/word.hpp(21)\n");
    return picture.edges.empty() ? 0u : picture.steps[picture.edges[0].from].number;
  };
  EXPECT_EQ(readers_source("1"), 3u);
  EXPECT_EQ(readers_source("7"), 4u);
  EXPECT_EQ(readers_source("0"), 0u) << "what was there before";
}

TEST(Picture, BrokenInvariantWithoutAnyIsTheOrderOfTheSteps) {
  EXPECT_EQ(picture_of("[3] 0: USER ASSERT FAILED (I2 conserved), in f, a.hpp(1)\n").missing,
            "No edge is missing: these steps, one after the other, end in USER ASSERT FAILED (I2 conserved).");
}

TEST(Picture, NothingIsDrawnOfNothing) { EXPECT_TRUE(picture_of("no trace\n").steps.empty()); }

TEST(Picture, DrawingHasALaneForEachThreadABoxForEachStepAndTheSentence) {
  const std::string svg = to_svg(handed_over("relaxed", "acquire"), "a <b> & c");
  const auto count = [&](const std::string& text) {
    const std::regex form(text);
    return std::distance(std::sregex_iterator(svg.begin(), svg.end(), form), std::sregex_iterator());
  };
  EXPECT_EQ(count("rx=\"4\""), 5);
  EXPECT_EQ(count(">thread [01]<"), 2);
  EXPECT_EQ(count("stroke-dasharray=\"9,5\""), 1) << "the missing edge";
  EXPECT_EQ(count("a &lt;b&gt; &amp; c</title>"), 1);
  EXPECT_GE(count("does not release"), 1);
  EXPECT_EQ(count("store relaxed #4000"), 1) << "the order is not cut off";
}

}  // namespace
}  // namespace check
