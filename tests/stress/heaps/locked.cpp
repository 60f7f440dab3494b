#include "heap/locked_heap.hpp"
#include "heaps/make_heap.hpp"
#include "os/pthread_lock.hpp"

namespace hakmem::stress {

namespace {

struct CachelessGeometry : FullGeometry {
  static constexpr bool kThreadCaches = false;
};

}  // namespace

std::unique_ptr<Allocator> make_locked_heap(Fault fault) {
  return std::make_unique<HeapAllocator<LockedHeap<StressHeap<StressSync, CachelessGeometry>, PthreadLock>>>(kFullMap,
                                                                                                             fault);
}

}  // namespace hakmem::stress
