#include "ab/pairs.hpp"
#include "ab/workloads.hpp"
#include "baselines/local_sync.hpp"
#include "baselines/spin_sync.hpp"

namespace hakmem::bench {

namespace {

struct SilentSync : StdSync {
  static constexpr bool kStatistics = false;
};

/// The shipping policy against another one on both workloads.
template <class OtherSync>
void compare(std::vector<Comparison>& comparisons, const char* other, const Effort& effort, unsigned threads) {
  using Ships = MeasuredHeap<StdSync>;
  using Other = MeasuredHeap<OtherSync>;
  Work work{.threads = threads, .operations = effort.operations};
  const RandomMixedWork mixed(work);
  comparisons.push_back(
      {described("random_mixed", work), threads, variant<Ships>("ships", mixed), variant<Other>(other, mixed)});
  work.live = 1000;
  work.min_bytes = 8;
  work.max_bytes = 1024;
  const LarsonWork larson(work);
  comparisons.push_back(
      {described("larson", work), threads, variant<Ships>("ships", larson), variant<Other>(other, larson)});
}

}  // namespace

std::vector<Comparison> atomics_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  compare<LocalSync>(comparisons, "not atomic", effort, 1);
  return comparisons;
}

std::vector<Comparison> spin_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  for (const unsigned threads : {1u, 2u, 4u}) compare<SpinSync>(comparisons, "spin locks", effort, threads);
  return comparisons;
}

std::vector<Comparison> statistics_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  for (const unsigned threads : {1u, 2u}) compare<SilentSync>(comparisons, "no statistics", effort, threads);
  return comparisons;
}

}  // namespace hakmem::bench
