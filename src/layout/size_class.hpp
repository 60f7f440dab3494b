#pragma once
/// Floor 3. Size classes: granule steps up to kSmallMax, computed without a table; above, four per doubling.
///
/// Waste bound: a class is less than one granule larger than the request up to kSmallMax, and at most a quarter of the
/// request's power of two above it, so block_bytes(of(n)) < 1.25 * n there.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "layout/geometry.hpp"

namespace hakmem {

template <class G>
class SizeClass {
 public:
  static constexpr unsigned kSmallCount = static_cast<unsigned>(G::kSmallMax >> G::kGranuleShift);
  static constexpr unsigned kSmallShift = static_cast<unsigned>(std::countr_zero(G::kSmallMax));
  static constexpr unsigned kCount =
      kSmallCount + 4 * (static_cast<unsigned>(std::countr_zero(G::kLargeMax)) - kSmallShift);

  /// How blocks of one class are laid out in slabs.
  struct Layout {
    std::uint64_t divisor;        ///< the smallest odd number above 2^64 / block_bytes, see is_cut_offset
    std::uint32_t block_bytes;    ///< distance and usable size of the blocks
    std::uint32_t excess;         ///< divisor * block_bytes - 2^64, which is 1 to 2 * block_bytes
    std::uint16_t capacity;       ///< blocks in a slab
    std::uint16_t carve;          ///< blocks carved at a time
    std::uint16_t outbox_blocks;  ///< remote frees gathered before they go out as one chain
    std::uint8_t cache_blocks;    ///< own frees that a thread keeps at hand; 0: the class is not cached
    std::uint8_t wake_blocks;     ///< owner's frees that wake a sleeping slab, 1..capacity
    std::uint8_t slots;           ///< adjacent slots that make a slab
  };

  /// Class of a request of 1..kSmallMax bytes.
  static constexpr unsigned of_small(std::size_t bytes) noexcept {
    return static_cast<unsigned>((bytes - 1) >> G::kGranuleShift);
  }

  /// Class of a request of 1..kLargeMax bytes: the smallest class that holds it.
  static constexpr unsigned of(std::size_t bytes) noexcept {
    return bytes <= G::kSmallMax ? of_small(bytes) : of_large(bytes);
  }

  /// Class of a request of kSmallMax+1..kMidMax bytes, by one look: mid blocks are multiples of a quarter of kSmallMax.
  static constexpr unsigned of_mid(std::size_t bytes) noexcept { return kMidClasses[(bytes - 1) >> kMidShift]; }

  /// Class of a request of kSmallMax+1..kLargeMax bytes.
  static constexpr unsigned of_large(std::size_t bytes) noexcept {
    const std::size_t last = bytes - 1;
    const unsigned doubling = static_cast<unsigned>(std::bit_width(last)) - 1;
    const unsigned quarter = static_cast<unsigned>(last >> (doubling - 2)) & 3u;
    return kSmallCount + (doubling - kSmallShift) * 4 + quarter;
  }

  /// Block size of a class, 0 <= c < kCount.
  static constexpr std::size_t block_bytes(unsigned c) noexcept {
    if (c < kSmallCount) return (std::size_t{c} + 1) << G::kGranuleShift;
    const unsigned above = c - kSmallCount;
    const std::size_t power = G::kSmallMax << (above / 4);
    return power + power / 4 * (above % 4 + 1);
  }

  /// Class for `bytes` (1..kLargeMax) whose blocks are all aligned to `alignment`, a power of two <= the slot size.
  /// \return the class, or kCount when only something larger than kLargeMax would do.
  static constexpr unsigned of_aligned(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t rounded = (bytes + alignment - 1) & ~(alignment - 1);
    if (rounded > G::kLargeMax) return kCount;
    unsigned c = of(rounded);
    while (c < kCount && (block_bytes(c) & (alignment - 1)) != 0) ++c;
    return c;
  }

  static constexpr const Layout& layout(unsigned c) noexcept { return kLayouts[c]; }

  /// Whether a class serves requests up to kSmallMax; known to the compiler where there are no others.
  static constexpr bool is_small(unsigned c) noexcept { return kCount == kSmallCount || c < kSmallCount; }

  /// Whether a class lies above kMidMax: few of its blocks make a slab.
  static constexpr bool is_large(unsigned c) noexcept { return G::kMidMax < G::kLargeMax && c >= kFirstLarge; }

  /// Whether one of a slab's first blocks starts at `offset` from its base: by one multiplication, whose product is the
  /// block's number times the class's excess, and for an offset inside of a block no less than the divisor. Exact while
  /// 2 * offset * block_bytes < 2^64; and as the divisor is odd, a block's address with any of the upper bits set is none.
  /// \param limit so many blocks, times the excess
  /// Source: D. Lemire, O. Kaser, N. Kurz, "Faster remainder by direct computation", 2019.
  static constexpr bool is_cut_offset(std::uint64_t offset, std::uint64_t divisor, std::uint32_t limit) noexcept {
    return offset * divisor < limit;
  }

 private:
  /// Smallest slab that wastes at most 1/65 at its end, if one of up to three slots does; else 1/16 at most. It holds
  /// at least 4 blocks; one block per slab when blocks are larger than a slot. What is wasted beyond the last block's
  /// page is address space: it is never touched.
  static constexpr unsigned slots_for(std::size_t block) noexcept {
    constexpr std::size_t kSlot = kSlotBytes<G>;
    if (block > kSlot) return static_cast<unsigned>((block + kSlot - 1) / kSlot);
    const auto wastes_less = [block](unsigned slots, std::size_t parts) {
      const std::size_t bytes = slots * kSlot;
      return bytes / block >= 4 && bytes % block * parts <= bytes;
    };
    constexpr unsigned kMany = G::kSlots < 8 ? 1 : 8;
    constexpr unsigned kFew = G::kSlots < 8 ? 1 : 3;
    for (unsigned slots = 1; slots <= kFew; ++slots) {
      if (wastes_less(slots, 65)) return slots;
    }
    for (unsigned slots = 1; slots <= kMany; ++slots) {
      if (wastes_less(slots, 16)) return slots;
    }
    return 1;
  }

  static constexpr unsigned kMidShift = kSmallShift - 2;
  static constexpr std::size_t kMidEntries = G::kMidMax >> kMidShift;
  static constexpr std::array<std::uint8_t, kMidEntries> kMidClasses = [] {
    std::array<std::uint8_t, kMidEntries> classes{};
    for (std::size_t i = 4; i < kMidEntries; ++i) {
      classes[i] = static_cast<std::uint8_t>(of_large((i + 1) << kMidShift));
    }
    return classes;
  }();

  static constexpr unsigned kFirstLarge = G::kMidMax < G::kLargeMax ? of(G::kMidMax + 1) : kSmallCount;

  /// Mid and large classes (B3, B4) are cached by bytes; at least 2 blocks, so that a spill keeps one.
  static constexpr std::uint8_t cache_blocks_for(std::size_t block) noexcept {
    // NOLINTNEXTLINE(misc-redundant-expression): a geometry may cache none of them.
    if (block <= G::kSmallMax || block > G::kCachedMax) return 0;
    const std::size_t blocks = G::kCacheBytes / block;
    if (blocks < 2) return 2;
    return static_cast<std::uint8_t>(blocks < 64 ? blocks : 64);
  }

  static constexpr Layout make_layout(unsigned c) noexcept {
    const std::size_t block = block_bytes(c);
    const unsigned slots = slots_for(block);
    const std::size_t capacity = (slots * kSlotBytes<G>) / block;
    const auto at_least_one = [](std::size_t n) { return n == 0 ? std::size_t{1} : n; };
    const std::size_t carve = at_least_one(G::kCarveBytes / block);
    const std::size_t wake = at_least_one(capacity / G::kWakeDivisor);
    const std::size_t gathered = at_least_one(G::kOutboxBytes / block);
    const std::uint64_t divisor = (~std::uint64_t{0} / block + 1) | 1;
    return {.divisor = divisor,
            .block_bytes = static_cast<std::uint32_t>(block),
            .excess = static_cast<std::uint32_t>(divisor * block),
            .capacity = static_cast<std::uint16_t>(capacity),
            .carve = static_cast<std::uint16_t>(carve < capacity ? carve : capacity),
            .outbox_blocks = static_cast<std::uint16_t>(gathered < G::kOutboxBlocks ? gathered : G::kOutboxBlocks),
            .cache_blocks = cache_blocks_for(block),
            .wake_blocks = static_cast<std::uint8_t>(wake < G::kWakeBlocks ? wake : G::kWakeBlocks),
            .slots = static_cast<std::uint8_t>(slots)};
  }

  static constexpr std::array<Layout, kCount> kLayouts = [] {
    std::array<Layout, kCount> all{};
    for (unsigned c = 0; c < kCount; ++c) all[c] = make_layout(c);
    return all;
  }();

  static_assert(kSlotBytes<G> >> G::kGranuleShift <= 0xffff, "capacity fits 16 bits");
  static_assert(2 * (std::uint64_t{G::kSlots} << G::kSlotShift) < std::uint64_t{1} << 32, "a limit fits 32 bits");
  static_assert(2 * (std::uint64_t{G::kSlots} << G::kSlotShift) <= ~std::uint64_t{0} / G::kLargeMax,
                "no limit is above a divisor");
  static_assert(kCount <= 0x100, "a class fits a byte");
  static_assert(block_bytes(kCount - 1) == G::kLargeMax, "the classes end at kLargeMax");
};

}  // namespace hakmem
