/// A few large blocks that come and go, as images, frames and matrices do: 20 of 5 to 25 MiB are live, and each is
/// touched page by page when it is new. What is unmapped and mapped again costs a fault for each of these pages.

#include <vector>

#include "scenarios/scenario.hpp"
#include "scenarios/signed_block.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kBlocks = 20;
constexpr std::size_t kMebi = std::size_t{1} << 20;
constexpr std::size_t kPage = 4096;               // on every machine, so that the work is the same
constexpr std::size_t kCheckedPage = 16 * kPage;  // reading them all would take longer than the allocator does

/// What stands at the beginning of a page.
std::uint64_t mark_of(std::uint64_t number, std::size_t at) { return number ^ (at * 0x9e3779b97f4a7c15U); }

void touch(const SignedBlock& block, std::uint64_t number) {
  for (std::size_t at = kPage; at + kPage < block.bytes(); at += kPage) {
    const std::uint64_t mark = mark_of(number, at);
    std::memcpy(block.address() + at, &mark, sizeof(mark));
  }
}

void check(const SignedBlock& block, std::uint64_t number) {
  for (std::size_t at = kCheckedPage; at + kPage < block.bytes(); at += kCheckedPage) {
    const std::uint64_t mark = mark_of(number, at);
    demand(std::memcmp(block.address() + at, &mark, sizeof(mark)) == 0, "a page of a large block was overwritten");
  }
}

struct Large {
  SignedBlock block;
  std::uint64_t number = 0;

  std::uint64_t release() {
    if (block.empty()) return 0;
    check(block, number);
    return block.release();
  }
};

}  // namespace

/// An operation is a block.
Outcome large_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  std::vector<Large> live(kBlocks);
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    Large& large = live[random.below(kBlocks)];
    outcome.checksum += large.release();
    large.number = random.next();
    large.block.acquire(random.between(5 * kMebi, 25 * kMebi), large.number);
    touch(large.block, large.number);
  }
  for (Large& large : live) outcome.checksum += large.release();
  return outcome;
}

}  // namespace hakmem::bench
