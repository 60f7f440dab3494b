#include "model/runner/report.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <vector>

#include "model/litmus/litmus.hpp"
#include "model/runner/result.hpp"

namespace hakmem::model {

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

std::string litmus_table(const std::map<std::string, std::string>& shown) {
  const bool hardware = !shown.empty();
  std::string table = "| test | observes | C++20 allows | the checker never shows |";
  table += hardware ? " this processor showed |\n|---|---|---|---|---|\n" : "\n|---|---|---|---|\n";
  for (const Litmus& test : litmus_tests()) {
    table += fmt::format("| {} | {} | {} | {} |", test.name, test.what, fmt::join(test.allowed, " "),
                         test.unseen.empty() ? "" : fmt::format("**{}**", fmt::join(test.unseen, " ")));
    if (hardware) table += fmt::format(" {} |", shown.at(test.name));
    table += "\n";
  }
  return table;
}

}  // namespace hakmem::model
