#pragma once
/// Floor 1. The production policy: `std::atomic` and plain variables, at no cost.

#include <atomic>
#include <cstdint>
#include <cstring>

#include "machine/machine.hpp"
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
    return word == mark_of(block);
  }

  static void store_mark(void* block, bool is_free) noexcept {
    const std::uint64_t word = is_free ? mark_of(block) : 0;
    std::memcpy(static_cast<char*>(block) + sizeof(void*), &word, sizeof word);
  }

// Its accesses are not seen by ThreadSanitizer, which has to see them.
#ifndef __SANITIZE_THREAD__
  template <class Machine = machine::Instructions>
    requires requires(std::int32_t& value) { Machine::decrement_is_positive(value); }
  [[gnu::always_inline]] static bool decrement_is_positive(Plain<std::int32_t>& count) noexcept {
    return Machine::decrement_is_positive(count.value_);
  }
  template <class Machine = machine::Instructions>
    requires requires(std::int32_t& value) { Machine::decrement_is_negative(value); }
  [[gnu::always_inline]] static bool decrement_is_negative(Plain<std::int32_t>& count) noexcept {
    return Machine::decrement_is_negative(count.value_);
  }
#endif

  static void pause() noexcept { machine::pause(); }

  /// Adds to a count that only the calling thread writes; see OwnerCounter.
  template <class Machine = machine::Instructions>
    requires requires(Atomic<std::uint64_t>& count) { Machine::add_owned(count, 1); }
  [[gnu::always_inline]] static void add_owned(Atomic<std::uint64_t>& count, std::uint64_t n) noexcept {
    Machine::add_owned(count, n);
  }

 private:
  /// Of each block another one, so that a copy of a free block has none. An odd address far from the block's: no data are like
  /// that. The distance has 31 bits, so that it is part of an instruction.
  static std::uint64_t mark_of(const void* block) noexcept {
    constexpr std::uint64_t kDistance = 0x6c62'272f;
    return reinterpret_cast<std::uintptr_t>(block) + kDistance;
  }
};

static_assert(SyncPolicy<StdSync>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);
static_assert(sizeof(StdSync::Plain<std::uint64_t>) == 8);

}  // namespace hakmem
