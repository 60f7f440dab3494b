/// The litmus tests as a table for documents.

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "litmus/litmus.hpp"

namespace check {

std::string litmus_table(const std::map<std::string, std::string>& shown) {
  const bool hardware = !shown.empty();
  std::string table = "| test | observes | C++20 allows | the checker never shows | the graph engine never shows |";
  table += hardware ? " this processor showed |\n|---|---|---|---|---|---|\n" : "\n|---|---|---|---|---|\n";
  for (const Litmus& test : litmus_tests()) {
    const auto blind = [](const std::set<std::string>& spots) {
      return spots.empty() ? "" : fmt::format("**{}**", fmt::join(spots, " "));
    };
    table += fmt::format("| {} | {} | {} | {} | {} |", test.name, test.what, fmt::join(test.allowed, " "),
                         blind(test.unseen), blind(test.beyond));
    if (hardware) table += fmt::format(" {} |", shown.at(test.name));
    table += "\n";
  }
  return table;
}

}  // namespace check
