#include "baselines/spin_sync.hpp"
#include "heaps/make_heap.hpp"

namespace hakmem::stress {

namespace {

#ifdef HAKMEM_ASAN
using SpinSync = WatchedSync<bench::SpinSync>;
#else
using SpinSync = bench::SpinSync;
#endif

}  // namespace

std::unique_ptr<Allocator> make_spin_heap(Fault fault) { return make_heap<SpinSync, FullGeometry>(kFullMap, fault); }

}  // namespace hakmem::stress
