#pragma once
/// Floor 1. A policy over another one whose in-block links are sealed: a write to a free block's first 16 bytes is
/// found before the link is followed.

#include <cstdint>
#include <cstring>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// A bijection of 64 bits by one multiplication: each bit depends on those below it, and the lower half on the upper one.
/// Check words are compared whole, so that any change of what they are made of shows; they hide nothing from who can read
/// them and knows the constant, and neither would a better mixture.
[[nodiscard]] constexpr std::uint64_t scatter(std::uint64_t value) noexcept {
  value *= 0x9e3779b97f4a7c15u;
  return value ^ value >> 32;
}

/// \tparam Base the policy underneath; \tparam Alarm `static void written_after_free(const void* block) noexcept`; if
/// it returns (in tests), the link reads as the chain's end.
///
/// A link takes 16 bytes of the block: the address, and a check word that depends on it, on the block and on the
/// process's key. Each word is a bijection of the other, so a change of one alone is always found; who changes both has
/// to know the key.
template <class Base, class Alarm>
struct HardenedSync : Base {
  /// The check word lies where the mark would.
  static constexpr bool kMarksFreeBlocks = false;

  /// Before the first block exists; the same for all heaps of the process.
  static void set_key(std::uint64_t key) noexcept { key_ = key; }

  [[nodiscard]] static void* load_link(const void* block) noexcept {
    std::uint64_t words[2];
    std::memcpy(words, block, sizeof words);
    if (words[1] != check(block, words[0])) [[unlikely]] {
      Alarm::written_after_free(block);
      return nullptr;
    }
    return reinterpret_cast<void*>(words[0] ^ key_);
  }

  static void store_link(void* block, void* next) noexcept {
    const std::uint64_t link = reinterpret_cast<std::uintptr_t>(next) ^ key_;
    const std::uint64_t words[2] = {link, check(block, link)};
    std::memcpy(block, words, sizeof words);
  }

 private:
  static std::uint64_t check(const void* block, std::uint64_t link) noexcept {
    return scatter((link + reinterpret_cast<std::uintptr_t>(block)) ^ key_);
  }

  static inline constinit std::uint64_t key_ = 0;
};

}  // namespace hakmem
