#pragma once
/// Floor 3. The mark in free blocks: a second free is noticed also when others came between the two.
///
/// A block's second word holds the mark from the moment it is cut or freed until it goes out, wherever it lies meanwhile.
/// Its mark is made of its address, and cleared before the program sees the block. So a block with the mark that is freed is
/// free already, unless the program has kept what it read from a free block, and written it there again.
/// The idea is that of the key in glibc's thread caches (2.29).

#include "sync/sync_concept.hpp"

namespace hakmem {

/// Who owns a block may call these, as with its link. A policy marks blocks if it declares `kMarksFreeBlocks = true`;
/// those under which free blocks cannot be touched, or are sealed whole, do not.
template <class Sync>
struct FreeMark {
  static constexpr bool kKept = MarksFreeBlocks<Sync>;

  [[gnu::always_inline]] static void set([[maybe_unused]] void* block) noexcept {
    if constexpr (kKept) Sync::store_mark(block, true);
  }
  [[gnu::always_inline]] static void clear([[maybe_unused]] void* block) noexcept {
    if constexpr (kKept) Sync::store_mark(block, false);
  }
  [[nodiscard, gnu::always_inline]] static bool is_set([[maybe_unused]] const void* block) noexcept {
    if constexpr (kKept) return Sync::load_mark(block);
    return false;
  }
};

}  // namespace hakmem
