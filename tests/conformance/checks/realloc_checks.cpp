/// realloc and reallocarray.

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

REQUIRED(Realloc, OfNullAllocates, "C17 7.22.3.5") {
  for (const std::size_t size : kSizesOfEveryKind) {
    const auto block = filled(std::realloc(opaque<void*>(nullptr), size), size, size);
    ASSERT_NE(block.block, nullptr);
    EXPECT_INTACT(block);
    std::free(block.block);
  }
}

REQUIRED(Realloc, KeepsContentsInEveryDirection, "C17 7.22.3.5") {
  for (const std::size_t from : kSizesOfEveryKind) {
    for (const std::size_t to : kSizesOfEveryKind) {
      const auto before = filled(std::malloc(from), from, from + to);
      const Filled after{std::realloc(before.block, to), std::min(from, to), before.seed};
      ASSERT_NE(after.block, nullptr);
      ASSERT_INTACT(after) << "from " << from << " to " << to << " bytes";
      fill(after.block, to, 1);
      std::free(after.block);
    }
  }
}

REQUIRED(Realloc, KeepsContentsThroughManySteps, "C17 7.22.3.5") {
  Filled block = filled(std::malloc(1), 1, 7);
  for (std::size_t size = 2; size < 6 * kMiB; size += 1 + size / 16) {
    block.block = std::realloc(block.block, size);
    ASSERT_NE(block.block, nullptr);
    ASSERT_INTACT(block) << "when grown to " << size << " bytes";
    block = filled(block.block, size, 7);
  }
  for (std::size_t size = block.bytes; size > 1; size -= 1 + size / 16) {
    block.block = std::realloc(block.block, size);
    block.bytes = size;
    ASSERT_NE(block.block, nullptr);
    ASSERT_INTACT(block) << "when shrunk to " << size << " bytes";
  }
  std::free(block.block);
}

REQUIRED(Realloc, LeavesOtherBlocksIntact, "C17 7.22.3.5") {
  for (const std::size_t start : kSizesOfEveryKind) {
    const auto left = filled(std::malloc(start), start, 1);
    void* block = std::malloc(start);
    const auto right = filled(std::malloc(start), start, 2);
    for (const std::size_t quarter : {5UL, 8UL, 16UL, 3UL, 1UL, 4UL}) {
      const std::size_t size = start * quarter / 4 + 1;
      block = std::realloc(block, size);
      ASSERT_NE(block, nullptr);
      fill(block, size, 3);
      ASSERT_INTACT(left) << "left of a block of " << start << " bytes made " << size;
      ASSERT_INTACT(right) << "right of a block of " << start << " bytes made " << size;
    }
    for (void* each : {left.block, block, right.block}) std::free(each);
  }
}

REQUIRED(Realloc, AcceptsBlocksOfEveryMember, "C17 7.22.3.5") {
  for (const auto& member : c_members()) {
    for (const std::size_t from : kSizesOfEveryKind) {
      for (const std::size_t to : {from / 3 + 1, from + 1, from * 3}) {
        const auto before = filled(member.allocate(from), from, to);
        const Filled after{std::realloc(before.block, to), std::min(from, to), to};
        ASSERT_NE(after.block, nullptr);
        ASSERT_INTACT(after) << member.name << " from " << from << " to " << to << " bytes";
        std::free(after.block);
      }
    }
  }
}

REQUIRED(Realloc, EveryBlockSuitsEveryType, "C17 7.22.3") {
  const auto grow = [](std::size_t size) { return std::realloc(std::malloc(1), size); };
  const auto shrink = [](std::size_t size) { return std::realloc(std::malloc(600 * kKiB), size); };
  EXPECT_EQ(first_misaligned(grow, alignment_of_any_type, 512 * kKiB), "") << "grown";
  EXPECT_EQ(first_misaligned(shrink, alignment_of_any_type, 512 * kKiB), "") << "shrunk";
}

REQUIRED(Realloc, ImpossibleSizesGiveNull, "C17 7.22.3.5") {
  void* block = std::malloc(100);
  for (const std::size_t size : impossible_sizes()) {
    void* result = opaque(std::realloc(block, opaque(size)));
    ASSERT_EQ(result, nullptr) << size << " bytes";
  }
  std::free(block);
}

REQUIRED(Realloc, FailureLeavesTheBlockIntact, "C17 7.22.3.5") {
  for (const std::size_t start : kSizesOfEveryKind) {
    const auto block = filled(std::malloc(start), start, start);
    for (const std::size_t size : impossible_sizes()) {
      void* result = opaque(std::realloc(block.block, opaque(size)));
      ASSERT_EQ(result, nullptr);
      void* other = std::malloc(start);
      ASSERT_NE(other, block.block) << "the block was given out again";
      ASSERT_INTACT(block) << start << " bytes after a failure for " << size;
      std::free(other);
    }
    std::free(block.block);
  }
}

REQUIRED(Realloc, FailureSetsEnomem, "POSIX realloc") {
  void* block = std::malloc(100);
  for (const std::size_t size : impossible_sizes()) {
    errno = 0;
    void* result = opaque(std::realloc(block, opaque(size)));
    const int error = errno;
    ASSERT_EQ(result, nullptr);
    ASSERT_EQ(error, ENOMEM) << size << " bytes";
  }
  std::free(block);
}

REQUIRED(Realloc, ToZeroGivesNullOrAUniqueBlock, "C17 7.22.3.5") {
  for (const std::size_t size : kSizesOfEveryKind) {
    void* block = opaque(std::realloc(std::malloc(size), opaque<std::size_t>(0)));
    std::array<void*, 64> others{};
    for (auto& other : others) {
      other = std::malloc(size);
      ASSERT_NE(other, nullptr);
      ASSERT_NE(other, block) << size << " bytes made 0";
    }
    for (void* other : others) std::free(other);
    std::free(block);
  }
}

GLIBC(Realloc, ToZeroFrees, "glibc manual 3.2.3.4") {
  constexpr std::size_t kSize = 100'000;
  const std::size_t before = address_space();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(opaque(std::realloc(std::malloc(kSize), opaque<std::size_t>(0))), nullptr);
  }
  EXPECT_LE(address_space(), before + 64 * kMiB) << "after 10 000 blocks of " << kSize << " bytes";
}

GLIBC(Realloc, OfNullToZeroGivesABlock, "malloc(3)") {
  void* block = opaque(std::realloc(opaque<void*>(nullptr), opaque<std::size_t>(0)));
  EXPECT_NE(block, nullptr);
  std::free(block);
}

REQUIRED(Realloc, MakesSpaceAvailableAgain, "C17 7.22.3.5") {
  const std::size_t before = address_space();
  for (int i = 0; i < 2'000; ++i) {
    void* block = std::malloc(100);
    for (const std::size_t size : {3'000UL, 70'000UL, 400'000UL, 1'500'000UL}) {
      block = std::realloc(block, size);
      ASSERT_NE(block, nullptr);
    }
    std::free(block);
  }
  EXPECT_LE(address_space(), before + 128 * kMiB);
}

REQUIRED(Reallocarray, KeepsContents, "POSIX.1-2024 reallocarray") {
  for (const std::size_t from : kSizesOfEveryKind) {
    for (const std::size_t to : {from / 2 + 1, from + 1, from * 2}) {
      const auto before = filled(std::malloc(from), from, to);
      const Filled after{::reallocarray(before.block, to, 2), std::min(from, 2 * to), to};
      ASSERT_NE(after.block, nullptr);
      ASSERT_INTACT(after) << "from " << from << " to " << to << " times 2 bytes";
      fill(after.block, 2 * to, 1);
      std::free(after.block);
    }
  }
}

REQUIRED(Reallocarray, OfNullAllocates, "POSIX.1-2024 reallocarray") {
  const auto block = filled(::reallocarray(opaque<void*>(nullptr), 25, 40), 1000, 1);
  ASSERT_NE(block.block, nullptr);
  EXPECT_INTACT(block);
  std::free(block.block);
}

REQUIRED(Reallocarray, OverflowFailsAndLeavesTheBlock, "POSIX.1-2024 reallocarray") {
  constexpr std::size_t kHalf = std::size_t{1} << 32;
  const auto block = filled(std::malloc(1000), 1000, 1);
  for (const auto& [count, each] : {std::pair{kHalf, kHalf}, {SIZE_MAX, 2UL}, {2UL, SIZE_MAX}, {kHalf + 1, kHalf}}) {
    errno = 0;
    void* result = opaque(::reallocarray(block.block, opaque(count), opaque(each)));
    const int error = errno;
    ASSERT_EQ(result, nullptr) << count << " of " << each << " bytes";
    ASSERT_EQ(error, ENOMEM) << count << " of " << each << " bytes";
    ASSERT_INTACT(block);
  }
  std::free(block.block);
}

GLIBC(Reallocarray, ToZeroFrees, "glibc manual 3.2.3.4") {
  for (const auto& [count, each] : {std::pair{0UL, 0UL}, {0UL, 8UL}, {8UL, 0UL}}) {
    EXPECT_EQ(opaque(::reallocarray(std::malloc(100), opaque(count), opaque(each))), nullptr);
  }
}

}  // namespace
}  // namespace hakmem::conformance
