#pragma once
/// An atomic that the checker watches. Every operation takes its place in the source as a defaulted last argument.
///
/// The engine's own atomic is a large template; it is hidden behind words of a few types, each compiled once in
/// atomic.cpp.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/sites.hpp"
#include "core/where.hpp"
#include "engine/relacy/visibility.hpp"

namespace check {

/// What an atomic holds, as one of the types that AtomicWord exists for.
template <class Word>
class AtomicWord {
  static_assert(std::is_same_v<Word, int> || std::is_same_v<Word, std::uint32_t> ||
                std::is_same_v<Word, std::int64_t> || std::is_same_v<Word, std::uint64_t> ||
                std::is_same_v<Word, void*>);

 public:
  /// A relaxed store by the constructing thread that is not a step of its own.
  explicit AtomicWord(Word value);
  ~AtomicWord();
  AtomicWord(const AtomicWord&) = delete;
  AtomicWord& operator=(const AtomicWord&) = delete;

  Word load(std::memory_order order, const Where& where) const;
  void store(Word value, std::memory_order order, const Where& where);
  /// An exchange or fetch_...
  Word modify(Operation operation, Word value, std::memory_order order, const Where& where);
  bool compare_exchange(bool weak, Word& expected, Word desired, Orders orders, const Where& where);
  [[nodiscard]] Word debug_value() const;

 private:
  struct Inside;
  static constexpr std::size_t kBytes = (6 * sizeof(Word) + 7) / 8 * 8 + 24;

  alignas(8) std::byte atomic_[kBytes];  ///< the engine's
  int creator_;
  std::size_t born_;
  Visibility::Usage* usage_ = nullptr;
};

/// An atomic with the interface of the language's own, but that each operation names its order.
template <class T>
class Atomic {
  using Word = std::conditional_t<std::is_pointer_v<T>, void*, T>;

 public:
  Atomic() : word_(Word{}) {}
  explicit Atomic(T value) : word_(to_word(value)) {}

  T load(std::memory_order order, Where where = Where::here()) const {
    return static_cast<T>(word_.load(order, where));
  }

  void store(T value, std::memory_order order, Where where = Where::here()) {
    word_.store(to_word(value), order, where);
  }

  T exchange(T value, std::memory_order order, Where where = Where::here()) {
    return static_cast<T>(word_.modify(Operation::kExchange, to_word(value), order, where));
  }

  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             Where where = Where::here()) {
    return compare_exchange(true, expected, desired, {success, failure}, where);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               Where where = Where::here()) {
    return compare_exchange(false, expected, desired, {success, failure}, where);
  }

  template <class D>
  T fetch_add(D value, std::memory_order order, Where where = Where::here()) {
    return word_.modify(Operation::kFetchAdd, static_cast<T>(value), order, where);
  }
  template <class D>
  T fetch_sub(D value, std::memory_order order, Where where = Where::here()) {
    return word_.modify(Operation::kFetchSub, static_cast<T>(value), order, where);
  }
  T fetch_or(T value, std::memory_order order, Where where = Where::here()) {
    return word_.modify(Operation::kFetchOr, value, order, where);
  }
  T fetch_and(T value, std::memory_order order, Where where = Where::here()) {
    return word_.modify(Operation::kFetchAnd, value, order, where);
  }
  T fetch_xor(T value, std::memory_order order, Where where = Where::here()) {
    return word_.modify(Operation::kFetchXor, value, order, where);
  }

  /// The latest value, for invariants: not an operation of any thread.
  [[nodiscard]] T debug_value() const { return static_cast<T>(word_.debug_value()); }

 private:
  static Word to_word(T value) noexcept {
    if constexpr (std::is_pointer_v<T>) {
      return const_cast<std::remove_cv_t<std::remove_pointer_t<T>>*>(value);
    } else {
      return value;
    }
  }

  bool compare_exchange(bool weak, T& expected, T desired, Orders orders, const Where& where) {
    Word word = to_word(expected);
    const bool done = word_.compare_exchange(weak, word, to_word(desired), orders, where);
    expected = static_cast<T>(word);
    return done;
  }

  AtomicWord<Word> word_;
};

}  // namespace check
