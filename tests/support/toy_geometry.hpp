#pragma once
/// Small dimensions in which every corner of the heap is a few blocks away.

#include "layout/least_geometry.hpp"

namespace hakmem::test {

/// SuperSlabs of one page in 4 slots of 1 KiB; blocks of 64 bytes and more; one of everything that gathers or caches
/// holds two or three.
struct ToyGeometry : LeastGeometry {
  static constexpr unsigned kGranuleShift = 6;
  static constexpr unsigned kSlotShift = 10;
  static constexpr unsigned kSlots = 4;
  static constexpr std::size_t kSmallMax = 256;
  static constexpr std::size_t kMidMax = 1024;
  static constexpr std::size_t kCachedMax = kMidMax;
  static constexpr std::size_t kCacheBytes = 1024;
  static constexpr std::size_t kLargeMax = 4096;
  static constexpr std::size_t kCarveBytes = 128;
  static constexpr unsigned kRefillBlocks = 128;
  static constexpr std::size_t kRetainBytes = 1024;
  static constexpr unsigned kWakeDivisor = 4;
  static constexpr unsigned kWakeBlocks = 3;
  static constexpr unsigned kOutboxEntries = 2;
  static constexpr unsigned kOutboxBlocks = 3;
  static constexpr std::size_t kOutboxBytes = 1024;
  static constexpr unsigned kOutboxInterval = 8;
  static constexpr unsigned kDescriptorsPerGroup = 2;
  static constexpr unsigned kWhalePlaces = 2;
  static constexpr std::size_t kFillMax = 8192;
  static constexpr std::int64_t kPurgeDelayMs = 1000;
};

/// Blocks of slabs are small, or there are none of them.
struct SmallBlocks : ToyGeometry {
  static constexpr std::size_t kMidMax = kSmallMax;
  static constexpr std::size_t kLargeMax = kSmallMax;
  static constexpr std::size_t kCachedMax = kSmallMax;
};

/// The least of everything in SuperSlabs of one page, which has 2 slots of 2 KiB: nothing retained, no class cached by
/// thread, remote frees sent one by one, one descriptor per group.
struct LeastPagedGeometry : LeastGeometry {
  static constexpr unsigned kSlotShift = 11;
  static constexpr unsigned kSlots = 2;
  static constexpr std::size_t kLargeMax = 2048;
  static constexpr unsigned kRefillBlocks = 128;
  static constexpr unsigned kWhalePlaces = 2;
  static constexpr std::int64_t kPurgeDelayMs = 1000;
};

static_assert(GeometryPolicy<ToyGeometry> && GeometryPolicy<LeastPagedGeometry>);
static_assert(kSuperSlabBytes<ToyGeometry> == 4096 && kSuperSlabBytes<LeastPagedGeometry> == 4096,
              "pages of the tests");

}  // namespace hakmem::test
