#include "baselines/spin_sync.hpp"
#include "heaps/make_heap.hpp"

namespace hakmem::stress {

namespace {

struct UnsharedGeometry : FullGeometry {
  static constexpr bool kShareSuperSlabs = false;
};

}  // namespace

std::unique_ptr<Allocator> make_spin_heap(Fault fault) { return make_heap<bench::SpinSync, FullGeometry>(fault); }

std::unique_ptr<Allocator> make_unshared_heap(Fault fault) { return make_heap<StressSync, UnsharedGeometry>(fault); }

}  // namespace hakmem::stress
