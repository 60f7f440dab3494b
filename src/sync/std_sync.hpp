#pragma once
/// Floor 1. The production policy: `std::atomic` and plain variables, at no cost.

#include <atomic>
#include <cstdint>
#include <cstring>

#include "sync/sync_concept.hpp"

namespace hakmem {

struct StdSync {
  template <class T>
  using Atomic = std::atomic<T>;

  /// A plain variable behind get/set, so that the model can watch every access.
  template <class T>
  class Plain {
   public:
    constexpr Plain() noexcept = default;
    constexpr explicit Plain(T value) noexcept : value_(value) {}
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    [[nodiscard]] constexpr T get() const noexcept { return value_; }
    constexpr void set(T value) noexcept { value_ = value; }

   private:
    T value_{};
  };

  static void* load_link(const void* block) noexcept {
    void* next;
    std::memcpy(&next, block, sizeof next);
    return next;
  }

  static void store_link(void* block, void* next) noexcept { std::memcpy(block, &next, sizeof next); }

  static void pause() noexcept { __builtin_ia32_pause(); }

  /// Adds to a count that only the calling thread writes: a relaxed load and a relaxed store, as the one instruction
  /// that compilers do not make of them. Its store of 8 aligned bytes is atomic to readers; see OwnerCounter.
  static void add_owned(Atomic<std::uint64_t>& count, std::uint64_t n) noexcept {
    asm("addq %1, %0" : "+m"(count) : "er"(n) : "cc");
  }
};

static_assert(SyncPolicy<StdSync>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);
static_assert(sizeof(StdSync::Plain<std::uint64_t>) == 8);

}  // namespace hakmem
