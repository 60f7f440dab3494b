#pragma once
/// What the files of this folder share.

#include "heap_allocator.hpp"
#include "heaps/heaps.hpp"

namespace hakmem::stress {

/// Helgrind keeps a record of every byte of a mapping, and the flat map has 16 GiB.
#ifdef HAKMEM_VALGRIND
inline constexpr PageMapKind kFullMap = PageMapKind::kTwoLevel;
#else
inline constexpr PageMapKind kFullMap = PageMapKind::kFlat;
#endif
/// Pieces of a page or less need so many entries that only two levels will do.
inline constexpr PageMapKind kToyMap = PageMapKind::kTwoLevel;

template <class Sync, class Geometry>
using StressHeap = Heap<Config<Sync, StressOs, Geometry>>;

template <class Sync, class Geometry>
std::unique_ptr<Allocator> make_heap(PageMapKind map, Fault fault) {
  return std::make_unique<HeapAllocator<StressHeap<Sync, Geometry>>>(map, fault);
}

}  // namespace hakmem::stress
