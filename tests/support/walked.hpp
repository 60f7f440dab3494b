#pragma once
/// What a walk over the process's heap finds.

#include <cstddef>

#include "hakmem/hakmem.h"

namespace hakmem::test {

/// Blocks that slabs have out; of other running threads, at most. \return 0 also when the walk fails
inline std::size_t walked_blocks_out() {
  std::size_t out = 0;
  const auto add = [](const hak_region* region, void* sum) {
    if (region->kind == HAK_REGION_SLAB) *static_cast<std::size_t*>(sum) += region->out;
    return 0;
  };
  return hak_heap_walk(add, &out) == 0 ? out : 0;
}

}  // namespace hakmem::test
