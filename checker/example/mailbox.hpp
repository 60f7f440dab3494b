#pragma once
/// A box for one letter. Many threads may put a letter in, one thread takes it out.

#include <atomic>
#include <optional>

/// \tparam Policy where atomics and plain shared variables come from: in a program Atomic is std::atomic, and Plain a
/// variable behind get and set; in a suite both are the checker's
template <class Policy>
class Mailbox {
 public:
  /// \return false when there is a letter inside, or one is just being put in
  bool put(int letter) {
    int seen = kEmpty;
    // Acquire pairs with the release in take: the letter before was read before this one is written.
    if (!state_.compare_exchange_strong(seen, kInHand, std::memory_order_acquire, std::memory_order_relaxed)) {
      return false;
    }
    letter_.set(letter);
    // Release pairs with the acquire in take: who sees that there is a letter sees what it says.
    state_.store(kFull, std::memory_order_release);
    return true;
  }

  /// By one thread at a time. \return nothing when there is no letter
  std::optional<int> take() {
    // Acquire pairs with the release in put.
    if (state_.load(std::memory_order_acquire) != kFull) return std::nullopt;
    const int letter = letter_.get();
    // Release pairs with the acquire in put.
    state_.store(kEmpty, std::memory_order_release);
    return letter;
  }

 private:
  static constexpr int kEmpty = 0;
  static constexpr int kInHand = 1;
  static constexpr int kFull = 2;

  typename Policy::template Atomic<int> state_{kEmpty};
  typename Policy::template Plain<int> letter_;
};
