#include "ab/pairs.hpp"

namespace hakmem::bench {

const std::vector<Pair>& all_pairs() {
  static const std::vector<Pair> pairs = {
      {"atomics", "A7", "What do atomic operations cost a single thread?",
       Target{"less than 3 % slower than without", 0.97, {}}, atomics_pair},
      {"spin", "A7", "What do spin locks beside every shared word cost?", std::nullopt, spin_pair},
      {"locked", "B1", "What does one lock around everything cost?", std::nullopt, locked_pair},
      {"sharing", "D7", "What do size classes save that share SuperSlabs?",
       Target{"at least 92 % fewer SuperSlabs and 48 % fewer mapping calls",
              0,
              {{"superslabs", 0.92}, {"mapping_calls", 0.48}}},
       sharing_pair},
      {"tag", "C1", "What does a tag at the end of each block cost?", std::nullopt, tag_pair},
      {"guard", "C1", "What does the hardened build's trailer cost, its sealed links apart?", std::nullopt, guard_pair},
      {"registry", "B9", "How else could an address be classified?", std::nullopt, registry_pair},
      {"caches", "B6", "What does each cache bring?", std::nullopt, caches_pair},
      {"refill", "C3", "How many small blocks should be cut at a time?", std::nullopt, refill_pair},
      {"refill-batch", "E1", "How many mid blocks should be cut at a time?", std::nullopt, refill_batch_pair},
      {"drain", "D9", "How often should gathered frees to other threads go out?", std::nullopt, drain_pair},
      {"statistics", "S", "What do the statistics' counters cost?", Target{"less than 1 %", 0.99, {}}, statistics_pair},
  };
  return pairs;
}

}  // namespace hakmem::bench
