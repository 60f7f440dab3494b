#include "runner/report.hpp"

#include <fmt/core.h>

#include <vector>

#include "core/scenario.hpp"
#include "runner/result.hpp"

namespace check {

namespace {

/// A number with a space between thousands.
std::string grouped(std::uint64_t number) {
  if (number < 1000) return std::to_string(number);
  return fmt::format("{} {:03}", grouped(number / 1000), number % 1000);
}

/// How many of a suite's broken variants were caught.
std::string caught(const std::string& suite, const std::vector<Result>& results) {
  unsigned all = 0;
  unsigned found = 0;
  for (const Result& result : results) {
    if (!result.broken_variant || !result.suite.starts_with(suite + "~")) continue;
    ++all;
    found += result.passes();
  }
  return fmt::format("{} of {}", found, all);
}

}  // namespace

std::string suite_table(const std::vector<Result>& results) {
  std::string table =
      "| suite | proves | scheduler | verdict | executions | seconds | broken variants caught |\n"
      "|---|---|---|---|---:|---:|---|\n";
  for (const Suite* suite : Suite::all()) {
    for (const Result& result : results) {
      if (result.suite != suite->name()) continue;
      table +=
          fmt::format("| `{}` | {} | {} | {} | {} | {:.2f} | {} |\n", suite->name(), suite->proves(), result.scheduler,
                      result.verdict, grouped(result.executions), result.seconds, caught(suite->name(), results));
    }
  }
  return table;
}

}  // namespace check
