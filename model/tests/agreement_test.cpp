/// What two engines say differently of a suite is a disagreement, unless who has found nothing could not have seen it.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/schedule.hpp"
#include "runner/agreement.hpp"

namespace check {
namespace {

/// A row of a suite that was searched to its end. \param blind as the row names it
Result row(const char* scheduler, bool finds, const char* blind = "") {
  Result result;
  result.suite = "suite";
  result.scheduler = scheduler;
  result.verdict = finds ? "FAILED" : "COMPLETE";
  result.status = judged(!finds);
  result.blind = blind;
  return result;
}

/// The same of a broken variant.
Result variant(Result result) {
  result.suite = "suite~broken";
  result.broken_variant = true;
  result.verdict = result.passes() ? "FAILED" : "CAUGHT";
  result.status = judged(!result.passes());
  return result;
}

bool disagree(const std::vector<Result>& results) {
  const std::vector<Result> rows = disagreements(results);
  for (const Result& found : rows) {
    EXPECT_EQ(found.verdict, "ENGINES DISAGREE");
    EXPECT_EQ(found.status, Status::kFail);
    EXPECT_EQ(found.scheduler, "both");
  }
  EXPECT_LE(rows.size(), 1u);
  return !rows.empty();
}

TEST(Agreement, IsWhatBothSay) {
  EXPECT_FALSE(disagree({row("graph", false), row("full", false)}));
  EXPECT_FALSE(disagree({row("graph", true), row("full", true)}));
  EXPECT_FALSE(disagree({variant(row("graph", true)), variant(row("full", true))}));
}

TEST(Agreement, IsMissedWhenOneEngineAloneFindsAFault) {
  EXPECT_TRUE(disagree({row("graph", true), row("full", false)}));
  EXPECT_TRUE(disagree({row("graph", false), row("full", true)}));
  EXPECT_TRUE(disagree({row("graph=2", true), row("full", false)}));
  EXPECT_TRUE(disagree({variant(row("graph", false)), variant(row("full", true))}));
}

TEST(Agreement, LoadBufferingExcusesNobody) {
  EXPECT_TRUE(disagree({row("graph", true), row("full", false, "LB")}));
  EXPECT_TRUE(disagree({row("graph", false, "LB"), row("full", true)}));
  EXPECT_TRUE(disagree({variant(row("graph", false, "LB")), variant(row("full", true))}));
}

TEST(Agreement, ABlindSpotExcusesWhoHasIt) {
  for (const char* spot : {"2+2W", "STALE", "SC", "LB 2+2W", "LB STALE", "SPURIOUS"}) {
    EXPECT_FALSE(disagree({row("graph", true), row("full", false, spot)})) << spot;
    EXPECT_FALSE(disagree({variant(row("graph", true)), variant(row("full", false, spot))})) << spot;
  }
}

TEST(Agreement, ABlindSpotExcusesNobodyElse) {
  // The engine that finds the fault is blind to something in another search; who finds nothing is blind to nothing.
  EXPECT_TRUE(disagree({row("graph", false), row("random", true), row("bound=0", false, "LB 2+2W STALE")}));
  EXPECT_TRUE(disagree({row("graph", false, "LB"), row("random", true), row("bound=0", false, "LB 2+2W STALE")}));
}

TEST(Agreement, WhatHasNotEndedSaysNothing) {
  Result cut = row("full", false);
  cut.status = Status::kIncomplete;
  EXPECT_FALSE(disagree({row("graph", true), cut}));
  EXPECT_FALSE(disagree({row("graph", true)}));
}

TEST(Agreement, SuitesAreComparedWithThemselves) {
  Result other = row("full", true);
  other.suite = "other";
  EXPECT_FALSE(disagree({row("graph", false), other}));
}

}  // namespace
}  // namespace check
