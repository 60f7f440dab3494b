#pragma once
/// Floor 7. What the hardened library asks of memcpy and its like: which of them it judges.

#include <atomic>
#include <cstdint>

namespace hakmem {

/// The option HAKMEM_CHECK_COPIES, in words.
enum class CheckedCopies : std::uint8_t { kNone, kWrites, kWritesAndReads };

#pragma GCC visibility push(hidden)

#ifdef HAKMEM_HARDENED
extern std::atomic<CheckedCopies> checked_copies;

inline void set_checked_copies(CheckedCopies which) noexcept {
  // Relaxed: an option orders nothing.
  checked_copies.store(which, std::memory_order_relaxed);
}
#else
/// The other libraries know of no block how many bytes were asked for.
inline void set_checked_copies(CheckedCopies) noexcept {}
#endif

#pragma GCC visibility pop

}  // namespace hakmem
