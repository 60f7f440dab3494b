#include "disturbed_sync.hpp"
#include "heaps/make_heap.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::stress {

namespace {

Torn torn_by(Fault fault) {
  switch (fault) {
    case Fault::kTornExchange: return Torn::kExchange;
    case Fault::kTornFetch: return Torn::kFetch;
    case Fault::kTornCompare: return Torn::kCompareExchange;
    default: return Torn::kNone;
  }
}

}  // namespace

std::unique_ptr<Allocator> make_disturbed_heap(Fault fault, bool noisy) {
  disturbance = {.noisy = noisy,
                 .releases = fault != Fault::kMissingRelease,
                 .acquires = fault != Fault::kMissingAcquire,
                 .torn = torn_by(fault)};
  return make_heap<DisturbedSync, test::ToyGeometry>(fault);
}

}  // namespace hakmem::stress
