#pragma once
/// How a RapidCheck property becomes a test, and how a negative control shows that the property can fail.

#include <gtest/gtest.h>
#include <rapidcheck/Assertions.h>
#include <rapidcheck/Show.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>

namespace hakmem::test {

/// What draws its values (support/draw.hpp) and asserts with RC_ASSERT.
using Property = std::function<void()>;

/// Checks a property under the name of the running test. RapidCheck prints the number of cases ("OK, passed N tests"),
/// or the shrunk counterexample and, when the program ends, the RC_PARAMS that reproduce it.
/// \param times a cheap property may try this many times as many cases as RC_PARAMS says (max_success, 100 by default)
[[nodiscard]] testing::AssertionResult holds(const Property& property, int times = 1);

/// Negative control: the property, which speaks of something with a planted fault, must be refuted.
/// \param reason part of the failure's description: it is refuted by the check that is meant to see the fault.
/// \param lines longest counterexample accepted after shrinking, in lines (a stateful property's commands).
[[nodiscard]] testing::AssertionResult is_refuted(const Property& property, const std::string& reason,
                                                  std::ptrdiff_t lines);

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
