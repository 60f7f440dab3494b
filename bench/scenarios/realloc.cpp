/// Buffers that grow by realloc, from a few bytes to some KiB and some to MiB: as vectors do, by a half or to the double,
/// and as readers of streams do, page by page. Others grow meanwhile, so the place behind a buffer is often taken.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

constexpr std::size_t kBuffers = 16;
constexpr std::size_t kFirst = 16;
constexpr std::size_t kPage = 4096;  // on every machine, so that the work is the same
constexpr std::size_t kLargestByPages = 64 * kPage;

enum class Growth : std::uint8_t { kByHalf, kToDouble, kByPages };

class Buffer {
 public:
  void start(Random& random) {
    growth_ = static_cast<Growth>(random.below(3));
    number_ = random.next();
    // Each doubling is as likely as the next, one in 64 ends at 8 MiB.
    end_ = random.below(64) == 0 ? std::size_t{8} << 20 : kFirst << random.between(2, 16);
    if (growth_ == Growth::kByPages) end_ = std::min(end_, kLargestByPages);
    grow_to(kFirst);
  }

  bool empty() const { return data_ == nullptr; }
  bool is_finished() const { return bytes_ >= end_; }
  void grow() { grow_to(after(bytes_)); }

  /// Frees the buffer. Returns what it adds to a checksum.
  std::uint64_t finish() {
    std::size_t from = 0;
    for (std::size_t to = kFirst; to <= bytes_; to = after(to)) {
      const unsigned char letter = letter_of(from);
      demand(data_[from] == letter && data_[(from + to) / 2] == letter && data_[to - 1] == letter,
             "a buffer has lost its bytes");
      from = to;
    }
    demand(from == bytes_, "a buffer has grown otherwise than it was told");
    std::free(data_);
    data_ = nullptr;
    bytes_ = 0;
    return hash_bytes(&from, sizeof(from), number_);
  }

 private:
  /// The size that follows `bytes`.
  std::size_t after(std::size_t bytes) const {
    if (growth_ == Growth::kByPages) return bytes < kPage ? kPage : bytes + kPage;
    return growth_ == Growth::kToDouble ? 2 * bytes : bytes + bytes / 2;
  }

  /// What fills the part that begins at `from`; never 0, which fresh memory has.
  unsigned char letter_of(std::size_t from) const {
    return static_cast<unsigned char>((number_ + from * 0x9e3779b9U) >> 8) | 1U;
  }

  void grow_to(std::size_t bytes) {
    auto* moved = static_cast<unsigned char*>(std::realloc(data_, bytes));
    demand(moved != nullptr, "realloc returned null");
    std::memset(moved + bytes_, letter_of(bytes_), bytes - bytes_);
    data_ = moved;
    bytes_ = bytes;
  }

  unsigned char* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
  Growth growth_ = Growth::kByHalf;
};

}  // namespace

/// An operation lets one buffer grow once.
Outcome realloc_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  std::vector<Buffer> buffers(kBuffers);
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    Buffer& buffer = buffers[random.below(kBuffers)];
    if (!buffer.empty() && buffer.is_finished()) outcome.checksum += buffer.finish();
    if (buffer.empty()) {
      buffer.start(random);
    } else {
      buffer.grow();
    }
  }
  for (Buffer& buffer : buffers) {
    if (!buffer.empty()) outcome.checksum += buffer.finish();
  }
  return outcome;
}

}  // namespace hakmem::bench
