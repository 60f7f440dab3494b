#pragma once
/// Floor 3. The heap's dimensions, as a policy: the shipping geometry and what any geometry must satisfy.

#include <bit>
#include <cstddef>
#include <cstdint>

namespace hakmem {

/// What every geometry must have; all sizes in bytes, all shifts log2.
template <class G>
concept GeometryPolicy = requires {
  requires G::kGranuleShift >= 4;                           // distance of the smallest blocks
  requires G::kSlotShift > G::kGranuleShift;                // one slot of a SuperSlab
  requires G::kSlots >= 1 && G::kSlots <= 32;               // slots per SuperSlab
  requires std::has_single_bit(unsigned{G::kSlots});        // SuperSlabs are aligned to their size
  requires std::has_single_bit(std::size_t{G::kSmallMax});  // granule steps up to here, four per doubling above
  requires(G::kSmallMax >> G::kGranuleShift) >= 4;          // so that a quarter of a doubling is whole granules
  requires G::kMidMax >= G::kSmallMax;                      // where the mid classes end and the large ones begin
  requires G::kCachedMax >= G::kSmallMax;                   // blocks above kSmallMax up to here are cached by thread,
  requires G::kCacheBytes >= 0;                             // each class up to this much
  requires std::has_single_bit(std::size_t{G::kLargeMax});  // largest block that lives in slots
  requires G::kLargeMax >= G::kSmallMax;
  requires G::kLargeMax <= (std::size_t{G::kSlots} << G::kSlotShift);
  requires G::kCarveBytes >= 1;                           // slabs are carved into blocks this much at a time,
  requires G::kRefillBlocks >= 1;                         // small ones at most so many blocks,
  requires G::kRefillBatch >= 1;                          // larger ones so many times as much
  requires G::kRetainBytes >= 0;                          // empty slabs that a thread keeps, in all
  requires G::kWakeDivisor >= 1;                          // a sleeping slab wakes when 1/kWakeDivisor of it is free,
  requires G::kWakeBlocks >= 1 && G::kWakeBlocks <= 255;  // or this many blocks
  requires std::has_single_bit(unsigned{G::kOutboxEntries});  // slabs whose remote frees are gathered at once
  requires G::kOutboxBlocks >= 1;                             // longest gathered chain, in blocks
  requires G::kOutboxBytes >= 1;                              // and in bytes
  requires G::kOutboxInterval >= 1;                           // frees to others between two flushes of everything
  requires G::kDescriptorsPerGroup >= 1 && G::kDescriptorsPerGroup <= 64;
  requires std::has_single_bit(unsigned{G::kDescriptorsPerGroup});
  requires G::kCachedSuperSlabs >= 1;  // retired SuperSlabs kept mapped
  requires G::kWhalePlaces >= 1;       // freed direct mappings that are kept, at most so many
  requires G::kWhaleBytes >= 0;        // and so much; 0: none;
  requires G::kWhaleShare >= 0;        // or, if that is more, so many percent of what is live
  requires G::kFillMax >= 0;           // kept ones up to here are zeroed by filling them, larger ones by new pages
  requires G::kPurgeDelayMs >= -1;     // what is only kept goes back after this time; -1: never
};

/// The shipping geometry: SuperSlabs of 2 MiB in 32 slots of 64 KiB (D1), small <= 1 KiB in 16-byte steps (H).
struct FullGeometry {
  static constexpr unsigned kGranuleShift = 4;
  static constexpr unsigned kSlotShift = 16;
  static constexpr unsigned kSlots = 32;
  static constexpr std::size_t kSmallMax = 1024;
  static constexpr std::size_t kMidMax = std::size_t{32} << 10;
  static constexpr std::size_t kLargeMax = std::size_t{1} << 20;
  static constexpr std::size_t kCachedMax = kLargeMax;
  static constexpr std::size_t kCacheBytes = std::size_t{2048} << 10;
  static constexpr std::size_t kCarveBytes = 4096;
  static constexpr unsigned kRefillBlocks = 128;
  static constexpr unsigned kRefillBatch = 2;
  static constexpr std::size_t kRetainBytes = std::size_t{1} << 20;
  static constexpr unsigned kWakeDivisor = 8;
  static constexpr unsigned kWakeBlocks = 32;
  static constexpr unsigned kOutboxEntries = 64;
  static constexpr unsigned kOutboxBlocks = 64;
  static constexpr std::size_t kOutboxBytes = std::size_t{32} << 10;
  static constexpr unsigned kOutboxInterval = 512;
  static constexpr unsigned kDescriptorsPerGroup = 64;
  static constexpr unsigned kCachedSuperSlabs = 8;
  static constexpr unsigned kWhalePlaces = 32;
  static constexpr std::size_t kWhaleBytes = std::size_t{32} << 20;
  static constexpr unsigned kWhaleShare = 100;
  static constexpr std::size_t kFillMax = std::size_t{8} << 20;
  static constexpr std::int64_t kPurgeDelayMs = 1000;
};

static_assert(GeometryPolicy<FullGeometry>);

/// Whether threads cache blocks at all; a geometry may declare `kThreadCaches = false`, and no setting turns them on.
template <class G>
inline constexpr bool kCachesByThread = !requires { requires !G::kThreadCaches; };

/// Whether slabs of different classes share a SuperSlab, as they should; a geometry may declare
/// `kShareSuperSlabs = false`, the baseline that sharing is measured against (D7).
template <class G>
inline constexpr bool kSharesSuperSlabs = !requires { requires !G::kShareSuperSlabs; };

/// The three policies of a heap in one name.
template <class SyncT, class OsT, class GeometryT>
struct Config {
  using Sync = SyncT;
  using Os = OsT;
  using Geometry = GeometryT;
};

/// Bytes of a slot and of a SuperSlab.
template <class G>
inline constexpr std::size_t kSlotBytes = std::size_t{1} << G::kSlotShift;
template <class G>
inline constexpr std::size_t kSuperSlabBytes = std::size_t{G::kSlots} << G::kSlotShift;

}  // namespace hakmem
