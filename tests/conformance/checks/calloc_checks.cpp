/// calloc.

#include <malloc.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <utility>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

/// Factors whose product does not fit into size_t, or only just does not fit into an object.
constexpr std::array<std::pair<std::size_t, std::size_t>, 9> kOverflowing = {{
    {SIZE_MAX, 2},
    {2, SIZE_MAX},
    {SIZE_MAX / 2 + 1, 2},
    {SIZE_MAX / 16 + 1, 16},
    {std::size_t{1} << 32, std::size_t{1} << 32},
    {(std::size_t{1} << 32) + 1, std::size_t{1} << 32},
    {SIZE_MAX, SIZE_MAX},
    {1, SIZE_MAX},
    {PTRDIFF_MAX, 3},
}};

REQUIRED(Calloc, ZeroesEveryByte, "C17 7.22.3.2") {
  std::vector<void*> blocks;
  for (const std::size_t size : edge_sizes()) {
    for (const auto& [count, each] : {std::pair{std::size_t{1}, size}, std::pair{size, std::size_t{1}}}) {
      void* block = std::calloc(count, each);
      ASSERT_NE(block, nullptr);
      ASSERT_EQ(first_non_zero(block, size), kIntact) << count << " of " << each << " bytes";
      blocks.push_back(block);
    }
  }
  for (void* block : blocks) std::free(block);
}

/// Leaves memory behind that holds no zero byte.
void dirty(std::size_t size, std::size_t blocks) {
  std::vector<void*> used;
  for (std::size_t i = 0; i < blocks; ++i) {
    void* block = std::malloc(size);
    ASSERT_NE(block, nullptr);
    std::memset(block, 0xff, size);
    used.push_back(opaque(block));
  }
  for (void* block : used) std::free(block);
}

REQUIRED(Calloc, ZeroesReusedMemory, "C17 7.22.3.2") {
  for (const std::size_t size : edge_sizes()) {
    const std::size_t count = size > 64 * kKiB ? 2 : 8;
    dirty(size, count);
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i) {
      blocks.push_back(std::calloc(1, size));
      ASSERT_EQ(first_non_zero(blocks.back(), size), kIntact) << size << " bytes";
    }
    for (void* block : blocks) std::free(block);
  }
}

REQUIRED(Calloc, ZeroesWhatReallocGaveBack, "C17 7.22.3.2") {
  for (const std::size_t size : {64UL, 2000UL, 40'000UL, 500'000UL, 4'000'000UL}) {
    void* block = std::malloc(size);
    std::memset(block, 0xff, size);
    block = std::realloc(opaque(block), size / 4);
    std::vector<void*> blocks;
    for (int i = 0; i < 8; ++i) {
      blocks.push_back(std::calloc(3, size / 6));
      ASSERT_EQ(first_non_zero(blocks.back(), size / 6 * 3), kIntact) << size << " bytes";
      std::memset(blocks.back(), 0xff, size / 6 * 3);
    }
    for (void* each : blocks) std::free(each);
    std::free(block);
  }
}

REQUIRED(Calloc, OverflowingProductFails, "C17 7.22.3.2") {
  for (const auto& [count, each] : kOverflowing) {
    ASSERT_EQ(opaque(std::calloc(opaque(count), opaque(each))), nullptr) << count << " of " << each << " bytes";
  }
}

REQUIRED(Calloc, FailureSetsEnomem, "POSIX calloc") {
  for (const auto& [count, each] : kOverflowing) {
    errno = 0;
    void* block = opaque(std::calloc(opaque(count), opaque(each)));
    const int error = errno;
    ASSERT_EQ(block, nullptr);
    ASSERT_EQ(error, ENOMEM) << count << " of " << each << " bytes";
  }
}

REQUIRED(Calloc, ZeroBytesGiveNullOrAUniqueBlock, "C17 7.22.3") {
  std::set<void*> blocks;
  for (const auto& [count, each] : {std::pair{0, 0}, std::pair{0, 100}, std::pair{100, 0}}) {
    for (int i = 0; i < 100; ++i) {
      void* block = opaque(std::calloc(static_cast<std::size_t>(count), static_cast<std::size_t>(each)));
      if (block != nullptr) {
        ASSERT_TRUE(blocks.insert(block).second) << block << " was given out twice";
      }
    }
  }
  for (void* block : blocks) std::free(block);
}

GLIBC(Calloc, ZeroBytesGiveABlock, "malloc(3)") {
  for (const auto& [count, each] : {std::pair{0, 0}, std::pair{0, 100}, std::pair{100, 0}}) {
    void* block = opaque(std::calloc(static_cast<std::size_t>(count), static_cast<std::size_t>(each)));
    EXPECT_NE(block, nullptr) << count << " of " << each << " bytes";
    std::free(block);
  }
}

REQUIRED(Calloc, EveryBlockSuitsEveryType, "C17 7.22.3") {
  const auto allocate = [](std::size_t size) { return opaque(std::calloc(size, 1)); };
  EXPECT_EQ(first_misaligned(allocate, alignment_of_any_type, 256 * kKiB), "");
}

}  // namespace
}  // namespace hakmem::conformance
