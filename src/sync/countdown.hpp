#pragma once
/// Floor 1. Counts that an owner takes one from in the paths of malloc and free.

#include <cstdint>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// A count that one thread uses, and that tells when it has run out. A policy may take one and look at the result in
/// one instruction, by `decrement_is_positive` and `decrement_is_negative`, which compilers do not make of the two.
template <class Sync>
class Countdown {
 public:
  [[nodiscard]] std::int32_t get() const noexcept { return left_.get(); }
  void set(std::int32_t left) noexcept { left_.set(left); }

  /// Takes one. \return whether some are left.
  [[nodiscard, gnu::always_inline]] bool take_leaves_some() noexcept {
    if constexpr (DecrementsAtOnce<Sync>) {
      return Sync::decrement_is_positive(left_);
    } else {
      return decrement() > 0;
    }
  }

  /// Takes one. \return whether there was none to take.
  [[nodiscard, gnu::always_inline]] bool take_from_none() noexcept {
    if constexpr (DecrementsAtOnce<Sync>) {
      return Sync::decrement_is_negative(left_);
    } else {
      return decrement() < 0;
    }
  }

 private:
  std::int32_t decrement() noexcept {
    left_.set(left_.get() - 1);
    return left_.get();
  }

  typename Sync::template Plain<std::int32_t> left_{};
};

}  // namespace hakmem
