#pragma once
/// Where threads hand blocks over: places that hold one block each.
///
/// Putting releases and taking acquires, and nothing flows the other way: an empty place tells the giver nothing about
/// what the last taker has done. So if memory comes back to the giver in order, that is the allocator's doing.

#include <cstddef>
#include <memory>

#include "support/test_sync.hpp"

namespace hakmem::stress {

class Slots {
 public:
  explicit Slots(std::size_t count) : count_(count), places_(std::make_unique<Place[]>(count)) {}

  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  /// Puts a block into an empty place. \return false when the place is taken.
  [[nodiscard]] bool put(std::size_t place, void* block) noexcept {
    void* expected = nullptr;
    // Release pairs with take: the taker sees the block's contents. Failure relaxed: nothing is used of what is there.
    return places_[place].compare_exchange_strong(expected, block, std::memory_order_release,
                                                  std::memory_order_relaxed);
  }

  /// Takes what is in a place. \return nullptr when it is empty.
  [[nodiscard]] void* take(std::size_t place) noexcept {
    // Relaxed: spares a useless exchange.
    if (places_[place].load(std::memory_order_relaxed) == nullptr) return nullptr;
    // Acquire pairs with put.
    return places_[place].exchange(nullptr, std::memory_order_acquire);
  }

  /// How many places hold a block, at a moment when no thread works.
  [[nodiscard]] std::size_t occupied() const noexcept {
    std::size_t blocks = 0;
    // Relaxed: the working threads have been joined.
    for (std::size_t i = 0; i < count_; ++i) blocks += places_[i].load(std::memory_order_relaxed) != nullptr;
    return blocks;
  }

 private:
  using Place = test::TestSync::Atomic<void*>;

  std::size_t count_;
  std::unique_ptr<Place[]> places_;
};

}  // namespace hakmem::stress
