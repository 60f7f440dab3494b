#pragma once
/// What a property draws of RapidCheck. Its generators are templates, each instance of which takes the compiler
/// seconds; behind these functions there are a few, which are compiled once.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <type_traits>
#include <vector>

namespace hakmem::test::draw {

namespace draw_detail {

[[nodiscard]] std::uint64_t natural(std::uint64_t low, std::uint64_t high);
[[nodiscard]] std::int64_t whole(std::int64_t low, std::int64_t high);

}  // namespace draw_detail

/// 0 .. count-1, each as likely; shrinks to 0.
[[nodiscard]] std::size_t index(std::size_t count);

/// low .. high-1, small ones sooner, as rc::gen::inRange; shrinks to low.
template <std::integral T>
[[nodiscard]] T in_range(T low, std::type_identity_t<T> high) {
  if constexpr (std::is_signed_v<T>) {
    return static_cast<T>(draw_detail::whole(low, high));
  } else {
    return static_cast<T>(draw_detail::natural(low, high));
  }
}

/// Shrinks to false.
[[nodiscard]] inline bool boolean() { return index(2) != 0; }

[[nodiscard]] std::vector<bool> booleans(std::size_t count);

/// Any number; small ones sooner.
[[nodiscard]] std::uint64_t number();
/// Any number of them.
[[nodiscard]] std::vector<std::uint64_t> numbers();

/// One of several; shrinks to the first.
template <class T>
[[nodiscard]] T element(std::initializer_list<T> all) {
  return all.begin()[index(all.size())];
}

template <class Container>
[[nodiscard]] auto element_of(const Container& all) {
  return *std::next(all.begin(), static_cast<std::ptrdiff_t>(index(all.size())));
}

}  // namespace hakmem::test::draw
