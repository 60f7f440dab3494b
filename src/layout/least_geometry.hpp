#pragma once
/// Floor 3. The least geometry that GeometryPolicy allows, for geometries in which every corner of a heap is near.

#include "layout/geometry.hpp"

namespace hakmem {

/// No value can be smaller with the others as they are. Toy geometries derive from it and say what they have more of. So
/// who gives geometries one more dimension gives it two values, here and in FullGeometry.
///
/// The SuperSlabs of a heap are whole pages of its Os policy: one with pages of more than 64 bytes needs more or larger
/// slots.
struct LeastGeometry {
  static constexpr unsigned kGranuleShift = 4;          // 16 bytes: a link and a mark
  static constexpr unsigned kSlotShift = 6;             // one block of the largest class
  static constexpr unsigned kSlots = 1;                 // a SuperSlab is one slab
  static constexpr std::size_t kSmallMax = 64;          // classes of 16, 32, 48 and 64 bytes,
  static constexpr std::size_t kMidMax = kSmallMax;     // no mid ones
  static constexpr std::size_t kLargeMax = kSmallMax;   // and no large ones: above, each block is a mapping
  static constexpr std::size_t kCachedMax = kSmallMax;  // no class is cached by thread,
  static constexpr std::size_t kCacheBytes = 0;         // at any length
  static constexpr std::size_t kCarveBytes = 1;         // block by block
  static constexpr unsigned kRefillBlocks = 1;
  static constexpr unsigned kRefillBatch = 1;
  static constexpr std::size_t kRetainBytes = 0;  // an empty slab goes back at once
  static constexpr unsigned kWakeDivisor = 1;     // all of a slab would wake it,
  static constexpr unsigned kWakeBlocks = 1;      // but the first block does
  static constexpr unsigned kOutboxEntries = 1;   // one slab's remote frees are gathered,
  static constexpr unsigned kOutboxBlocks = 1;    // and sent one by one
  static constexpr std::size_t kOutboxBytes = 1;  // whatever the size of a block
  static constexpr unsigned kOutboxInterval = 1;  // each of them flushes everything
  static constexpr unsigned kDescriptorsPerGroup = 1;
  static constexpr unsigned kCachedSuperSlabs = 1;
  static constexpr unsigned kWhalePlaces = 1;
  static constexpr std::size_t kWhaleBytes = 0;  // no direct mapping is kept,
  static constexpr unsigned kWhaleShare = 0;     // however much is live
  static constexpr std::size_t kFillMax = 0;
  static constexpr std::int64_t kPurgeDelayMs = -1;  // nothing goes back with time
};

static_assert(GeometryPolicy<LeastGeometry>);

}  // namespace hakmem
