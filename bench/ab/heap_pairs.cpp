#include "ab/pairs.hpp"
#include "ab/workloads.hpp"
#include "os/pthread_lock.hpp"
#include "variants/guarded_heap.hpp"
#include "variants/locked_heap.hpp"

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

/// The shipping heap against the same one with a guard, on both workloads.
template <template <class> class Guard>
std::vector<Comparison> compare_guard(const char* name, const Effort& effort) {
  using Guarded = GuardedHeap<Ships, Guard>;
  Work work{.operations = effort.operations};
  const RandomMixedWork mixed(work);
  std::vector<Comparison> comparisons{
      {described("random_mixed", work), 1, variant<Ships>("ships", mixed), variant<Guarded>(name, mixed)}};
  work.live = 1000;
  work.min_bytes = 8;
  work.max_bytes = 1024;
  const LarsonWork larson(work);
  comparisons.push_back(
      {described("larson", work), 1, variant<Ships>("ships", larson), variant<Guarded>(name, larson)});
  return comparisons;
}

}  // namespace

std::vector<Comparison> tag_pair(const Effort& effort) { return compare_guard<BlockTag>("block tag", effort); }

std::vector<Comparison> guard_pair(const Effort& effort) { return compare_guard<Trailer>("trailer", effort); }

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
