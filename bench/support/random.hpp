#pragma once

#include <cstdint>

namespace hakmem::bench {

/// xorshift64*: a few instructions a number, so that a benchmark measures malloc and not its generator. The same seed
/// and stream give the same numbers on every machine. Not thread-safe: one for each thread.
class Random {
 public:
  /// Streams of one seed are unrelated.
  explicit Random(std::uint64_t seed, std::uint64_t stream = 0) noexcept
      : state_(mix(mix(seed) + stream * 0x9e3779b97f4a7c15U) | 1U) {}

  std::uint64_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1dU;
  }

  /// A number from 0 to bound - 1. `bound` is from 1 to 2^32.
  std::uint64_t below(std::uint64_t bound) noexcept { return ((next() >> 32) * bound) >> 32; }

  /// A number from low to high, both included; high - low is below 2^32.
  std::uint64_t between(std::uint64_t low, std::uint64_t high) noexcept { return low + below(high - low + 1); }

 private:
  static std::uint64_t mix(std::uint64_t value) noexcept {
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
  }

  std::uint64_t state_;
};

}  // namespace hakmem::bench
