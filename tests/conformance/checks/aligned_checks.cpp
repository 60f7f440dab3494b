/// posix_memalign, aligned_alloc, memalign, valloc, pvalloc.

#include <malloc.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <set>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

using AlignedAllocate = std::function<void*(std::size_t alignment, std::size_t bytes)>;

std::vector<std::size_t> sizes_around(std::size_t alignment) {
  std::vector<std::size_t> sizes = {1, 24, 1000, 5000, 70'000};
  for (const std::size_t size : {alignment / 2, alignment, alignment * 2, alignment * 3}) {
    for (const std::size_t near : {size - 1, size, size + 1}) {
      if (near != 0 && near != SIZE_MAX) sizes.push_back(near);
    }
  }
  return sizes;
}

/// Every alignment in the range with many sizes: aligned, disjoint from the others and whole.
void expect_every_alignment(std::size_t first, std::size_t last, const AlignedAllocate& allocate) {
  for (std::size_t alignment = first; alignment <= last; alignment *= 2) {
    std::vector<Filled> blocks;
    for (const std::size_t size : sizes_around(alignment)) {
      blocks.push_back(filled(allocate(alignment, size), size, blocks.size()));
      ASSERT_NE(blocks.back().block, nullptr) << size << " bytes aligned to " << alignment;
      ASSERT_TRUE(is_aligned(blocks.back().block, alignment)) << size << " bytes aligned to " << alignment;
    }
    for (const auto& block : blocks) {
      ASSERT_INTACT(block) << block.bytes << " bytes aligned to " << alignment;
      std::free(block.block);
    }
  }
}

/// Many blocks of one alignment at once: the second and later ones are where a wrong round-up shows.
void expect_many_blocks(std::size_t alignment, std::size_t size, const AlignedAllocate& allocate) {
  std::vector<Filled> blocks;
  for (std::uint64_t i = 0; i < 100; ++i) {
    blocks.push_back(filled(allocate(alignment, size), size, i));
    ASSERT_NE(blocks.back().block, nullptr);
    ASSERT_TRUE(is_aligned(blocks.back().block, alignment)) << size << " bytes aligned to " << alignment;
  }
  for (const auto& block : blocks) {
    ASSERT_INTACT(block) << size << " bytes aligned to " << alignment;
    std::free(block.block);
  }
}

void expect_alignments(std::size_t first, const AlignedAllocate& allocate) {
  expect_every_alignment(first, kMiB, allocate);
  for (std::size_t alignment = 16; alignment <= 8 * kKiB && !testing::Test::HasFatalFailure(); alignment *= 2) {
    for (const std::size_t size : {1UL, 40UL, 100UL, 1500UL, 9000UL}) expect_many_blocks(alignment, size, allocate);
  }
}

void* by_posix_memalign(std::size_t alignment, std::size_t size) {
  void* block = nullptr;
  return ::posix_memalign(&block, alignment, size) == 0 ? block : nullptr;
}

constexpr std::array<std::size_t, 10> kNoPowersOfTwo = {3, 5, 6, 7, 9, 24, 48, 100, 4095, 4097};
constexpr std::size_t kUnmappable = std::size_t{1} << 48;  // an alignment above every user address

// posix_memalign -----------------------------------------------------------------------------------------------------

REQUIRED(PosixMemalign, GivesEveryAlignment, "POSIX posix_memalign") {
  expect_alignments(sizeof(void*), by_posix_memalign);
}

GLIBC(PosixMemalign, GivesHugeAlignments, "glibc manual 3.2.3.6") {
  for (std::size_t alignment = 2 * kMiB; alignment <= kGiB; alignment *= 2) {
    for (const std::size_t size : {1UL, 4096UL, 100'000UL, 3'000'000UL}) {
      const auto block = filled(by_posix_memalign(alignment, size), size, alignment);
      ASSERT_NE(block.block, nullptr) << size << " bytes aligned to " << alignment;
      ASSERT_TRUE(is_aligned(block.block, alignment)) << size << " bytes aligned to " << alignment;
      ASSERT_INTACT(block);
      std::free(block.block);
    }
  }
}

REQUIRED(PosixMemalign, RejectsAnImproperAlignment, "POSIX posix_memalign EINVAL") {
  void* block = nullptr;
  for (const std::size_t alignment : kNoPowersOfTwo) {
    ASSERT_EQ(::posix_memalign(&block, opaque(alignment), 100), EINVAL) << "alignment " << alignment;
  }
  for (const std::size_t alignment : {0UL, 1UL, 2UL, 4UL}) {
    ASSERT_EQ(::posix_memalign(&block, opaque(alignment), 100), EINVAL) << "alignment " << alignment;
  }
}

REQUIRED(PosixMemalign, ReportsLackOfMemory, "POSIX posix_memalign ENOMEM") {
  for (const std::size_t alignment : {8UL, 16UL, 64UL, 4096UL, kMiB, kGiB}) {
    for (const std::size_t size : impossible_sizes()) {
      void* block = nullptr;
      ASSERT_EQ(::posix_memalign(&block, alignment, opaque(size)), ENOMEM) << size << " bytes aligned to " << alignment;
    }
  }
}

REQUIRED(PosixMemalign, ReportsAnAlignmentBeyondMemory, "POSIX posix_memalign ENOMEM") {
  for (std::size_t alignment = kUnmappable; alignment != 0; alignment *= 2) {
    for (const std::size_t size : {1UL, 100'000UL, SIZE_MAX - alignment + 1, SIZE_MAX}) {
      void* block = nullptr;
      ASSERT_EQ(::posix_memalign(&block, opaque(alignment), opaque(size)), ENOMEM)
          << size << " bytes aligned to " << alignment;
    }
  }
}

REQUIRED(PosixMemalign, FailureLeavesNoWildPointer, "POSIX.1-2017 posix_memalign") {
  int here = 0;
  for (const auto& [alignment, size] : {std::pair{3UL, 8UL}, {64UL, SIZE_MAX}}) {
    void* block = &here;
    ASSERT_NE(::posix_memalign(&block, opaque(alignment), opaque(size)), 0);
    EXPECT_TRUE(block == &here || block == nullptr);
  }
}

GLIBC(PosixMemalign, FailureLeavesThePointerAlone, "posix_memalign(3)") {
  int here = 0;
  for (const auto& [alignment, size] : {std::pair{3UL, 8UL}, {64UL, SIZE_MAX}}) {
    void* block = &here;
    ASSERT_NE(::posix_memalign(&block, opaque(alignment), opaque(size)), 0);
    EXPECT_EQ(block, &here);
  }
}

REQUIRED(PosixMemalign, ZeroBytesGiveNullOrAUniqueBlock, "POSIX posix_memalign") {
  std::set<void*> blocks;
  for (int i = 0; i < 200; ++i) {
    void* block = nullptr;
    if (::posix_memalign(&block, 64, 0) == 0 && block != nullptr) {
      ASSERT_TRUE(blocks.insert(block).second) << block << " was given out twice";
    }
  }
  for (void* block : blocks) std::free(block);
}

// aligned_alloc ------------------------------------------------------------------------------------------------------

REQUIRED(AlignedAlloc, GivesEveryAlignment, "C17 7.22.3.1") {
  expect_alignments(1, [](std::size_t alignment, std::size_t size) { return std::aligned_alloc(alignment, size); });
}

REQUIRED(AlignedAlloc, EveryBlockSuitsEveryType, "C17 7.22.3") {
  for (const std::size_t alignment : {1UL, 2UL, 4UL, 8UL, 16UL}) {
    const auto allocate = [alignment](std::size_t size) { return std::aligned_alloc(opaque(alignment), size); };
    EXPECT_EQ(first_misaligned(allocate, alignment_of_any_type, 64 * kKiB), "") << "alignment " << alignment;
  }
}

REQUIRED(AlignedAlloc, RejectsAnImproperAlignment, "C17 7.22.3.1") {
  EXPECT_EQ(opaque(std::aligned_alloc(opaque(0UL), 100)), nullptr) << "alignment 0";
  for (const std::size_t alignment : kNoPowersOfTwo) {
    ASSERT_EQ(opaque(std::aligned_alloc(opaque(alignment), 100)), nullptr) << "alignment " << alignment;
  }
}

REQUIRED(AlignedAlloc, ImproperAlignmentSetsEinval, "POSIX.1-2024 aligned_alloc") {
  for (const std::size_t alignment : kNoPowersOfTwo) {
    errno = 0;
    void* block = opaque(std::aligned_alloc(opaque(alignment), 100));
    const int error = errno;
    ASSERT_EQ(block, nullptr) << "alignment " << alignment;
    ASSERT_EQ(error, EINVAL) << "alignment " << alignment;
  }
}

REQUIRED(AlignedAlloc, FailureSetsEnomem, "POSIX.1-2024 aligned_alloc") {
  for (const std::size_t alignment : {8UL, 64UL, 4096UL, kMiB}) {
    for (const std::size_t size : impossible_sizes()) {
      errno = 0;
      void* block = opaque(std::aligned_alloc(alignment, opaque(size)));
      const int error = errno;
      ASSERT_EQ(block, nullptr) << size << " bytes aligned to " << alignment;
      ASSERT_EQ(error, ENOMEM) << size << " bytes aligned to " << alignment;
    }
  }
}

// memalign, valloc, pvalloc ------------------------------------------------------------------------------------------

GLIBC(Memalign, GivesEveryAlignment, "glibc manual 3.2.3.6") {
  expect_alignments(1, [](std::size_t alignment, std::size_t size) { return ::memalign(alignment, size); });
}

GLIBC(Memalign, FailureSetsEnomem, "glibc manual 3.2.3.6") {
  for (const std::size_t size : impossible_sizes()) {
    errno = 0;
    void* block = opaque(::memalign(64, opaque(size)));
    const int error = errno;
    ASSERT_EQ(block, nullptr) << size << " bytes";
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
  }
}

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

GLIBC(Valloc, AlignsToAPage, "glibc manual 3.2.3.6") {
  for (const std::size_t size : edge_sizes(2 * kMiB)) {
    const auto block = filled(::valloc(size), size, size);
    ASSERT_NE(block.block, nullptr);
    ASSERT_TRUE(is_aligned(block.block, page_bytes())) << size << " bytes";
    ASSERT_INTACT(block);
    std::free(block.block);
  }
}

GLIBC(Valloc, FailureSetsEnomem, "glibc manual 3.2.3.6") {
  for (const std::size_t size : impossible_sizes()) {
    errno = 0;
    void* block = opaque(::valloc(opaque(size)));
    const int error = errno;
    ASSERT_EQ(block, nullptr) << size << " bytes";
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
  }
}

GLIBC(Pvalloc, GivesWholePages, "posix_memalign(3)") {
  std::vector<Filled> blocks;
  for (const std::size_t size : {1UL, 100UL, 4095UL, 4096UL, 4097UL, 100'000UL, 3'000'001UL}) {
    const std::size_t whole = (size + page_bytes() - 1) / page_bytes() * page_bytes();
    blocks.push_back(filled(::pvalloc(size), whole, size));
    ASSERT_NE(blocks.back().block, nullptr);
    ASSERT_TRUE(is_aligned(blocks.back().block, page_bytes())) << size << " bytes";
    ASSERT_GE(::malloc_usable_size(blocks.back().block), whole) << size << " bytes";
  }
  for (const auto& block : blocks) {
    ASSERT_INTACT(block);
    std::free(block.block);
  }
}

GLIBC(Pvalloc, FailureSetsEnomem, "posix_memalign(3)") {
  for (const std::size_t size : impossible_sizes()) {
    errno = 0;
    void* block = opaque(::pvalloc(opaque(size)));
    const int error = errno;
    ASSERT_EQ(block, nullptr) << size << " bytes";
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
  }
}

}  // namespace
}  // namespace hakmem::conformance
