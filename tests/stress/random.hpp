#pragma once
/// Numbers that a seed reproduces on any machine.

#include <cstddef>
#include <cstdint>

namespace hakmem::stress {

/// A bijection of 64-bit values that leaves no pattern to see.
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// One thread's sequence of decisions: SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(mix(seed)) {}

  std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15u); }

  /// 0 .. bound-1; bound >= 1. The bias is below 2^-32 for the bounds used here.
  std::size_t below(std::size_t bound) noexcept { return static_cast<std::size_t>(next() % bound); }

  /// low .. high.
  std::size_t between(std::size_t low, std::size_t high) noexcept { return low + below(high - low + 1); }

  /// True once in `n` times, on average.
  bool one_in(std::size_t n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace hakmem::stress
