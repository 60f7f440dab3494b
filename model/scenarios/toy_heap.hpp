#pragma once
/// The smallest heap on which every protocol still happens: SuperSlabs of two slots, slabs of two blocks.

#include "heap/heap.hpp"
#include "layout/least_geometry.hpp"
#include "model/check.hpp"
#include "model/system/relacy_sync.hpp"
#include "model/system/simulated_os.hpp"

namespace hakmem::model {

struct ToyGeometry : LeastGeometry {
  static constexpr unsigned kSlotShift = 7;
  static constexpr unsigned kSlots = 2;
  static constexpr unsigned kRefillBlocks = 128;
  static constexpr unsigned kWakeDivisor = 16;
  static constexpr std::size_t kOutboxBytes = 4096;
  static constexpr unsigned kOutboxInterval = 4;
  static constexpr unsigned kDescriptorsPerGroup = 2;
  static constexpr unsigned kWhalePlaces = 2;
  static constexpr std::int64_t kPurgeDelayMs = 1000;
};

using ToyConfig = Config<RelacySync, SimulatedOs<11>, ToyGeometry>;
using ToySizes = SizeClass<ToyGeometry>;

/// The size whose slabs hold two blocks, and its class.
inline constexpr std::size_t kToyBytes = 64;
inline constexpr unsigned kToyClass = ToySizes::of(kToyBytes);
static_assert(ToySizes::layout(kToyClass).capacity == 2 && ToySizes::layout(kToyClass).slots == 1);

}  // namespace hakmem::model
