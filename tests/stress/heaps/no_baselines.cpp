#include "failure.hpp"
#include "heaps/heaps.hpp"

namespace hakmem::stress {

// Nobody reads baselines under these tools, and they are two heaps to compile.

std::unique_ptr<Allocator> make_spin_heap(Fault) {
  throw Failure("the baseline 'spin' is not in builds for AddressSanitizer and Valgrind");
}

std::unique_ptr<Allocator> make_unshared_heap(Fault) {
  throw Failure("the baseline 'unshared' is not in builds for AddressSanitizer and Valgrind");
}

}  // namespace hakmem::stress
