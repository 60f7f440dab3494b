#pragma once
/// The policy that has what SyncPolicy asks for and nothing besides: none of the parts that a policy may have, and no
/// operation of `std::atomic` that is not named there.

#include <concepts>
#include <cstdint>

#include "support/test_sync.hpp"

namespace hakmem::test {

struct LeastSync {
  template <class T>
  class Atomic {
   public:
    // The caller's order; so it is with all that follow.
    [[nodiscard]] T load(std::memory_order order) const noexcept { return value_.load(order); }
    void store(T value, std::memory_order order) noexcept { value_.store(value, order); }
    T exchange(T value, std::memory_order order) noexcept { return value_.exchange(value, order); }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
      // The caller's orders.
      return value_.compare_exchange_weak(expected, desired, success, failure);
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                                 std::memory_order failure) noexcept {
      // The caller's orders.
      return value_.compare_exchange_strong(expected, desired, success, failure);
    }
    // The caller's order; so it is with all that follow.
    T fetch_add(T value, std::memory_order order) noexcept
      requires std::same_as<T, std::uint64_t>
    {
      return value_.fetch_add(value, order);
    }
    T fetch_or(T value, std::memory_order order) noexcept
      requires std::same_as<T, std::uint64_t>
    {
      return value_.fetch_or(value, order);
    }
    T fetch_and(T value, std::memory_order order) noexcept
      requires std::same_as<T, std::uint64_t>
    {
      return value_.fetch_and(value, order);
    }

   private:
    typename TestSync::template Atomic<T> value_{};
  };

  template <class T>
  class Plain {
   public:
    [[nodiscard]] T get() const noexcept { return value_; }
    void set(T value) noexcept { value_ = value; }

   private:
    T value_{};
  };

  static void* load_link(const void* block) noexcept { return TestSync::load_link(block); }
  static void store_link(void* block, void* next) noexcept { TestSync::store_link(block, next); }
  static void pause() noexcept { TestSync::pause(); }
};

static_assert(SyncPolicy<LeastSync>);

}  // namespace hakmem::test
