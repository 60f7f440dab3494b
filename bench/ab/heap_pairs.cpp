#include "ab/pairs.hpp"
#include "ab/workloads.hpp"
#include "heap/locked_heap.hpp"
#include "os/pthread_lock.hpp"

namespace hakmem::bench {

namespace {

using Ships = MeasuredHeap<StdSync>;

struct CachelessGeometry : FullGeometry {
  static constexpr bool kThreadCaches = false;
};
using Locked = LockedHeap<MeasuredHeap<StdSync, CachelessGeometry>, PthreadLock>;

struct UnsharedGeometry : FullGeometry {
  static constexpr bool kShareSuperSlabs = false;
};
using Unshared = MeasuredHeap<StdSync, UnsharedGeometry>;

}  // namespace

std::vector<Comparison> locked_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  for (const unsigned threads : {1u, 2u, 4u}) {
    Work work{.threads = threads, .operations = effort.operations / 2};
    const RandomMixedWork mixed(work);
    comparisons.push_back(
        {described("random_mixed", work), threads, variant<Ships>("ships", mixed), variant<Locked>("one lock", mixed)});
    work.live = 1000;
    work.min_bytes = 8;
    work.max_bytes = 1024;
    const LarsonWork larson(work);
    comparisons.push_back(
        {described("larson", work), threads, variant<Ships>("ships", larson), variant<Locked>("one lock", larson)});
  }
  return comparisons;
}

/// The recorded workload, whatever the effort: its counts are exact.
std::vector<Comparison> sharing_pair(const Effort&) {
  const Work recorded{.operations = 200'000};
  const RandomMixedWork mixed(recorded);
  return {{described("random_mixed", recorded), 1, variant<Ships>("shared", mixed, true),
           variant<Unshared>("a class each", mixed, true)}};
}

}  // namespace hakmem::bench
