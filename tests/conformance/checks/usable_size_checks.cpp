/// malloc_usable_size.

#include <malloc.h>

#include <cstdlib>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

GLIBC(UsableSize, OfNullIsZero, "malloc_usable_size(3)") {
  EXPECT_EQ(::malloc_usable_size(opaque<void*>(nullptr)), 0U);
}

GLIBC(UsableSize, IsAtLeastWhatWasAskedFor, "malloc_usable_size(3)") {
  for (const auto& member : c_members()) {
    for (const std::size_t size : edge_sizes(2 * kMiB)) {
      void* block = member.allocate(size);
      ASSERT_GE(::malloc_usable_size(block), size) << member.name << " of " << size << " bytes";
      std::free(block);
    }
  }
}

GLIBC(UsableSize, IsAtLeastWhatReallocWasAskedFor, "malloc_usable_size(3)") {
  for (const std::size_t from : kSizesOfEveryKind) {
    for (const std::size_t to : kSizesOfEveryKind) {
      void* block = std::realloc(std::malloc(from), to);
      ASSERT_GE(::malloc_usable_size(block), to) << "from " << from << " to " << to << " bytes";
      std::free(block);
    }
  }
}

/// Blocks of one size side by side, each written to its last usable byte.
void expect_whole_size_is_usable(const Member& member, std::size_t size) {
  constexpr std::size_t kTogether = 6;
  std::array<Filled, kTogether> blocks{};
  for (auto& block : blocks) {
    void* memory = member.allocate(size);
    ASSERT_NE(memory, nullptr);
    block = filled(memory, ::malloc_usable_size(memory), static_cast<std::uint64_t>(&block - blocks.data()));
  }
  for (const auto& block : blocks) {
    ASSERT_INTACT(block) << member.name << " of " << size << " bytes, usable " << block.bytes;
  }
  for (const auto& block : blocks) std::free(block.block);
}

GLIBC(UsableSize, MayBeUsedToTheLastByte, "malloc_usable_size(3)") {
  for (const auto& member : c_members()) {
    for (const std::size_t size : edge_sizes(300 * kKiB)) {
      expect_whole_size_is_usable(member, size);
      if (HasFatalFailure()) return;
    }
  }
}

GLIBC(UsableSize, SurvivesRealloc, "malloc_usable_size(3)") {
  for (const std::size_t from : kSizesOfEveryKind) {
    for (const std::size_t to : kSizesOfEveryKind) {
      void* memory = std::malloc(from);
      const auto before = filled(memory, ::malloc_usable_size(memory), to);
      const Filled after{std::realloc(before.block, to), std::min(from, to), to};
      ASSERT_INTACT(after) << "from " << from << " to " << to << " bytes";
      std::free(after.block);
    }
  }
}

}  // namespace
}  // namespace hakmem::conformance
