#pragma once
/// What a block contains while it is held: its stamp, then words that its id and their place determine.
///
/// Small blocks are filled and checked whole. Of large ones the first pages, the last word and a word of every other
/// cache line are, so that a run is not all memory traffic.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "random.hpp"

namespace hakmem::stress {

/// The first bytes of every block. Whoever takes a block over learns from it what the block is.
struct Stamp {
  std::uint32_t id;
  std::uint32_t bytes;
};

inline constexpr std::size_t kWordBytes = sizeof(std::uint64_t);
inline constexpr std::size_t kDenseBytes = 8192;
inline constexpr std::size_t kSparseStep = 128;
inline constexpr std::size_t kNoMismatch = SIZE_MAX;

static_assert(sizeof(Stamp) == kWordBytes);

namespace pattern_detail {

inline std::uint64_t word(std::uint32_t id, std::size_t offset) noexcept {
  return mix(std::uint64_t{id} << 32 ^ offset);
}

/// Calls `visit(offset)` for the offset of every word to look at that ends at or before `bytes`, until it returns
/// false. \return whether no call did.
template <class Visit>
bool each_word(std::size_t bytes, Visit visit) {
  const std::size_t dense = bytes < kDenseBytes ? bytes : kDenseBytes;
  std::size_t offset = sizeof(Stamp);
  for (; offset + kWordBytes <= dense; offset += kWordBytes) {
    if (!visit(offset)) return false;
  }
  for (; offset + kWordBytes <= bytes; offset += kSparseStep) {
    if (!visit(offset)) return false;
  }
  return true;
}

/// The bytes at the end that no whole word before `bytes` covers, or else the last word.
struct Tail {
  std::size_t offset;
  std::size_t length;
};
inline Tail tail_of(std::size_t bytes) noexcept {
  const std::size_t rest = bytes % kWordBytes;
  if (rest != 0) return {bytes - rest, rest};
  return bytes >= sizeof(Stamp) + kWordBytes ? Tail{bytes - kWordBytes, kWordBytes} : Tail{bytes, 0};
}

}  // namespace pattern_detail

inline Stamp read_stamp(const void* block) noexcept {
  Stamp stamp;
  std::memcpy(&stamp, block, sizeof stamp);
  return stamp;
}

/// Stamps and fills a block of stamp.bytes >= sizeof(Stamp).
inline void write_pattern(void* block, Stamp stamp) noexcept {
  char* bytes = static_cast<char*>(block);
  std::memcpy(bytes, &stamp, sizeof stamp);
  pattern_detail::each_word(stamp.bytes, [&](std::size_t offset) {
    const std::uint64_t word = pattern_detail::word(stamp.id, offset);
    std::memcpy(bytes + offset, &word, sizeof word);
    return true;
  });
  const auto tail = pattern_detail::tail_of(stamp.bytes);
  const std::uint64_t word = pattern_detail::word(stamp.id, tail.offset);
  std::memcpy(bytes + tail.offset, &word, tail.length);
}

/// Checks the first `bytes` of a block that was filled with `stamp`; the end of the block too if that is all of it.
/// \return the offset of the first damage found, or kNoMismatch.
inline std::size_t find_damage(const void* block, Stamp stamp, std::size_t bytes) noexcept {
  const char* at = static_cast<const char*>(block);
  if (std::memcmp(at, &stamp, sizeof stamp) != 0) return 0;
  std::size_t damage = kNoMismatch;
  const auto matches = [&](std::size_t offset, std::size_t length) {
    const std::uint64_t expected = pattern_detail::word(stamp.id, offset);
    std::uint64_t found = expected;
    std::memcpy(&found, at + offset, length);
    if (found != expected) damage = offset;
    return found == expected;
  };
  const auto tail = pattern_detail::tail_of(stamp.bytes);
  if (pattern_detail::each_word(bytes, [&](std::size_t offset) { return matches(offset, kWordBytes); }) &&
      bytes == stamp.bytes) {
    (void)matches(tail.offset, tail.length);
  }
  return damage;
}

/// The first byte of a zero-filled block that is not zero, among those that a pattern covers, or kNoMismatch.
inline std::size_t find_nonzero(const void* block, std::size_t bytes) noexcept {
  const char* at = static_cast<const char*>(block);
  std::size_t damage = kNoMismatch;
  const auto is_zero = [&](std::size_t offset, std::size_t length) {
    std::uint64_t found = 0;
    std::memcpy(&found, at + offset, length);
    if (found != 0) damage = offset;
    return found == 0;
  };
  if (!is_zero(0, bytes < kWordBytes ? bytes : kWordBytes)) return damage;
  const auto tail = pattern_detail::tail_of(bytes);
  if (bytes >= kWordBytes &&
      pattern_detail::each_word(bytes, [&](std::size_t offset) { return is_zero(offset, kWordBytes); })) {
    (void)is_zero(tail.offset, tail.length);
  }
  return damage;
}

}  // namespace hakmem::stress
