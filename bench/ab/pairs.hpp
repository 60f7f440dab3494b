#pragma once
/// The makers of the pairs, each group in a file of its own.

#include "ab/pair.hpp"

namespace hakmem::bench {

// sync_pairs.cpp: the same heap over other synchronisation policies.
std::vector<Comparison> atomics_pair(const Effort& effort);
std::vector<Comparison> spin_pair(const Effort& effort);
std::vector<Comparison> statistics_pair(const Effort& effort);

// heap_pairs.cpp: the same synchronisation in another heap or geometry.
std::vector<Comparison> locked_pair(const Effort& effort);
std::vector<Comparison> sharing_pair(const Effort& effort);
std::vector<Comparison> tag_pair(const Effort& effort);
std::vector<Comparison> guard_pair(const Effort& effort);

// setting_pairs.cpp: the shipping heap with other settings.
std::vector<Comparison> refill_pair(const Effort& effort);
std::vector<Comparison> refill_batch_pair(const Effort& effort);
std::vector<Comparison> drain_pair(const Effort& effort);
std::vector<Comparison> caches_pair(const Effort& effort);

// registry_pair.cpp: other ways from an address to its descriptor.
std::vector<Comparison> registry_pair(const Effort& effort);

}  // namespace hakmem::bench
