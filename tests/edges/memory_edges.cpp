/// How much memory is used, how little is enough, and what happens at the boundaries of sizes.

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <barrier>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <latch>

#include "edge.hpp"

namespace hakmem::edges {

namespace {

using namespace std::chrono_literals;

// Sizes that drift ----------------------------------------------------------------------------------------------------

/// From the smallest to the largest class, then up to mappings of their own, an eighth more each time.
std::vector<std::size_t> drifting_sizes() {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 16; size <= 2 * kMiB; size += std::max<std::size_t>(16, size / 8)) sizes.push_back(size);
  return sizes;
}

/// One round of one thread. What it takes goes to `next`, and it frees what it finds in `mine`; one block in
/// `one_stays_of` stays until the round ends. \param step called before each size
template <class Step>
void drift_once(std::vector<Filled>& mine, std::vector<Filled>& next, std::size_t bytes_at_once,
                std::size_t one_stays_of, Step step) {
  std::vector<Filled> stay;
  for (const std::size_t size : drifting_sizes()) {
    step();
    for (Filled& block : mine) give_back(block);
    mine.clear();
    for (std::size_t i = 0; i < std::max<std::size_t>(bytes_at_once / size, 1); ++i) {
      Filled block = take_surely(size, i * size + i);
      (i % one_stays_of == one_stays_of - 1 ? stay : next).push_back(block);
    }
    if (&mine != &next) std::swap(mine, next);
  }
  for (Filled& block : stay) give_back(block);
}

/// Runs `round` three times. The peak of the third one may be so many times that of the first: 1.2.
template <class Round>
void expect_no_drift(Round round) {
  std::size_t peaks[3];
  for (std::size_t& peak : peaks) {
    forget_peak();
    round();
    peak = peak_resident();
  }
  std::printf("footprint by round: %zu, %zu, %zu KiB\n", peaks[0] / kKiB, peaks[1] / kKiB, peaks[2] / kKiB);
  if (peaks[2] * 10 > peaks[0] * 12) fail("the third round takes more than 1.2 times the first one's memory");
}

}  // namespace

void drift() {
  std::vector<Filled> blocks;
  blocks.reserve(kMiB);
  expect_no_drift([&] {
    drift_once(blocks, blocks, 6 * kMiB, SIZE_MAX, [] {});
    for (Filled& block : blocks) give_back(block);
    blocks.clear();
  });
}

/// Four threads, each of which frees what its neighbour has allocated, and new threads in every round. A block in a
/// thousand stays for a while. They go from size to size in step: else a round's peak would say how far apart they were.
void drift_of_threads() {
  constexpr std::size_t kThreads = 4;
  std::array<std::vector<Filled>, kThreads> left;
  expect_no_drift([&] {
    std::array<std::vector<Filled>, kThreads> inherited;
    std::swap(inherited, left);
    std::barrier in_step(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        drift_once(inherited[(i + 1) % kThreads], left[i], 2 * kMiB, 1000, [&] { in_step.arrive_and_wait(); });
      });
    }
    for (auto& thread : threads) thread.join();
    for (auto& blocks : inherited) {
      for (Filled& block : blocks) give_back(block);
    }
  });
}

namespace {

constexpr std::size_t kMostAtRest = 30 * kMiB;

void work_with_sixteen_threads(std::chrono::milliseconds time) {
  const BusyThreads busy(16);
  std::this_thread::sleep_for(time);
}

void work_a_little_for_three_seconds() {
  for (std::size_t round = 1; round <= 10; ++round) {
    std::this_thread::sleep_for(300ms);
    std::vector<Filled> blocks;
    for (std::uint64_t i = 0; i < 2000; ++i) blocks.push_back(take_surely(100 * round, i));
    for (Filled& block : blocks) give_back(block);
  }
}

}  // namespace

/// Sixteen threads at work; they free everything and end.
void at_rest() {
  work_with_sixteen_threads(1000ms);
  const std::size_t untrimmed = resident_memory();
  trim();
  const std::size_t now = resident_memory();
  std::printf("peak %zu KiB, at rest %zu KiB, trimmed %zu KiB\n", peak_resident() / kKiB, untrimmed / kKiB, now / kKiB);
  if (now > kMostAtRest) fail("%zu KiB are resident after everything was freed and trimmed", now / kKiB);
}

/// The same without a trim, for a process that goes on: after some seconds with a little work now and then.
void at_rest_by_itself() {
  work_with_sixteen_threads(600ms);
  const std::size_t before = resident_memory();
  work_a_little_for_three_seconds();
  const std::size_t now = resident_memory();
  std::printf("at rest %zu KiB, later %zu KiB\n", before / kKiB, now / kKiB);
  if (now > kMostAtRest) fail("%zu KiB are resident long after everything was freed", now / kKiB);
}

namespace {

/// Threads that allocate 48 MiB in all and then do nothing until they are let go, and what they have allocated.
class IdleOwners {
 public:
  IdleOwners() {
    for (auto& mine : blocks_) {
      threads_.emplace_back([&] {
        for (std::size_t size = 48; size <= kLargest; size = size * 5 / 2) {
          for (std::size_t i = 0; i < kBytesOfASize / size; ++i) mine.push_back(take_surely(size, i));
        }
        ready_.count_down();
        over_.wait();
      });
    }
    ready_.wait();
  }
  ~IdleOwners() {
    over_.count_down();
    for (auto& thread : threads_) thread.join();
  }

  /// This thread frees what the owners have allocated.
  void free_all() {
    for (auto& mine : blocks_) {
      for (Filled& block : mine) give_back(block);
      mine = {};
    }
  }

 private:
  static constexpr std::size_t kThreads = 8;
  static constexpr std::size_t kLargest = 48 * kKiB;
  static constexpr std::size_t kBytesOfASize = 3 * kMiB / 4;  // of eight sizes

  std::array<std::vector<Filled>, kThreads> blocks_;
  std::vector<std::thread> threads_;
  std::latch ready_{kThreads};
  std::latch over_{1};
};

/// An owner keeps the slab of each size that it has last allocated from.
constexpr std::size_t kMostOfIdleOwners = 30 * kMiB;

}  // namespace

void idle_owners() {
  IdleOwners owners;
  const std::size_t full = resident_memory();
  owners.free_all();
  const std::size_t freed = resident_memory();
  trim();
  const std::size_t now = resident_memory();
  std::printf("full %zu KiB, freed %zu KiB, trimmed %zu KiB\n", full / kKiB, freed / kKiB, now / kKiB);
  if (now > kMostOfIdleOwners) fail("%zu KiB of idle owners are resident after everything was freed", now / kKiB);
}

/// The same without a trim, after some seconds with a little work of another thread now and then.
void idle_owners_by_itself() {
  IdleOwners owners;
  owners.free_all();
  const std::size_t before = resident_memory();
  work_a_little_for_three_seconds();
  const std::size_t now = resident_memory();
  std::printf("freed %zu KiB, later %zu KiB\n", before / kKiB, now / kKiB);
  if (now > kMostOfIdleOwners) fail("%zu KiB of idle owners are resident long after", now / kKiB);
}

namespace {

/// Threads that allocate 256 MiB in all, free what is their own in any order, and then do nothing until they are let go.
class SpentThreads {
 public:
  SpentThreads() {
    for (std::size_t i = 1; i <= kThreads; ++i) threads_.emplace_back([this, i] { rise_and_fall(i); });
    risen_.wait();
    peak_ = resident_memory();
    fall_.count_down();
    fallen_.wait();
  }
  ~SpentThreads() {
    over_.count_down();
    for (auto& thread : threads_) thread.join();
  }

  [[nodiscard]] std::size_t peak() const { return peak_; }
  /// Of what was freed a twentieth, beside what was resident before.
  [[nodiscard]] std::size_t most_left() const { return before_ + (peak_ - before_) / 20; }

 private:
  static constexpr std::size_t kThreads = 4;

  void rise_and_fall(std::uint64_t seed) {
    Random random(seed);
    std::vector<Filled> mine;
    for (std::size_t bytes = 0; bytes < 256 * kMiB / kThreads; bytes += mine.back().bytes) {
      mine.push_back(take_surely(any_size(random), random.next()));
    }
    for (std::size_t i = mine.size(); i > 1; --i) std::swap(mine[i - 1], mine[random.below(i)]);
    risen_.count_down();
    fall_.wait();
    for (Filled& block : mine) give_back(block);
    mine = {};
    fallen_.count_down();
    over_.wait();
  }

  std::size_t before_ = resident_memory();
  std::size_t peak_ = 0;
  std::vector<std::thread> threads_;
  std::latch risen_{kThreads};
  std::latch fall_{1};
  std::latch fallen_{kThreads};
  std::latch over_{1};
};

}  // namespace

void spent_threads() {
  const SpentThreads threads;
  const std::size_t freed = resident_memory();
  trim();
  const std::size_t now = resident_memory();
  std::printf("peak %zu KiB, freed %zu KiB, trimmed %zu KiB\n", threads.peak() / kKiB, freed / kKiB, now / kKiB);
  if (now > threads.most_left()) fail("%zu KiB of threads that have freed all are resident after a trim", now / kKiB);
}

/// The same without a trim, while nobody allocates or frees. Waits are counted, as who gives back is kept waiting by a slow
/// machine as well.
void spent_threads_by_themselves() {
  constexpr int kWaits = 100;
  const SpentThreads threads;
  const std::size_t freed = resident_memory();
  std::size_t now = freed;
  for (int i = 0; i < kWaits && now > threads.most_left(); ++i) {
    std::this_thread::sleep_for(100ms);
    now = resident_memory();
  }
  std::printf("peak %zu KiB, freed %zu KiB, later %zu KiB\n", threads.peak() / kKiB, freed / kKiB, now / kKiB);
  if (now > threads.most_left()) fail("%zu KiB of threads that have freed all are resident long after", now / kKiB);
}

// Limits -------------------------------------------------------------------------------------------------------------

/// The limit on address space is drawn in under threads at work, and let go again, many times.
void squeeze() {
  std::uint64_t refused = 0;
  {
    const BusyThreads busy(4, true);
    Random random(11);
    const auto end = std::chrono::steady_clock::now() + 1500ms;
    while (std::chrono::steady_clock::now() < end) {
      const AddressSpaceLimit limit(random.below(4) * kMiB);
      std::this_thread::sleep_for(std::chrono::milliseconds(random.below(20)));
    }
    refused = busy.refused();
  }
  std::printf("requests refused: %llu\n", static_cast<unsigned long long>(refused));
  if (refused == 0) fail("the limit was never met");
  const BusyThreads afterwards(2);
  std::this_thread::sleep_for(50ms);
}

namespace {

/// The limit that the process was started with, on address space or on data.
std::size_t memory_limit() {
  std::size_t least = SIZE_MAX;
  for (const auto kind : {RLIMIT_AS, RLIMIT_DATA}) {
    rlimit limit{};
    if (::getrlimit(kind, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) least = std::min(least, limit.rlim_cur);
  }
  if (least == SIZE_MAX) fail("set a limit: prlimit --as=67108864 or --data=67108864");
  return least;
}

/// Blocks of one size until there is no more memory. \return their bytes in all
std::size_t fill_up(std::size_t size) {
  static std::array<void*, 600'000> blocks;
  std::size_t count = 0;
  while (count < blocks.size() && (blocks[count] = take(size, count).block) != nullptr) ++count;
  for (std::size_t i = 0; i < count; ++i) {
    Filled block{blocks[i], size, i};
    give_back(block);
  }
  return count * size;
}

}  // namespace

/// Within a limit that the process was started with: half of it can be had in blocks of any size, again and again.
void within_limit() {
  const std::size_t limit = memory_limit();
  std::thread([] { (void)fill_up(200'000); }).join();
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t size : {100UL, 1000UL, 5'000UL, 40'000UL, 300'000UL, 1'500'000UL}) {
      const std::size_t got = fill_up(size);
      std::printf("%zu KiB in blocks of %zu bytes\n", got / kKiB, size);
      if (got < limit * 2 / 5) fail("only %zu KiB of a limit of %zu KiB could be used", got / kKiB, limit / kKiB);
    }
  }
}

/// A process is judged by its address space: by limits, where what is mapped counts as used, by locks of all memory, core
/// dumps, emulators. So it must not map much more than it needs: three threads have three stacks of 8 MiB.
void little_address_space() {
  if (fault == Fault::kReserves) (void)::mmap(nullptr, kGiB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const std::size_t before = address_space();
  {
    const BusyThreads busy(3);
    std::this_thread::sleep_for(200ms);
  }
  std::printf("address space: %zu MiB, %zu before\n", address_space() / kMiB, before / kMiB);
  if (address_space() > 100 * kMiB) fail("%zu MiB of address space are taken", address_space() / kMiB);
}

// Sizes and alignments -----------------------------------------------------------------------------------------------

/// Up to 1 GiB an alignment costs address space for a moment and no memory; beyond, either it is kept or ENOMEM.
void huge_alignments() {
  const std::size_t space = address_space();
  const std::size_t resident = resident_memory();
  std::vector<Filled> blocks;
  for (unsigned shift = 4; shift < 64; ++shift) {
    const std::size_t alignment = std::size_t{1} << shift;
    for (const std::size_t bytes : {std::size_t{100}, std::size_t{70'000}, std::size_t{2 * kMiB}}) {
      void* block = nullptr;
      const int error = ::posix_memalign(&block, alignment, bytes);
      if (error != 0 && error != ENOMEM && error != EINVAL) fail("an alignment of 2^%u gives error %d", shift, error);
      if (error != 0 && alignment <= kGiB) fail("an alignment of 2^%u is refused with %d", shift, error);
      if (error != 0) continue;
      if (!is_aligned(block, alignment)) fail("%p is not aligned to 2^%u", block, shift);
      blocks.push_back(filled(block, bytes, shift));
      // A block that keeps its alignment's worth of memory would not be let go by freeing it later either.
      if (bytes == 2 * kMiB) std::free(opaque(std::realloc(blocks.back().block, 3 * kMiB)));
      if (bytes == 2 * kMiB) blocks.pop_back();
    }
  }
  if (blocks.size() < 2 * 27) fail("too few blocks: %zu", blocks.size());
  const std::size_t more = address_space() - space;
  std::printf("%zu blocks, address space grown by %zu KiB\n", blocks.size(), more / kKiB);
  if (more > 128 * kMiB) fail("%zu MiB of address space are held by aligned blocks", more / kMiB);
  for (Filled& block : blocks) give_back(block);
  trim();
  const std::size_t left = resident_memory() - std::min(resident, resident_memory());
  if (left > 8 * kMiB) fail("%zu KiB are left by aligned blocks", left / kKiB);
}

namespace {

/// One less, the same and one more than every size at which a class, a pool, a page, a slot or a SuperSlab ends.
std::vector<std::size_t> boundary_sizes() {
  std::vector<std::size_t> sizes = edge_sizes(2 * kMiB);
  for (const std::size_t size : {4 * kMiB, 8 * kMiB, 32 * kMiB}) {
    for (const std::size_t near : {size - 1, size, size + 1}) sizes.push_back(near);
  }
  return sizes;
}

void resize_and_check(std::size_t from, std::size_t to, std::uint64_t seed) {
  Filled block = take_surely(from, seed);
  // Something behind it, so that it cannot always grow in place.
  Filled behind = take_surely(from, seed + 1);
  void* moved = opaque(std::realloc(block.block, to));
  if (moved == nullptr) fail("realloc from %zu to %zu bytes gives null", from, to);
  check({moved, std::min(from, to), seed});
  block = filled(moved, to, seed + 2);
  check(behind);
  give_back(block);
  give_back(behind);
}

}  // namespace

/// Every boundary size alone and beside its neighbours; and realloc from the neighbourhood of every pool's end to that
/// of every other.
void boundaries() {
  std::vector<Filled> blocks;
  for (const std::size_t size : boundary_sizes()) blocks.push_back(take_surely(size, size));
  for (const Filled& block : blocks) check(block);
  for (Filled& block : blocks) give_back(block);
  std::vector<std::size_t> ends;
  for (const std::size_t end : {16UL, 1024UL, 4096UL, 32 * kKiB, 64 * kKiB, 512 * kKiB, kMiB, 2 * kMiB, 5 * kMiB}) {
    for (const std::size_t near : {end - 1, end, end + 1}) ends.push_back(near);
  }
  for (const std::size_t from : ends) {
    for (const std::size_t to : ends) resize_and_check(from, to, from + to);
  }
}

}  // namespace hakmem::edges
