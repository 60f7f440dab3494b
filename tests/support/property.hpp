#pragma once
/// How a RapidCheck property becomes a test, and how a negative control shows that the property can fail.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rapidcheck/state.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

namespace hakmem::test {

/// Checks a property under the name of the running test. RapidCheck prints the number of cases ("OK, passed N tests"),
/// or the shrunk counterexample and, when the program ends, the RC_PARAMS that reproduce it.
/// \param times a cheap property may try this many times as many cases as RC_PARAMS says (max_success, 100 by default)
template <class Property>
[[nodiscard]] testing::AssertionResult holds(Property&& property, int times = 1) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  rc::detail::TestMetadata metadata;
  metadata.id = std::string(test->test_suite_name()) + "/" + test->name();
  metadata.description = metadata.id;
  auto params = rc::detail::configuration().testParams;
  params.maxSuccess *= times;
  std::cerr << "\n- " << metadata.id << std::endl;
  const auto result = rc::detail::checkTestable(std::forward<Property>(property), metadata, params);
  rc::detail::printResultMessage(result, std::cerr);
  std::cerr << std::endl;
  if (result.template is<rc::detail::SuccessResult>()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the property does not hold: see the counterexample on standard error; the"
                                     << " RC_PARAMS that reproduce it are printed at the end";
}

namespace property_detail {

/// Counterexamples of negative controls are expected: they are not reported.
class SilentListener : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

}  // namespace property_detail

/// Negative control: the property, which speaks of something with a planted fault, must be refuted.
/// \param reason part of the failure's description: it is refuted by the check that is meant to see the fault.
/// \param lines longest counterexample accepted after shrinking, in lines (a stateful property's commands).
template <class Property>
[[nodiscard]] testing::AssertionResult is_refuted(Property&& property, const std::string& reason,
                                                  std::ptrdiff_t lines) {
  property_detail::SilentListener silent;
  rc::detail::TestParams params;
  params.seed = 20240229;
  params.maxSuccess = 2000;
  const auto result = rc::detail::checkProperty(rc::detail::toProperty(std::forward<Property>(property)),
                                                rc::detail::TestMetadata{}, params, silent);
  if (!result.template is<rc::detail::FailureResult>()) {
    std::ostringstream text;
    rc::detail::printResultMessage(result, text);
    return testing::AssertionFailure() << "the planted fault is not found: " << text.str();
  }
  const auto& failure = result.template get<rc::detail::FailureResult>();
  std::string example;
  for (const auto& [type, value] : failure.counterExample) example += value;
  if (failure.description.find(reason) == std::string::npos) {
    return testing::AssertionFailure() << "refuted for another reason: " << failure.description << "\n" << example;
  }
  if (std::count(example.begin(), example.end(), '\n') > lines) {
    return testing::AssertionFailure() << "not shrunk to " << lines << " lines:\n" << example;
  }
  return testing::AssertionSuccess() << example;
}

/// Counts what the cases of a property have reached, so that a property that has become vacuous fails.
class Coverage {
 public:
  static constexpr std::uint64_t kEnough = 200;

  void hit(const std::string& cell) { ++counts_[cell]; }
  void end_case() { ++cases_; }

  /// Whether each cell was hit at least `per_hundred` times in a hundred cases. Nothing can be said of
  /// fewer cases than kEnough (a counterexample is being reproduced, say).
  [[nodiscard]] testing::AssertionResult reaches(std::initializer_list<const char*> cells,
                                                 std::uint64_t per_hundred) const {
    if (cases_ < kEnough) return testing::AssertionSuccess();
    auto result = testing::AssertionFailure();
    bool complete = true;
    for (const char* cell : cells) {
      const auto found = counts_.find(cell);
      const std::uint64_t count = found == counts_.end() ? 0 : found->second;
      if (count * 100 >= per_hundred * cases_) continue;
      complete = false;
      result << "'" << cell << "' reached " << count << " times in " << cases_ << " cases; ";
    }
    return complete ? testing::AssertionSuccess() : result;
  }

 private:
  std::map<std::string, std::uint64_t> counts_;
  std::uint64_t cases_ = 0;
};

}  // namespace hakmem::test
