#include "heaps/make_heap.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::stress {

std::unique_ptr<Allocator> make_toy_heap(Fault fault) { return make_heap<StressSync, test::ToyGeometry>(fault); }

std::unique_ptr<Allocator> make_least_heap(Fault fault) {
  return make_heap<StressSync, test::LeastPagedGeometry>(fault);
}

}  // namespace hakmem::stress
