/// malloc and free.

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <random>
#include <set>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

std::vector<Filled> allocate_all(const std::vector<std::size_t>& sizes) {
  std::vector<Filled> blocks;
  blocks.reserve(sizes.size());
  for (const std::size_t size : sizes) blocks.push_back(filled(std::malloc(size), size, blocks.size()));
  return blocks;
}

/// Frees the blocks in the given order; before each, the block must be intact.
void free_in_order(const std::vector<Filled>& blocks, const std::vector<std::size_t>& order) {
  for (const std::size_t index : order) {
    ASSERT_INTACT(blocks[index]) << "block " << index << " of " << blocks[index].bytes << " bytes";
    std::free(blocks[index].block);
  }
}

REQUIRED(Malloc, LiveBlocksAreDisjoint, "C17 7.22.3") {
  const auto blocks = allocate_all(edge_sizes());
  for (const auto& block : blocks) {
    ASSERT_NE(block.block, nullptr);
    ASSERT_INTACT(block) << "block of " << block.bytes << " bytes";
  }
  for (const auto& block : blocks) std::free(block.block);
}

REQUIRED(Malloc, EveryBlockSuitsEveryType, "C17 7.22.3") {
  EXPECT_EQ(first_misaligned([](std::size_t size) { return std::malloc(size); }, alignment_of_any_type, kMiB), "");
}

REQUIRED(Malloc, EveryBlockSuitsWhatFitsIntoIt, "C23 7.24.3") {
  EXPECT_EQ(first_misaligned([](std::size_t size) { return std::malloc(size); }, alignment_of_what_fits, kMiB), "");
}

REQUIRED(Malloc, ZeroBytesGiveNullOrAUniqueBlock, "C17 7.22.3") {
  std::set<void*> blocks;
  for (int i = 0; i < 1000; ++i) {
    void* block = opaque(std::malloc(0));
    if (block != nullptr) {
      ASSERT_TRUE(blocks.insert(block).second) << block << " was given out twice";
    }
  }
  for (void* block : blocks) std::free(block);
}

GLIBC(Malloc, ZeroBytesGiveABlock, "malloc(3)") {
  void* block = opaque(std::malloc(0));
  EXPECT_NE(block, nullptr);
  std::free(block);
}

REQUIRED(Malloc, ImpossibleSizesGiveNull, "C17 7.22.3.4") {
  for (const std::size_t size : impossible_sizes()) {
    ASSERT_EQ(opaque(std::malloc(opaque(size))), nullptr) << size << " bytes";
  }
}

REQUIRED(Malloc, FailureSetsEnomem, "POSIX malloc") {
  for (const std::size_t size : impossible_sizes()) {
    errno = 0;
    void* block = opaque(std::malloc(opaque(size)));
    const int error = errno;
    ASSERT_EQ(block, nullptr);
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
  }
}

REQUIRED(Malloc, FailureLeavesLiveBlocksIntact, "C17 7.22.3") {
  const auto blocks = allocate_all(edge_sizes(128 * kKiB));
  for (const std::size_t size : impossible_sizes()) {
    ASSERT_EQ(opaque(std::malloc(opaque(size))), nullptr);
  }
  for (const auto& block : blocks) {
    ASSERT_INTACT(block) << "block of " << block.bytes << " bytes";
    std::free(block.block);
  }
}

REQUIRED(Free, NullDoesNothing, "C17 7.22.3.3") {
  const auto before = filled(std::malloc(100), 100, 1);
  for (int i = 0; i < 100; ++i) std::free(opaque<void*>(nullptr));
  EXPECT_INTACT(before);
  std::free(before.block);
}

REQUIRED(Free, AcceptsBlocksInAnyOrder, "C17 7.22.3.3") {
  const auto sizes = edge_sizes(256 * kKiB);
  std::vector<std::size_t> order(sizes.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (int round = 0; round < 4; ++round) {
    free_in_order(allocate_all(sizes), order);
    if (HasFatalFailure()) return;
    if (round == 0) std::reverse(order.begin(), order.end());
    if (round > 0) std::shuffle(order.begin(), order.end(), std::mt19937_64(static_cast<std::uint64_t>(round)));
  }
}

REQUIRED(Free, AcceptsBlocksOfEveryMember, "C17 7.22.3.3") {
  for (const auto& member : c_members()) {
    for (const std::size_t size : edge_sizes(2 * kMiB)) {
      const auto block = filled(member.allocate(size), size, size);
      ASSERT_NE(block.block, nullptr) << member.name << " of " << size << " bytes";
      ASSERT_INTACT(block) << member.name << " of " << size << " bytes";
      std::free(block.block);
    }
  }
}

/// Allocates and frees far more than the process may grow by.
void expect_space_is_used_again(const Member& member, std::size_t size) {
  constexpr std::size_t kMayGrow = 32 * kMiB;
  const std::size_t rounds = 4 * kMayGrow / size;
  const std::size_t before = address_space();
  for (std::size_t i = 0; i < rounds; ++i) {
    void* block = member.allocate(size);
    ASSERT_NE(block, nullptr);
    member.release(block);
  }
  ASSERT_LE(address_space(), before + kMayGrow) << member.name << " of " << size << " bytes";
}

REQUIRED(Free, MakesSpaceAvailableAgain, "C17 7.22.3.3") {
  for (const auto& member : c_members()) {
    for (const std::size_t size : {100UL, 1000UL, 20'000UL, 300'000UL, 3'000'000UL}) {
      expect_space_is_used_again(member, size);
      if (HasFatalFailure()) return;
    }
  }
}

REQUIRED(Free, PreservesErrno, "POSIX.1-2024 free") {
  for (const auto& member : c_members()) {
    for (const std::size_t size : kSizesOfEveryKind) {
      void* block = member.allocate(size);
      errno = 4242;
      std::free(block);
      ASSERT_EQ(errno, 4242) << "after a block of " << size << " bytes from " << member.name;
    }
  }
  errno = 4242;
  std::free(opaque<void*>(nullptr));
  EXPECT_EQ(errno, 4242) << "after null";
}

REQUIRED(Errno, IsNeverSetToZero, "C17 7.5") {
  for (const auto& member : c_members()) {
    for (const std::size_t size : kSizesOfEveryKind) {
      errno = 4242;
      void* block = member.allocate(size);
      ASSERT_NE(errno, 0) << member.name << " of " << size << " bytes";
      errno = 4242;
      block = std::realloc(block, opaque(size * 2));
      ASSERT_NE(errno, 0) << "realloc of " << size << " bytes from " << member.name;
      std::free(block);
    }
  }
}

}  // namespace
}  // namespace hakmem::conformance
