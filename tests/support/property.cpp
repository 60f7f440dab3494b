#include "property.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <iostream>
#include <sstream>
#include <utility>

namespace hakmem::test {

namespace {

/// Counterexamples of negative controls are expected: they are not reported.
class SilentListener : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

}  // namespace

testing::AssertionResult holds(const Property& property, int times) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  rc::detail::TestMetadata metadata;
  metadata.id = std::string(test->test_suite_name()) + "/" + test->name();
  metadata.description = metadata.id;
  auto params = rc::detail::configuration().testParams;
  params.maxSuccess *= times;
  std::cerr << "\n- " << metadata.id << std::endl;
  const auto result = rc::detail::checkTestable(property, metadata, params);
  rc::detail::printResultMessage(result, std::cerr);
  std::cerr << std::endl;
  if (result.is<rc::detail::SuccessResult>()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the property does not hold: see the counterexample on standard error; the"
                                     << " RC_PARAMS that reproduce it are printed at the end";
}

testing::AssertionResult is_refuted(const Property& property, const std::string& reason, std::ptrdiff_t lines) {
  SilentListener silent;
  rc::detail::TestParams params;
  params.seed = 20240229;
  params.maxSuccess = 2000;
  const auto result =
      rc::detail::checkProperty(rc::detail::toProperty(property), rc::detail::TestMetadata{}, params, silent);
  if (!result.is<rc::detail::FailureResult>()) {
    std::ostringstream text;
    rc::detail::printResultMessage(result, text);
    return testing::AssertionFailure() << "the planted fault is not found: " << text.str();
  }
  const auto& failure = result.get<rc::detail::FailureResult>();
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

}  // namespace hakmem::test
