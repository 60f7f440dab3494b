#include "noise.hpp"

namespace hakmem::stress {

namespace noise_detail {

std::atomic<std::uint64_t> seed{0};
std::atomic<std::uint64_t> threads{0};

}  // namespace noise_detail

void seed_noise(std::uint64_t seed) noexcept {
  // Relaxed: the threads that read it are started afterwards.
  noise_detail::seed.store(mix(seed), std::memory_order_relaxed);
  noise_detail::threads.store(0, std::memory_order_relaxed);
}

}  // namespace hakmem::stress
