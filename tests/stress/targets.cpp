#include "targets.hpp"

#include "baselines/spin_sync.hpp"
#include "heap/locked_heap.hpp"
#include "heap_allocator.hpp"
#include "noise.hpp"
#include "os/pthread_lock.hpp"
#include "support/toy_geometry.hpp"
#include "system_allocators.hpp"

namespace hakmem::stress {

namespace {

/// Helgrind keeps a record of every byte of a mapping, and the flat map has 16 GiB.
#ifdef HAKMEM_VALGRIND
constexpr PageMapKind kFullMap = PageMapKind::kTwoLevel;
#else
constexpr PageMapKind kFullMap = PageMapKind::kFlat;
#endif

struct CachelessGeometry : FullGeometry {
  static constexpr bool kThreadCaches = false;
};

/// The baselines: a lock beside each shared word (A7), and one class for each SuperSlab (D7).
#ifdef HAKMEM_ASAN
using SpinSync = WatchedSync<bench::SpinSync>;
#else
using SpinSync = bench::SpinSync;
#endif
struct UnsharedGeometry : FullGeometry {
  static constexpr bool kShareSuperSlabs = false;
};

template <class Sync, class Geometry>
using StressHeap = Heap<Config<Sync, StressOs, Geometry>>;

template <class Geometry>
std::unique_ptr<Allocator> make_heap(Fault fault, PageMapKind kind) {
  switch (fault) {
    case Fault::kMissingRelease:
      return std::make_unique<HeapAllocator<StressHeap<WeakenedSync<Weakness::kNoRelease>, Geometry>>>(kind);
    case Fault::kMissingAcquire:
      return std::make_unique<HeapAllocator<StressHeap<WeakenedSync<Weakness::kNoAcquire>, Geometry>>>(kind);
    default: return std::make_unique<HeapAllocator<StressHeap<StressSync, Geometry>>>(kind, fault);
  }
}

/// The toy heap on a policy, or on the policy with one operation torn apart.
template <class Sync>
std::unique_ptr<Allocator> make_toy_heap(Fault fault) {
  using test::ToyGeometry;
  // Pieces of a page or less need so many entries that only two levels will do.
  constexpr PageMapKind kMap = PageMapKind::kTwoLevel;
  switch (fault) {
    case Fault::kTornExchange:
      return std::make_unique<HeapAllocator<StressHeap<TornSync<Sync, Torn::kExchange>, ToyGeometry>>>(kMap);
    case Fault::kTornFetch:
      return std::make_unique<HeapAllocator<StressHeap<TornSync<Sync, Torn::kFetch>, ToyGeometry>>>(kMap);
    case Fault::kTornCompare:
      return std::make_unique<HeapAllocator<StressHeap<TornSync<Sync, Torn::kCompareExchange>, ToyGeometry>>>(kMap);
    case Fault::kMissingRelease:
    case Fault::kMissingAcquire: return make_heap<ToyGeometry>(fault, kMap);
    default: return std::make_unique<HeapAllocator<StressHeap<Sync, ToyGeometry>>>(kMap, fault);
  }
}

}  // namespace

std::unique_ptr<Allocator> make_target(Target target, Fault fault) {
  switch (target) {
    case Target::kFull: return make_heap<FullGeometry>(fault, kFullMap);
    case Target::kToy: return make_toy_heap<StressSync>(fault);
    case Target::kNoise: return make_toy_heap<NoisySync>(fault);
    case Target::kLeast: return make_heap<test::LeastGeometry>(fault, PageMapKind::kTwoLevel);
    case Target::kSpin: return std::make_unique<HeapAllocator<StressHeap<SpinSync, FullGeometry>>>(kFullMap, fault);
    case Target::kUnshared:
      return std::make_unique<HeapAllocator<StressHeap<StressSync, UnsharedGeometry>>>(kFullMap, fault);
    case Target::kLocked:
      return std::make_unique<HeapAllocator<LockedHeap<StressHeap<StressSync, CachelessGeometry>, PthreadLock>>>(
          kFullMap);
    case Target::kApi: return make_api_allocator();
    case Target::kMalloc: break;
  }
  return make_malloc_allocator();
}

std::string suffix_of(Target target) {
  switch (target) {
    case Target::kFull: return "";
    case Target::kToy: return "/toy";
    case Target::kLeast: return "/least";
    case Target::kNoise: return "/noise";
    case Target::kSpin: return "/spin";
    case Target::kUnshared: return "/unshared";
    case Target::kLocked: return "/locked";
    case Target::kApi: return "/api";
    case Target::kMalloc: break;
  }
  return "/malloc";
}

}  // namespace hakmem::stress
