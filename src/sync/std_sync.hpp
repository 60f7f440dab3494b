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
    friend StdSync;
    T value_{};
  };

  static void* load_link(const void* block) noexcept {
    void* next;
    std::memcpy(&next, block, sizeof next);
    return next;
  }

  static void store_link(void* block, void* next) noexcept { std::memcpy(block, &next, sizeof next); }

  static constexpr bool kMarksFreeBlocks = true;

  static bool load_mark(const void* block) noexcept {
    std::uint64_t word;
    std::memcpy(&word, static_cast<const char*>(block) + sizeof(void*), sizeof word);
    return word == kFreeMark;
  }

  static void store_mark(void* block, bool is_free) noexcept {
    const std::uint64_t word = is_free ? kFreeMark : 0;
    std::memcpy(static_cast<char*>(block) + sizeof(void*), &word, sizeof word);
  }

// Its accesses are not seen by ThreadSanitizer, which has to see them.
#ifndef __SANITIZE_THREAD__
  static bool decrement_is_positive(Plain<std::int32_t>& count) noexcept {
    bool is_positive;
    asm("subl $1, %0" : "+m"(count.value_), "=@ccg"(is_positive));
    return is_positive;
  }
  static bool decrement_is_negative(Plain<std::int32_t>& count) noexcept {
    bool is_negative;
    asm("subl $1, %0" : "+m"(count.value_), "=@ccs"(is_negative));
    return is_negative;
  }
#endif

  static void pause() noexcept { __builtin_ia32_pause(); }

  /// Adds to a count that only the calling thread writes: a relaxed load and a relaxed store, as the one instruction
  /// that compilers do not make of them. Its store of 8 aligned bytes is atomic to readers; see OwnerCounter.
  static void add_owned(Atomic<std::uint64_t>& count, std::uint64_t n) noexcept {
    asm("addq %1, %0" : "+m"(count) : "er"(n) : "cc");
  }

 private:
  /// No address, no small number and no text; 32 bits with their sign, so that it is part of an instruction.
  static constexpr std::uint64_t kFreeMark = 0xffff'ffff'9e37'79b1;
};

static_assert(SyncPolicy<StdSync>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);
static_assert(sizeof(StdSync::Plain<std::uint64_t>) == 8);

}  // namespace hakmem
