#include "core/schedule.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace check {

namespace {

/// N of "bound=N", of "graph=N" and of "graph+N", 0..64.
unsigned parse_parameter(std::string_view digits, std::string& problem) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || value > 64) {
    problem = fmt::format("'{}' is no number from 0 to 64", digits);
  }
  return value;
}

/// What is behind "graph": "", "=N", "+F" or "=N+F".
Strategy parse_graphs(std::string_view text, std::string& problem) {
  Strategy strategy{Strategy::Kind::kGraph};
  const std::size_t plus = std::min(text.find('+'), text.size());
  if (text.starts_with('=')) {
    strategy = {Strategy::Kind::kNear, parse_parameter(text.substr(1, plus - 1), problem)};
  }
  if (plus < text.size() && problem.empty()) strategy.failures = parse_parameter(text.substr(plus + 1), problem);
  return strategy;
}

}  // namespace

std::string to_string(const Strategy& strategy) {
  const std::string failures = strategy.failures != 0 ? fmt::format("+{}", strategy.failures) : "";
  switch (strategy.kind) {
    case Strategy::Kind::kFull: return "full";
    case Strategy::Kind::kGraph: return "graph" + failures;
    case Strategy::Kind::kNear: return fmt::format("graph={}{}", strategy.parameter, failures);
    case Strategy::Kind::kBound: return fmt::format("bound={}", strategy.parameter);
    case Strategy::Kind::kRandom: return "random";
    case Strategy::Kind::kPct: return fmt::format("pct={}", strategy.parameter);
  }
  return "?";
}

std::string to_string(const Search& search) {
  return to_string(search.strategy) + (search.plain && search.strategy.exhaustive() ? "-plain" : "");
}

Strategy parse_strategy(const std::string& text, std::string& problem) {
  if (text == "full") return {Strategy::Kind::kFull, 0};
  if (text == "random") return {Strategy::Kind::kRandom, 0};
  if (text == "graph" || text.starts_with("graph=") || text.starts_with("graph+")) {
    return parse_graphs(std::string_view(text).substr(5), problem);
  }
  if (text.starts_with("bound=")) return {Strategy::Kind::kBound, parse_parameter(text.substr(6), problem)};
  if (text.starts_with("pct=")) {
    const Strategy strategy{Strategy::Kind::kPct, parse_parameter(text.substr(4), problem)};
    if (problem.empty() && (strategy.parameter < 1 || strategy.parameter > 16)) problem = "pct takes 1 to 16";
    return strategy;
  }
  problem =
      fmt::format("unknown scheduler '{}': full, graph, graph=N, graph+F, graph=N+F, bound=N, random or pct=D", text);
  return {};
}

}  // namespace check
