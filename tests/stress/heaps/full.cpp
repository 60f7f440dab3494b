#include "heaps/make_heap.hpp"

namespace hakmem::stress {

std::unique_ptr<Allocator> make_full_heap(Fault fault) { return make_heap<StressSync, FullGeometry>(kFullMap, fault); }

}  // namespace hakmem::stress
