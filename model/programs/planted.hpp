#pragma once
/// Broken policies, for the negative controls of all bodies of a HeapProgram.

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace hakmem::programs {

/// A word that is taken stays where it is: who empties a slab's remote word gets the same chain again the next time.
template <class Sync>
struct KeepsWhatIsTaken : Sync {
  template <class T>
  struct Keeping : Sync::template Atomic<T> {
    using Base = typename Sync::template Atomic<T>;
    constexpr Keeping() = default;
    constexpr explicit Keeping(T value) : Base(value) {}

    T exchange(T value, std::memory_order order) {
      if (value != T{0}) return Base::exchange(value, order);
      // The planted fault; pairs with what the exchange would pair with.
      return this->load(order == std::memory_order_acquire ? order : std::memory_order_relaxed);
    }
  };

  template <class T>
  using Atomic = std::conditional_t<std::is_same_v<T, std::uint64_t>, Keeping<T>, typename Sync::template Atomic<T>>;
};

}  // namespace hakmem::programs
