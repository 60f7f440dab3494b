#include "ab/pairs.hpp"
#include "ab/workloads.hpp"

namespace hakmem::bench {

namespace {

using Ships = MeasuredHeap<StdSync>;

/// The default against one value of a setting.
template <class Workload, class Set>
Comparison compare(const Workload& workload, const std::string& words, const std::string& normal,
                   const std::string& other, Set set) {
  return {words, workload.threads(), variant<Ships>(normal, workload, workload.threads() == 1),
          variant<Ships>(other, workload, workload.threads() == 1, set)};
}

/// The default against each other value on one workload.
template <class Workload, class Values, class Set>
void sweep(std::vector<Comparison>& comparisons, const Workload& workload, const std::string& words, unsigned normal,
           const Values& values, Set set) {
  for (const std::uint32_t value : values) {
    if (value == normal) continue;
    comparisons.push_back(compare(workload, words, std::to_string(normal), std::to_string(value),
                                  [set, value](Ships& heap) { set(heap, value); }));
  }
}

}  // namespace

std::vector<Comparison> refill_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  const auto set = [](Ships& heap, std::uint32_t blocks) { heap.settings().set_refill_blocks(blocks); };
  constexpr std::uint32_t kValues[] = {16, 32, 64, 128};
  const Work mixed{.operations = effort.operations};
  sweep(comparisons, RandomMixedWork(mixed), described("random_mixed", mixed), FullGeometry::kRefillBlocks, kValues,
        set);
  // Few sizes and many blocks: slabs are cut as long as the run lasts.
  const Work small{.operations = effort.operations, .live = 100'000, .min_bytes = 16, .max_bytes = 64};
  sweep(comparisons, RandomMixedWork(small), described("growing", small), FullGeometry::kRefillBlocks, kValues, set);
  return comparisons;
}

std::vector<Comparison> refill_batch_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  const auto set = [](Ships& heap, std::uint32_t batch) { heap.settings().set_refill_batch(batch); };
  constexpr std::uint32_t kValues[] = {1, 2, 3, 4};
  const Work mid{.operations = effort.operations / 2, .live = 1000, .min_bytes = 1025, .max_bytes = 32768};
  sweep(comparisons, RandomMixedWork(mid), described("random_mixed", mid), FullGeometry::kRefillBatch, kValues, set);
  return comparisons;
}

std::vector<Comparison> drain_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  const auto set = [](Ships& heap, std::uint32_t frees) { heap.settings().set_drain_interval(frees); };
  constexpr std::uint32_t kValues[] = {64, 256, 1024, 4096, 65536};
  const Work small{.operations = effort.operations, .live = 1000};
  sweep(comparisons, HandoffWork(small), described("handoff", small), FullGeometry::kOutboxInterval, kValues, set);
  return comparisons;
}

std::vector<Comparison> caches_pair(const Effort& effort) {
  std::vector<Comparison> comparisons;
  const auto pool = [&](PoolKind kind, const Work& work) {
    comparisons.push_back(compare(RandomMixedWork(work), described("random_mixed", work), "cached", "not cached",
                                  [kind](Ships& heap) { heap.settings().set_caches(kind, false); }));
  };
  const std::uint64_t some = effort.operations;
  pool(PoolKind::kSmall, {.operations = some, .min_bytes = 16, .max_bytes = 1024});
  pool(PoolKind::kMid, {.operations = some / 2, .live = 1000, .min_bytes = 1025, .max_bytes = 32768});
  pool(PoolKind::kLarge, {.operations = some / 20, .live = 32, .min_bytes = 32769, .max_bytes = 1 << 20});
  const Work whales{.operations = some / 100, .live = 8, .min_bytes = (1 << 20) + 1, .max_bytes = 4 << 20};
  comparisons.push_back(compare(RandomMixedWork(whales), described("random_mixed", whales), "cached", "not cached",
                                [](Ships& heap) { heap.direct().whales().set_max_bytes(0); }));
  return comparisons;
}

}  // namespace hakmem::bench
