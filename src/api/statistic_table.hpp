#pragma once
/// Floor 7. The one table of statistics: what each member of struct hak_statistics is called, counts and means stands
/// here and nowhere else. The text and JSON reports, hak_statistic_describe, the tests' tables and docs/reference come
/// from it. A new statistic is a member of the structure, at its end, a row here and its value in statistics().

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "hakmem/hakmem.h"

namespace hakmem {

/// What the values of arrays stand for: pools, and numbers of threads that use the heap.
inline constexpr const char* kPools[] = {"small", "mid", "large", nullptr};
inline constexpr const char* kThreadBuckets[] = {"1", "2", "3-4", "5-8", "9-16", "more", nullptr};

// Name and place come from one word, so that they cannot be those of two members.
#define HAKMEM_VALUE(member, unit, says) {#member, unit, says, offsetof(hak_statistics, member), 1, nullptr, #member}
#define HAKMEM_VALUES(member, labels, json, unit, says)                                                           \
  {#member, unit, says, offsetof(hak_statistics, member), sizeof(hak_statistics::member) / sizeof(std::uint64_t), \
   labels,  json}

/// In the order of the reports.
inline constexpr hak_statistic kStatistics[] = {
    HAKMEM_VALUES(caps_mid, nullptr, "caps_mid", "blocks",
                  "what a thread may keep of each mid class, smallest class first"),
    HAKMEM_VALUE(acquired_same_class, "slabs", "acquired in stage 1: EMPTY slots of the same class"),
    HAKMEM_VALUE(acquired_any_class, "slabs", "acquired in stage 1b: EMPTY slots of any class"),
    HAKMEM_VALUE(acquired_unused, "slabs", "acquired in stage 2: UNUSED slots"),
    HAKMEM_VALUE(acquired_cached, "slabs", "acquired in stage 3: slots of a cached SuperSlab"),
    HAKMEM_VALUE(acquired_mapped, "slabs", "acquired in stage 3: slots of a new SuperSlab"),
    HAKMEM_VALUE(slabs_released, "slabs", "their slots were given back"),
    HAKMEM_VALUE(superslabs_retired, "SuperSlabs", "held nothing any more"),
    HAKMEM_VALUE(superslabs_mapped, "SuperSlabs", "mappings of 2 MiB that were made"),
    HAKMEM_VALUE(superslabs_unmapped, "SuperSlabs", "mappings of 2 MiB that were undone"),
    HAKMEM_VALUE(superslabs_peak, "SuperSlabs", "mapped at one time, at the most"),
    HAKMEM_VALUE(slab_bytes, "bytes", "slabs in use: at least what the blocks in them take up"),
    HAKMEM_VALUE(cached_bytes, "bytes", "SuperSlabs that hold nothing and stay mapped"),
    HAKMEM_VALUE(direct_mapped, "blocks", "mappings of blocks that have one of their own, made"),
    HAKMEM_VALUE(direct_unmapped, "blocks", "the same, undone"),
    HAKMEM_VALUE(direct_bytes, "bytes", "the same, as they are now"),
    HAKMEM_VALUE(whale_hits, "blocks", "above 1 MiB, served from mappings that were kept"),
    HAKMEM_VALUE(whale_misses, "blocks", "above 1 MiB, not served from them"),
    HAKMEM_VALUE(whale_bytes, "bytes", "mappings that are kept now"),
    HAKMEM_VALUE(thread_contexts, "contexts", "made so far: the largest number of threads at one time"),
    HAKMEM_VALUE(threads_in_use, "contexts", "those that threads use now"),
    HAKMEM_VALUE(spills, "lists", "a thread's list of mid blocks grew too long"),
    HAKMEM_VALUE(taken_own, "blocks", "of the refills: freed by the owner of their slab"),
    HAKMEM_VALUE(taken_remote, "blocks", "of the refills: freed by others"),
    HAKMEM_VALUE(taken_fresh, "blocks", "of the refills: never used before"),
    HAKMEM_VALUE(outbox_blocks, "blocks", "freed into other threads' slabs and gathered"),
    HAKMEM_VALUE(outbox_chains, "chains", "in which those went out"),
    HAKMEM_VALUE(outbox_drains, "times", "all chains of a thread went out at once"),
    HAKMEM_VALUE(single_frees, "blocks", "sent to other threads' slabs alone, as they are large"),
    HAKMEM_VALUE(late_frees, "blocks", "freed by threads that had no context: not yet, or no more"),
    HAKMEM_VALUE(remote_retries, "times", "blocks or a chain had to be sent again, as another thread was faster"),
    HAKMEM_VALUE(mmap_calls, "calls", "of mmap, whether they succeeded or not"),
    HAKMEM_VALUE(munmap_calls, "calls", "of munmap"),
    HAKMEM_VALUE(madvise_calls, "calls", "of madvise"),
    HAKMEM_VALUE(mremap_calls, "calls", "of mremap"),
    HAKMEM_VALUE(learner_windows, "windows", "of the learner that have ended"),
    HAKMEM_VALUE(learner_cap_moves, "caps", "changed by the learner"),
    HAKMEM_VALUE(learner_adoptions, "values", "of W_MAX that a trial has put in force"),
    HAKMEM_VALUE(learner_reverts, "values", "of W_MAX that a trial has ended with the old one"),
    HAKMEM_VALUE(max_waste, "thousandths", "W_MAX in force; 1000: off"),
    HAKMEM_VALUE(lock_acquisitions, "times", "the lock of libhakmem_locked was taken"),
    HAKMEM_VALUE(lock_waits, "times", "a thread had to wait for it"),
    HAKMEM_VALUES(whale_hits_by_threads, kThreadBuckets, "whales_by_threads.*.hits", "blocks",
                  "whale_hits by the number of threads that used the heap then"),
    HAKMEM_VALUES(whale_misses_by_threads, kThreadBuckets, "whales_by_threads.*.misses", "blocks",
                  "whale_misses by the same"),
    HAKMEM_VALUES(refills, kPools, "pools.*.refills", "times", "a thread's list of blocks ran out and was refilled"),
    HAKMEM_VALUES(refilled_blocks, kPools, "pools.*.refilled_blocks", "blocks", "that came with the refills"),
    HAKMEM_VALUES(cache_hits, kPools, "pools.*.cache_hits", "blocks",
                  "that a thread got from its list without a refill, of the small pool those that refills put there "
                  "beyond the first; over these and the refills: hit_rate"),
};

#undef HAKMEM_VALUE
#undef HAKMEM_VALUES

/// Every 8 bytes of the structure belong to one row.
consteval bool describes_every_statistic() {
  bool described[sizeof(hak_statistics) / sizeof(std::uint64_t)]{};
  for (const hak_statistic& row : kStatistics) {
    for (std::size_t i = 0; i < row.count; ++i) {
      bool& before = described[row.offset / sizeof(std::uint64_t) + i];
      if (before) return false;
      before = true;
    }
  }
  for (const bool one : described) {
    if (!one) return false;
  }
  return true;
}
static_assert(describes_every_statistic(), "struct hak_statistics and its table differ");

}  // namespace hakmem
