/// Batches: so many blocks are allocated, then all are freed, in the order of allocation, in reverse or at random. A thread
/// cache that has room for a few of them is filled and emptied over and over.

#include <algorithm>
#include <utility>
#include <vector>

#include "scenarios/scenario.hpp"
#include "scenarios/signed_block.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kCounts[] = {16, 256, 4096};
constexpr std::uint64_t kLargest = 512;

enum class Order : std::uint8_t { kSame, kReverse, kRandom };
constexpr Order kOrders[] = {Order::kSame, Order::kReverse, Order::kRandom};

/// Puts the blocks into the order in which they are freed.
void arrange(std::vector<SignedBlock>& blocks, Order order, Random& random) {
  if (order == Order::kReverse) std::reverse(blocks.begin(), blocks.end());
  if (order != Order::kRandom) return;
  for (std::size_t i = blocks.size(); i > 1; --i) std::swap(blocks[i - 1], blocks[random.below(i)]);
}

}  // namespace

/// An operation is a batch; every size of batch meets every order.
Outcome batch_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  std::vector<SignedBlock> blocks;
  blocks.reserve(kCounts[std::size(kCounts) - 1]);
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    blocks.resize(kCounts[outcome.operations % std::size(kCounts)]);
    for (SignedBlock& block : blocks) {
      const std::size_t bytes = random.between(SignedBlock::kSmallest, kLargest);
      block.acquire(bytes, random.next());
    }
    arrange(blocks, kOrders[outcome.operations / std::size(kCounts) % std::size(kOrders)], random);
    for (SignedBlock& block : blocks) outcome.checksum += block.release();
  }
  return outcome;
}

}  // namespace hakmem::bench
