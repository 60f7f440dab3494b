#pragma once
/// What the files of this folder share.

#include "heap_allocator.hpp"
#include "heaps/heaps.hpp"

namespace hakmem::stress {

template <class Sync, class Geometry>
using StressHeap = Heap<Config<Sync, StressOs, Geometry>>;

template <class Sync, class Geometry>
std::unique_ptr<Allocator> make_heap(Fault fault) {
  return std::make_unique<HeapAllocator<StressHeap<Sync, Geometry>>>(fault);
}

}  // namespace hakmem::stress
