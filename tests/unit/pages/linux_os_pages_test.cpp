/// LinuxOs, and a heap on it, where pages are larger than the least.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#include "pages/large_pages.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
using RealConfig = Config<StdSync, LinuxOs, FullGeometry>;

class LinuxOsPagesTest : public testing::TestWithParam<std::size_t> {
 protected:
  const std::size_t page_ = GetParam();
  LargePages pages_{page_};
};

TEST_P(LinuxOsPagesTest, ThePageIsTheSystems) { EXPECT_EQ(LinuxOs::page_bytes(), page_); }

TEST_P(LinuxOsPagesTest, TheSimulationRefusesWhatSuchAKernelRefuses) {
  char* p = static_cast<char*>(LinuxOs::reserve(2 * page_, page_));
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(::madvise(p + page_ / 2, page_ / 2, MADV_DONTNEED), -1);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(::munmap(p + page_ / 2, page_ / 2), -1);
  p[page_ / 2] = 1;
  EXPECT_EQ(::madvise(p, 1, MADV_DONTNEED), 0);
  EXPECT_EQ(p[page_ / 2], 0) << "a whole page goes, whatever size is given";
  LinuxOs::release(p, 2 * page_);
}

TEST_P(LinuxOsPagesTest, ReservationsAreAligned) {
  for (const std::size_t alignment : {page_, std::size_t{1} << 18, 2 * kMiB, 8 * kMiB}) {
    char* p = static_cast<char*>(LinuxOs::reserve(3 * alignment, alignment));
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u);
    std::memset(p, 1, 3 * alignment);
    LinuxOs::release(p, 3 * alignment);
  }
}

TEST_P(LinuxOsPagesTest, DecommitTakesWholePagesInTheRangeAndNothingElse) {
  const std::size_t bytes = 4 * page_;
  char* p = static_cast<char*>(LinuxOs::reserve(bytes, page_));
  ASSERT_NE(p, nullptr);
  std::memset(p, 1, bytes);
  EXPECT_TRUE(LinuxOs::decommit(p + page_ / 2, 2 * page_));
  for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(p[i], i / page_ == 1 ? 0 : 1) << i;
  EXPECT_TRUE(LinuxOs::decommit(p + 1, page_ - 1));
  EXPECT_EQ(p[1], 1);
  LinuxOs::release(p, bytes);
}

TEST_P(LinuxOsPagesTest, HeapKeepsContentsAndGivesZeroes) {
  auto heap = std::make_unique<Heap<RealConfig>>();
  heap->init();
  auto* context = heap->attach();
  std::vector<std::pair<unsigned char*, std::size_t>> blocks;
  for (std::size_t size = 16; size < 3 * kMiB; size += size / 4 + 8) {
    for (int i = 0; i < 4; ++i) {
      auto* block = static_cast<unsigned char*>(heap->allocate(*context, size));
      ASSERT_NE(block, nullptr);
      std::memset(block, i + 1, size);
      blocks.emplace_back(block, size);
    }
  }
  const auto check_and_free = [&](std::size_t which) {
    for (std::size_t i = which; i < blocks.size(); i += 2) {
      const auto [block, size] = blocks[i];
      for (std::size_t j = 0; j < size; ++j) ASSERT_EQ(block[j], i % 4 + 1) << size;
      heap->deallocate(*context, block);
    }
  };
  check_and_free(0);
  EXPECT_TRUE(heap->trim(*context));
  check_and_free(1);
  for (std::size_t size = 16; size < 3 * kMiB; size += size / 4 + 8) {
    auto* block = static_cast<unsigned char*>(heap->allocate_zeroed(*context, size));
    for (std::size_t j = 0; j < size; ++j) ASSERT_EQ(block[j], 0) << size;
    auto* moved = static_cast<unsigned char*>(heap->reallocate(*context, block, 2 * size));
    ASSERT_NE(moved, nullptr);
    moved[2 * size - 1] = 1;
    EXPECT_EQ(moved[size - 1], 0);
    heap->deallocate(*context, moved);
  }
  (void)heap->trim(*context);
}

INSTANTIATE_TEST_SUITE_P(PagesOf, LinuxOsPagesTest,
                         testing::Values(std::size_t{4} << 10, std::size_t{16} << 10, std::size_t{64} << 10),
                         [](const auto& page) { return std::to_string(page.param >> 10) + "KiB"; });

/// Where slots are smaller than pages, their memory cannot go back one by one, and nothing else changes.
INSTANTIATE_TEST_SUITE_P(PagesLargerThanSlotsOf, LinuxOsPagesTest, testing::Values(std::size_t{256} << 10),
                         [](const auto& page) { return std::to_string(page.param >> 10) + "KiB"; });

}  // namespace
}  // namespace hakmem::test
