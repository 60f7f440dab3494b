#pragma once
/// Rounds of both sides in turns, and what they say together.

#include <utility>

#include "ab/pair.hpp"

namespace hakmem::bench {

/// Speed of A : speed of B over the rounds; above 1, A is the faster one.
struct Ratio {
  double median = 0;
  double least = 0;
  double most = 0;
};

struct Result {
  std::string workload;
  unsigned threads = 1;
  std::string a_name;
  std::string b_name;
  std::vector<std::pair<Sample, Sample>> rounds;  ///< of A and of B
  Ratio wall;                                     ///< by the clock
  Ratio cpu;                                      ///< by the processor time of all threads together
  std::optional<std::pair<double, double>> instructions;
  std::optional<std::pair<Counts, Counts>> counts;
  /// Whether the pair's target is met; nothing where it has none.
  std::optional<bool> met;
};

/// One comparison, in `rounds` rounds after one that warms up. \param rounds at least 1 \param counted operations whose
/// instructions are counted; 0: none are
[[nodiscard]] Result measure(const Comparison& comparison, unsigned rounds, std::uint64_t counted,
                             const std::optional<Target>& target);

/// Median operations per second, by the clock, of one side.
[[nodiscard]] double speed_of_a(const Result& result);
[[nodiscard]] double speed_of_b(const Result& result);

/// How much less of a count A has, as a share of B's; 0 where B has none.
[[nodiscard]] double saved(const Result& result, const std::string& count);

}  // namespace hakmem::bench
