#include "heaps/make_heap.hpp"
#include "os/pthread_lock.hpp"
#include "variants/locked_heap.hpp"

namespace hakmem::stress {

namespace {

struct CachelessGeometry : FullGeometry {
  static constexpr bool kThreadCaches = false;
};

}  // namespace

std::unique_ptr<Allocator> make_full_heap(Fault fault) { return make_heap<StressSync, FullGeometry>(fault); }

std::unique_ptr<Allocator> make_locked_heap(Fault fault) {
  using Locked = LockedHeap<StressHeap<StressSync, CachelessGeometry>, PthreadLock>;
  return std::make_unique<HeapAllocator<Locked>>(fault);
}

}  // namespace hakmem::stress
