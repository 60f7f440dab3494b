/// Random blocks out of a working set that no cache of a processor holds, some 120 MiB for each thread: how near to each
/// other blocks of one size lie, and what an allocator reads of a block that it gets back, decides.

#include <vector>

#include "scenarios/scenario.hpp"
#include "scenarios/signed_block.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kBlocks = std::size_t{1} << 17;

void acquire(SignedBlock& block, Random& random) {
  const std::size_t bytes =
      random.below(10) == 0 ? random.between(1025, 8192) : random.between(SignedBlock::kSmallest, 1024);
  block.acquire(bytes, random.next());
}

}  // namespace

/// An operation replaces a block; the working set is there before the first.
Outcome working_set_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  std::vector<SignedBlock> live(kBlocks);
  for (SignedBlock& block : live) acquire(block, random);
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    SignedBlock& block = live[random.below(kBlocks)];
    outcome.checksum += block.release();
    acquire(block, random);
  }
  for (SignedBlock& block : live) outcome.checksum += block.release();
  return outcome;
}

}  // namespace hakmem::bench
