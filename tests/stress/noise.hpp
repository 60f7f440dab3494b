#pragma once
/// Schedule noise: before an atomic operation a thread yields, sleeps or changes the processor, so that real threads on
/// a few cores come to interleavings that are rare otherwise.

#include <cstdint>

namespace hakmem::stress {

/// Seeds the noise of every thread that makes its first from now on. Call it before they start.
void seed_noise(std::uint64_t seed) noexcept;

/// What a noisy thread does before it meets an atomic.
void make_noise() noexcept;

}  // namespace hakmem::stress
