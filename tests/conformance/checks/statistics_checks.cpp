/// malloc_trim, mallinfo2, malloc_stats, cfree, free_sized, free_aligned_sized.

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

void add_small_blocks(std::vector<Filled>& blocks, std::size_t total) {
  Random random(1);
  for (std::size_t used = 0; used < total;) {
    const std::size_t size = 100 + random.below(900);
    blocks.push_back(filled(std::malloc(size), size, blocks.size()));
    used += size;
  }
}

std::vector<Filled> many_small_blocks(std::size_t total) {
  std::vector<Filled> blocks;
  blocks.reserve(total / 100);
  add_small_blocks(blocks, total);
  return blocks;
}

/// Frees all but the first of every thousand blocks. \return those
std::vector<Filled> free_most(const std::vector<Filled>& blocks) {
  std::vector<Filled> kept;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 1000 == 0) {
      kept.push_back(blocks[i]);
    } else {
      std::free(blocks[i].block);
    }
  }
  return kept;
}

GLIBC(Trim, LeavesLiveBlocksIntact, "malloc_trim(3)") {
  const auto kept = free_most(many_small_blocks(32 * kMiB));
  const int given_back = ::malloc_trim(0);
  EXPECT_TRUE(given_back == 0 || given_back == 1) << given_back;
  for (const auto& block : kept) {
    ASSERT_INTACT(block);
    std::free(block.block);
  }
}

GLIBC(Trim, GivesMemoryBackToTheSystem, "malloc_trim(3)") {
  const std::size_t before = resident_memory();
  const auto kept = free_most(many_small_blocks(64 * kMiB));
  ::malloc_trim(0);
  const std::size_t after = resident_memory();
  EXPECT_LE(after, before + 16 * kMiB) << "64 MiB freed but for a thousandth";
  for (const auto& block : kept) std::free(block.block);
}

GLIBC(Trim, TellsWhenMemoryWasGivenBack, "malloc_trim(3)") {
  const auto kept = free_most(many_small_blocks(32 * kMiB));
  const std::size_t before = resident_memory();
  const int given_back = ::malloc_trim(0);
  const std::size_t after = resident_memory();
  if (after + kMiB < before) {
    EXPECT_EQ(given_back, 1) << "resident memory fell from " << before << " to " << after << " bytes";
  }
  for (const auto& block : kept) std::free(block.block);
}

std::size_t handed_out() {
  const struct mallinfo2 now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

GLIBC(Mallinfo2, CountsSmallBlocksHandedOut, "glibc manual 3.2.3.9") {
  std::vector<Filled> blocks;
  blocks.reserve(kMiB);
  const std::size_t before = handed_out();
  add_small_blocks(blocks, 16 * kMiB);
  const std::size_t during = handed_out();
  for (const auto& block : blocks) std::free(block.block);
  const std::size_t after = handed_out();
  EXPECT_GE(during, before + 16 * kMiB);
  EXPECT_LE(after, before + 4 * kMiB);
}

GLIBC(Mallinfo2, CountsLargeBlocksHandedOut, "glibc manual 3.2.3.9") {
  const std::size_t before = handed_out();
  void* block = std::malloc(64 * kMiB);
  const std::size_t during = handed_out();
  std::free(block);
  const std::size_t after = handed_out();
  EXPECT_GE(during, before + 64 * kMiB);
  EXPECT_LE(during, before + 80 * kMiB);
  EXPECT_LE(after, before + kMiB);
}

GLIBC(Mallinfo2, SystemMemoryCoversWhatIsHandedOut, "glibc manual 3.2.3.9") {
  const auto blocks = many_small_blocks(8 * kMiB);
  void* large = std::malloc(32 * kMiB);
  const struct mallinfo2 now = ::mallinfo2();
  EXPECT_GE(now.arena + now.hblkhd, 40 * kMiB);
  EXPECT_GE(now.arena, now.uordblks);
  EXPECT_GE(now.hblks, 1U);
  std::free(large);
  for (const auto& block : blocks) std::free(block.block);
}

/// What a call writes to a file descriptor.
std::string written_to(int file, void (*call)()) {
  const int saved = ::dup(file);
  const int memory = ::memfd_create("output", 0);
  ::dup2(memory, file);
  call();
  std::fflush(nullptr);
  ::dup2(saved, file);
  ::close(saved);
  std::string text(4096, '\0');
  const auto length = ::pread(memory, text.data(), text.size(), 0);
  ::close(memory);
  text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return text;
}

GLIBC(MallocStats, WritesToStandardErrorAlone, "malloc_stats(3)") {
  EXPECT_NE(written_to(STDERR_FILENO, ::malloc_stats), "");
  EXPECT_EQ(written_to(STDOUT_FILENO, ::malloc_stats), "");
}

GLIBC(MallocStats, LeavesLiveBlocksIntact, "malloc_stats(3)") {
  const auto blocks = many_small_blocks(kMiB);
  static_cast<void>(written_to(STDERR_FILENO, ::malloc_stats));
  for (const auto& block : blocks) {
    ASSERT_INTACT(block);
    std::free(block.block);
  }
}

// Functions that a system need not declare ---------------------------------------------------------------------------

template <class Function>
Function* lookup(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

/// Frees and allocates far more than the process may grow by.
template <class Free>
void expect_frees(const Free& free_block) {
  const std::size_t before = address_space();
  for (const std::size_t size : {64UL, 20'000UL, 3'000'000UL}) {
    for (std::size_t used = 0; used < 256 * kMiB; used += size + 2048) {
      void* block = std::aligned_alloc(64, size);
      ASSERT_NE(block, nullptr);
      free_block(block, size);
    }
  }
  EXPECT_LE(address_space(), before + 64 * kMiB);
}

GLIBC(Cfree, FreesABlock, "glibc manual 3.2.5", .may_be_absent = true) {
  const auto cfree = lookup<void(void*)>("cfree");
  // glibc has dropped it in 2.26: a malloc need not have it.
  if (cfree == nullptr) GTEST_SKIP() << "there is no cfree";
  expect_frees([cfree](void* block, std::size_t) { cfree(block); });
  cfree(nullptr);
}

REQUIRED(FreeSized, FreesABlock, "C23 7.24.3.4", .may_be_absent = true) {
  const auto free_sized = lookup<void(void*, std::size_t)>("free_sized");
  // New in C23: most mallocs do not have it yet.
  if (free_sized == nullptr) GTEST_SKIP() << "there is no free_sized";
  const std::size_t before = address_space();
  for (const std::size_t size : {64UL, 20'000UL, 3'000'000UL}) {
    for (std::size_t used = 0; used < 256 * kMiB; used += size + 2048) free_sized(std::malloc(size), size);
  }
  free_sized(nullptr, 0);
  EXPECT_LE(address_space(), before + 64 * kMiB);
}

REQUIRED(FreeAlignedSized, FreesABlock, "C23 7.24.3.5", .may_be_absent = true) {
  const auto free_aligned_sized = lookup<void(void*, std::size_t, std::size_t)>("free_aligned_sized");
  // New in C23: most mallocs do not have it yet.
  if (free_aligned_sized == nullptr) GTEST_SKIP() << "there is no free_aligned_sized";
  expect_frees([free_aligned_sized](void* block, std::size_t size) { free_aligned_sized(block, 64, size); });
  free_aligned_sized(nullptr, 64, 0);
}

// The family as a whole ----------------------------------------------------------------------------------------------

GLIBC(Family, ComesFromOneLibrary, "glibc manual 3.2.5") {
  Dl_info first;
  ASSERT_NE(::dladdr(::dlsym(RTLD_DEFAULT, "malloc"), &first), 0);
  for (const char* name : {"free", "calloc", "realloc", "aligned_alloc", "malloc_usable_size", "memalign",
                           "posix_memalign", "pvalloc", "valloc"}) {
    Dl_info other;
    ASSERT_NE(::dladdr(::dlsym(RTLD_DEFAULT, name), &other), 0) << name;
    EXPECT_STREQ(first.dli_fname, other.dli_fname) << name;
  }
}

}  // namespace
}  // namespace hakmem::conformance
