/// The public C API across fork.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "hakmem/hakmem.h"
#include "sync/watched_sync.hpp"

namespace hakmem::test {
namespace {

/// B11: the child of a threaded process has a working heap.
TEST(HakApi, ChildOfAThreadedProcessCanAllocate) {
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) hak_free(hak_alloc(500));
  });
  void* from_parent = hak_alloc(100);
  for (int i = 0; i < 20; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      hak_free(from_parent);
      for (std::size_t bytes = 1; bytes < 3000; ++bytes) hak_free(hak_alloc(bytes));
      ::_exit(hak_alloc(100000) != nullptr ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  busy.join();
  hak_free(from_parent);
}

/// Ends a child or goes on as its parent, which waits for it. \return true in the child
bool is_child_of(pid_t child) {
  if (child == 0) return true;
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  return false;
}

/// Allocates and frees, in a thread and beside it. \return whether there was memory
bool works_with_threads() {
  std::atomic<bool> fine{true};
  std::thread thread([&] {
    for (std::size_t bytes = 1; bytes < 200'000; bytes += bytes / 3 + 1) {
      void* block = hak_alloc(bytes);
      fine = fine && block != nullptr;
      hak_free(block);
    }
  });
  hak_free(hak_alloc(3'000'000));
  thread.join();
  return fine;
}

/// B11: each generation frees a block of the first one's, starts a thread, and forks while it works.
TEST(HakApi, ChildrenMayStartThreadsAndForkAgain) {
  constexpr int kGenerations = 4;
  void* blocks[kGenerations];
  for (void*& block : blocks) block = hak_alloc(5'000);
  int generation = 0;
  for (; generation < kGenerations; ++generation) {
    std::atomic<bool> working{false}, stop{false};
    std::thread busy([&] {
      for (; !stop; working = true) hak_free(hak_alloc(700));
    });
#ifdef HAKMEM_ASAN
    // While it begins, it may hold the lock of AddressSanitizer's own allocator, which the child would find taken for ever.
    while (!working) std::this_thread::yield();
#endif
    const bool child = is_child_of(::fork());
    if (!child) {
      stop = true;
      busy.join();
      break;
    }
    busy.detach();  // it has vanished
    hak_free(blocks[generation]);
    if (!works_with_threads()) ::_exit(1);
  }
  if (generation > 0) ::_exit(testing::Test::HasFailure() ? 1 : 0);
  for (void* block : blocks) hak_free(block);
}

}  // namespace
}  // namespace hakmem::test
