#pragma once
/// Floor 2. Sixty-four marks in one word, used in two ways.
///
/// *Token*: a set bit is a thing that nobody owns (a parked context, a vacant descriptor). Clearing it by `take` makes
/// the caller the owner; exactly one thread succeeds.
///
/// *Hint that never hides*: a set bit says "worth a look" about some other word, the truth. Who makes the truth
/// worth a look sets the bit afterwards; who finds it not worth a look clears the bit *and then looks again*, and sets
/// the bit back if the truth has changed. A bit may be set for nothing; it is never clear for long when it matters.

#include <bit>
#include <cstdint>

#include "sync/sync_concept.hpp"

namespace hakmem {

template <class Sync>
class BitmapWord {
 public:
  static constexpr unsigned kBits = 64;

  /// The marks as they were at some moment. Any thread.
  [[nodiscard]] std::uint64_t load() const noexcept {
    // Relaxed: candidates; `take`, or the word a hint speaks of, decides and synchronises.
    return word_.load(std::memory_order_relaxed);
  }

  /// Sets mark `bit` (0..63). Any thread. Hint: after the truth has changed. Token: by its owner, who gives it up.
  void set(unsigned bit) noexcept {
    // Release pairs with the acquire in take and clear: what the setter did before is visible to who removes the mark.
    word_.fetch_or(mask(bit), std::memory_order_release);
  }

  /// Token: takes mark `bit`. Any thread. \return true for exactly one caller per set.
  [[nodiscard]] bool take(unsigned bit) noexcept {
    // Acquire pairs with set: the new owner sees everything the old one did.
    return (word_.fetch_and(~mask(bit), std::memory_order_acquire) & mask(bit)) != 0;
  }

  /// Token: takes the lowest set mark. Any thread. \return its bit, or -1 when none is set.
  [[nodiscard]] int take_any() noexcept {
    for (std::uint64_t seen = load(); seen != 0; seen = load()) {
      const unsigned bit = static_cast<unsigned>(std::countr_zero(seen));
      if (take(bit)) return static_cast<int>(bit);
      Sync::pause();
    }
    return -1;
  }

  /// Hint: clears mark `bit`, because the truth did not deserve it; then asks again and restores the mark if the truth
  /// has changed meanwhile. Any thread.
  /// \param still_worth callable without arguments, reads the truth (relaxed is enough) and returns bool.
  template <class Truth>
  void clear_unless(unsigned bit, Truth still_worth) noexcept {
    // Acquire pairs with set: if the clear removes a mark that was set before, the truth read next is at least as new
    // as that setter's, so its change is not hidden. Later setters set the mark again themselves.
    word_.fetch_and(~mask(bit), std::memory_order_acquire);
    if (still_worth()) set(bit);
  }

 private:
  static constexpr std::uint64_t mask(unsigned bit) noexcept { return std::uint64_t{1} << bit; }

  typename Sync::template Atomic<std::uint64_t> word_{};
};

}  // namespace hakmem
