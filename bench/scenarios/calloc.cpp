/// Zeroed blocks of all sizes, small ones more often than large ones. All are written before they are freed: an allocator
/// has to know which memory is still as the system gave it, or to zero it.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kBlocks = 256;
constexpr std::size_t kSmallest = 8;
constexpr std::uint64_t kDoublings = 18;  // up to 2 MiB
constexpr std::size_t kDense = 4096;      // up to here every word is read and written,
constexpr std::size_t kStep = 512;        // above one in so many bytes, and the last one

class ZeroedBlock {
 public:
  bool empty() const { return address_ == nullptr; }

  void acquire(Random& random) {
    number_ = random.next() | 1U;
    const std::uint64_t doublings = std::min(random.below(kDoublings), random.below(kDoublings));
    const std::size_t least = kSmallest << doublings;
    words_ = random.between(least, 2 * least - 1) / sizeof(std::uint64_t);
    address_ = static_cast<std::uint64_t*>(std::calloc(words_, sizeof(std::uint64_t)));
    demand(address_ != nullptr, "calloc returned null");
    visit([](std::uint64_t word) { demand(word == 0, "a block from calloc is not zero"); });
    visit([this](std::uint64_t& word) { word = number_; });
  }

  /// Frees the block. Returns what it adds to a checksum.
  std::uint64_t release() {
    demand(address_[0] == number_ && address_[words_ - 1] == number_, "a block was overwritten");
    std::free(address_);
    address_ = nullptr;
    return number_ * (2 * words_ + 1);
  }

 private:
  template <class Visitor>
  void visit(Visitor visitor) {
    const std::size_t step = words_ * sizeof(std::uint64_t) <= kDense ? 1 : kStep / sizeof(std::uint64_t);
    for (std::size_t i = 0; i < words_; i += step) visitor(address_[i]);
    visitor(address_[words_ - 1]);
  }

  std::uint64_t* address_ = nullptr;
  std::size_t words_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace

/// An operation is a block.
Outcome calloc_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  std::vector<ZeroedBlock> live(kBlocks);
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    ZeroedBlock& block = live[random.below(kBlocks)];
    if (!block.empty()) outcome.checksum += block.release();
    block.acquire(random);
  }
  for (ZeroedBlock& block : live) {
    if (!block.empty()) outcome.checksum += block.release();
  }
  return outcome;
}

}  // namespace hakmem::bench
