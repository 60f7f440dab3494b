#include "ab/measure.hpp"

#include <algorithm>

namespace hakmem::bench {

namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

/// A clock that has not moved counts as its smallest step.
double speed(const Sample& sample, double Elapsed::* clock) {
  return static_cast<double>(sample.operations) / std::max(sample.elapsed.*clock, 1e-9);
}

Ratio ratio(const Result& result, double Elapsed::* clock) {
  std::vector<double> ratios;
  for (const auto& [a, b] : result.rounds) ratios.push_back(speed(a, clock) / speed(b, clock));
  return {median(ratios), *std::min_element(ratios.begin(), ratios.end()),
          *std::max_element(ratios.begin(), ratios.end())};
}

std::optional<bool> is_met(const Result& result, const std::optional<Target>& target) {
  if (!target) return std::nullopt;
  bool met = result.cpu.median >= target->least_ratio;
  for (const auto& [count, least] : target->least_saved) met = met && saved(result, count) >= least;
  return met;
}

template <class Side>
double median_speed(const Result& result, Side side) {
  std::vector<double> speeds;
  for (const auto& round : result.rounds) speeds.push_back(speed(round.*side, &Elapsed::seconds));
  return median(std::move(speeds));
}

}  // namespace

Result measure(const Comparison& comparison, unsigned rounds, std::uint64_t counted,
               const std::optional<Target>& target) {
  Result result;
  result.workload = comparison.workload;
  result.threads = comparison.threads;
  result.a_name = comparison.a.name;
  result.b_name = comparison.b.name;
  (void)comparison.a.run();
  (void)comparison.b.run();
  for (unsigned round = 0; round < rounds; ++round) {
    Sample a;
    Sample b;
    // Who comes second finds warmer caches, or a machine that has become busier: they take turns at it.
    if (round % 2 == 0) a = comparison.a.run();
    b = comparison.b.run();
    if (round % 2 == 1) a = comparison.a.run();
    result.rounds.emplace_back(a, b);
  }
  result.wall = ratio(result, &Elapsed::seconds);
  result.cpu = ratio(result, &Elapsed::cpu_seconds);
  if (counted > 0 && comparison.a.instructions && comparison.b.instructions) {
    result.instructions.emplace(comparison.a.instructions(counted), comparison.b.instructions(counted));
  }
  if (comparison.a.counts && comparison.b.counts) {
    result.counts.emplace(comparison.a.counts(), comparison.b.counts());
  }
  result.met = is_met(result, target);
  return result;
}

double speed_of_a(const Result& result) { return median_speed(result, &std::pair<Sample, Sample>::first); }
double speed_of_b(const Result& result) { return median_speed(result, &std::pair<Sample, Sample>::second); }

double saved(const Result& result, const std::string& count) {
  if (!result.counts) return 0;
  const auto a = result.counts->first.find(count);
  const auto b = result.counts->second.find(count);
  if (a == result.counts->first.end() || b == result.counts->second.end() || b->second == 0) return 0;
  return 1 - static_cast<double>(a->second) / static_cast<double>(b->second);
}

}  // namespace hakmem::bench
