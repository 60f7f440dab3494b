#pragma once
/// What a geometry means for the scenarios.

#include "allocator.hpp"
#include "layout/size_class.hpp"

namespace hakmem::stress {

template <class Geometry>
constexpr SizeLimits limits_of() noexcept {
  using Classes = SizeClass<Geometry>;
  std::uint64_t pinned = Geometry::kRetainBytes;
  for (unsigned c = 0; c < Classes::kCount && Classes::block_bytes(c) <= Geometry::kMidMax; ++c) {
    const auto& layout = Classes::layout(c);
    pinned += layout.slots * kSlotBytes<Geometry> + std::uint64_t{layout.cache_blocks} * layout.block_bytes;
  }
  return {Geometry::kSmallMax, Geometry::kMidMax, Geometry::kLargeMax, pinned};
}

}  // namespace hakmem::stress
