/// A process that runs out of memory, by a limit that it starts with (64 MiB of address space) or one set on the way.

#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <string_view>
#include <thread>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

constexpr std::size_t kLimitMib = 64;
constexpr std::size_t kMostBlocks = 1 << 20;
constexpr std::size_t kMostBytes = kGiB;  // reached only when no limit holds

/// Blocks that fill all memory there is. Keeps its books in static memory.
class Hoard {
 public:
  Hoard() = default;
  ~Hoard() { free_all(); }
  Hoard(const Hoard&) = delete;
  Hoard& operator=(const Hoard&) = delete;

  /// Allocates until nothing is left. \return errno of the failure
  int fill_memory(const Member& member, std::size_t bytes) {
    bytes_ = bytes;
    for (;;) {
      errno = 0;
      const bool may_go_on = count_ < kMostBlocks && count_ * bytes < kMostBytes;
      void* block = may_go_on ? member.allocate(bytes) : nullptr;
      if (block == nullptr) return errno;
      fill(block, bytes, count_);
      blocks_[count_++] = block;
    }
  }

  /// \return the number of blocks that are not as they were written
  [[nodiscard]] std::size_t damaged() const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count_; ++i) found += std::size_t{first_damage(blocks_[i], bytes_, i) != kIntact};
    return found;
  }

  void free_all() {
    while (count_ > 0) std::free(blocks_[--count_]);
  }

  [[nodiscard]] std::size_t count() const { return count_; }
  /// The latest block, while there is one.
  [[nodiscard]] void* last() const { return blocks_[count_ - 1]; }
  [[nodiscard]] Filled take_last() {
    --count_;
    return {blocks_[count_], bytes_, count_};
  }

 private:
  static inline std::array<void*, kMostBlocks> blocks_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

constexpr std::array<std::size_t, 6> kSizes = {100, 1000, 30'000, 100'000, 500'000, 3'000'000};

const Member& malloc_member() { return c_members().front(); }

REQUIRED(Limit, ExhaustionSetsEnomem, "POSIX malloc ENOMEM", .address_space_mib = kLimitMib) {
  for (const std::size_t size : kSizes) {
    Hoard hoard;
    const int error = hoard.fill_memory(malloc_member(), size);
    const std::size_t count = hoard.count();
    hoard.free_all();
    ASSERT_GT(count, 0U) << size << " bytes";
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
  }
}

REQUIRED(Limit, ExhaustionLeavesEveryBlockIntact, "C17 7.22.3", .address_space_mib = kLimitMib) {
  for (const std::size_t size : kSizes) {
    Hoard hoard;
    hoard.fill_memory(malloc_member(), size);
    const std::size_t damaged = hoard.damaged();
    const std::size_t count = hoard.count();
    hoard.free_all();
    ASSERT_EQ(damaged, 0U) << "of " << count << " blocks of " << size << " bytes";
  }
}

REQUIRED(Limit, MemoryFreedAfterExhaustionIsUsedAgain, "C17 7.22.3.3", .address_space_mib = kLimitMib) {
  for (const std::size_t size : kSizes) {
    Hoard hoard;
    hoard.fill_memory(malloc_member(), size);
    const std::size_t first = hoard.count();
    hoard.free_all();
    hoard.fill_memory(malloc_member(), size);
    const std::size_t second = hoard.count();
    const std::size_t damaged = hoard.damaged();
    hoard.free_all();
    ASSERT_GE(second, first - first / 10) << "blocks of " << size << " bytes";
    ASSERT_EQ(damaged, 0U);
  }
}

/// Fills all memory by one member, twice, so that what the first round has left behind is seen.
void expect_exhaustion_is_survived(const Member& member) {
  for (int round = 0; round < 2; ++round) {
    Hoard hoard;
    const int error = hoard.fill_memory(member, 200'000);
    const std::size_t count = hoard.count();
    const std::size_t damaged = hoard.damaged();
    while (hoard.count() > 0) member.release(hoard.take_last().block);
    ASSERT_GT(count, 0U) << member.name;
    ASSERT_EQ(damaged, 0U) << member.name;
    if (!member.is_operator_new && std::string_view(member.name) != "posix_memalign") {
      ASSERT_EQ(error, ENOMEM) << member.name;
    }
  }
}

REQUIRED(Limit, EveryMemberReportsExhaustion, "POSIX malloc, posix_memalign", .address_space_mib = kLimitMib) {
  for (const auto& member : c_members()) {
    expect_exhaustion_is_survived(member);
    if (HasFatalFailure()) return;
  }
}

REQUIRED(Limit, NewReportsExhaustion, "C++ [new.delete]", .address_space_mib = kLimitMib) {
  for (const auto& member : new_members()) {
    expect_exhaustion_is_survived(member);
    if (HasFatalFailure()) return;
  }
}

REQUIRED(Limit, ReallocUnderExhaustionLeavesTheBlock, "C17 7.22.3.5", .address_space_mib = kLimitMib) {
  std::size_t tried = 0;
  for (const std::size_t size : kSizes) {
    Hoard hoard;
    hoard.fill_memory(malloc_member(), size);
    if (hoard.count() == 0) continue;  // what smaller blocks have left is in pieces
    ++tried;
    errno = 0;
    void* moved = opaque(std::realloc(hoard.last(), opaque(kLimitMib * kMiB)));
    const int error = errno;
    const std::size_t damaged = hoard.damaged();
    hoard.free_all();
    ASSERT_EQ(moved, nullptr) << size << " bytes";
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
    ASSERT_EQ(damaged, 0U) << size << " bytes";
  }
  ASSERT_GT(tried, 0U);
}

REQUIRED(Limit, ShrinkingUnderExhaustionKeepsContents, "C17 7.22.3.5", .address_space_mib = kLimitMib) {
  std::size_t tried = 0;
  for (const std::size_t size : kSizes) {
    Hoard hoard;
    hoard.fill_memory(malloc_member(), size);
    if (hoard.count() == 0) continue;  // what smaller blocks have left is in pieces
    ++tried;
    Filled block = hoard.take_last();
    // Shrinking may fail like any reallocation; then the block must be as it was.
    if (void* smaller = std::realloc(block.block, size / 2)) block = {smaller, size / 2, block.seed};
    const std::string damage = block.damage();
    std::free(block.block);
    const std::size_t damaged = hoard.damaged();
    hoard.free_all();
    ASSERT_EQ(damage, "") << size << " bytes";
    ASSERT_EQ(damaged, 0U) << size << " bytes";
  }
  ASSERT_GT(tried, 0U);
}

REQUIRED(Limit, FreeUnderExhaustionPreservesErrno, "POSIX.1-2024 free", .address_space_mib = kLimitMib) {
  for (const std::size_t size : kSizes) {
    Hoard hoard;
    hoard.fill_memory(malloc_member(), size);
    errno = 4242;
    hoard.free_all();
    const int error = errno;
    ASSERT_EQ(error, 4242) << size << " bytes";
  }
}

REQUIRED(Limit, AllocationSucceedsWhenTheLimitIsLifted, "POSIX malloc") {
  constexpr std::size_t kSize = 100'000;
  Hoard hoard;
  int error = 0;
  {
    const AddressSpaceLimit limit(32 * kMiB);
    error = hoard.fill_memory(malloc_member(), kSize);
  }
  EXPECT_EQ(error, ENOMEM);
  std::vector<Filled> more;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    more.push_back(filled(std::malloc(kSize), kSize, i));
    ASSERT_NE(more.back().block, nullptr) << "block " << i;
  }
  for (const auto& block : more) {
    ASSERT_INTACT(block);
    std::free(block.block);
  }
  EXPECT_EQ(hoard.damaged(), 0U);
}

/// A thread that waits until it is told to make its first call.
class Latecomer {
 public:
  explicit Latecomer(std::size_t bytes) : bytes_(bytes), thread_([this] { run(); }) {}
  ~Latecomer() {
    let_go();
    if (thread_.joinable()) thread_.join();
  }
  Latecomer(const Latecomer&) = delete;
  Latecomer& operator=(const Latecomer&) = delete;

  void let_go_and_wait() {
    let_go();
    thread_.join();
  }
  /// Whether the thread got a whole block, or null and ENOMEM.
  [[nodiscard]] bool is_served_or_refused() const { return fine_; }

 private:
  void let_go() {
    const std::lock_guard lock(mutex_);
    may_go_ = true;
    changed_.notify_all();
  }
  void run() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return may_go_; });
    }
    errno = 0;
    const auto block = filled(std::malloc(bytes_), bytes_, 1);
    fine_ = block.block == nullptr ? errno == ENOMEM : block.is_whole();
    std::free(block.block);
  }

  std::size_t bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool may_go_ = false;
  bool fine_ = false;
  std::thread thread_;
};

REQUIRED(Limit, AThreadsFirstCallMayFail, "POSIX malloc ENOMEM") {
  for (const std::size_t size : kSizes) {
    Latecomer latecomer(size);
    Hoard hoard;
    {
      const AddressSpaceLimit limit(16 * kMiB);
      hoard.fill_memory(malloc_member(), 300'000);
      hoard.free_all();
      hoard.fill_memory(malloc_member(), 50);
      latecomer.let_go_and_wait();
    }
    EXPECT_TRUE(latecomer.is_served_or_refused()) << size << " bytes";
    EXPECT_EQ(hoard.damaged(), 0U);
  }
}

}  // namespace
}  // namespace hakmem::conformance
