/// Fork under ThreadSanitizer. The child of a process that has threads may start none and is not watched any more: what
/// it does with threads is tested without the tool (HakApi.ChildrenMayStartThreadsAndForkAgain). The child of a process
/// whose threads have ended is watched as any other.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

/// \return whether there was memory for blocks of many sizes
bool allocates() {
  for (std::size_t bytes = 1; bytes < 60'000; bytes += bytes / 4 + 1) {
    void* block = hak_calloc(1, bytes);
    if (block == nullptr) return false;
    std::memset(block, 1, bytes);
    hak_free(block);
  }
  (void)hak_trim();
  return true;
}

/// \return the exit code of the child
int code_of(pid_t child) {
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "status " << status;
  return WEXITSTATUS(status);
}

/// What the parent's handlers do at a fork races with its other threads. Nothing is watched in such a child.
TEST(TsanFork, ChildOfABusyProcessHasAHeapInOrder) {
  std::atomic<bool> over{false};
  std::vector<std::thread> busy;
  for (std::size_t bytes : {40U, 700U, 20'000U}) {
    busy.emplace_back([&over, bytes] {
      // Relaxed: a wish to end.
      while (!over.load(std::memory_order_relaxed)) hak_free(hak_alloc(bytes));
    });
  }
  for (int i = 0; i < 20; ++i) {
    void* block = hak_alloc(200);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      hak_free(block);
      ::_exit(allocates() ? 0 : 1);
    }
    EXPECT_EQ(code_of(child), 0);
    hak_free(block);
  }
  // Relaxed: see above.
  over.store(true, std::memory_order_relaxed);
  for (std::thread& thread : busy) thread.join();
}

/// Forks once the threads of the process have ended and left their contexts and blocks behind. \return the child's code
template <class Body>
int fork_at_rest(Body body) {
  std::vector<void*> left;
  std::thread([&] {
    for (std::size_t bytes = 16; bytes < 30'000; bytes *= 2) left.push_back(hak_alloc(bytes));
  }).join();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    for (void* block : left) hak_free(block);
    body();
    std::exit(0);  // and not _exit, which would leave out ThreadSanitizer's verdict
  }
  for (void* block : left) hak_free(block);
  return code_of(child);
}

TEST(TsanFork, ThreadsOfAChildRaceForWhatWasInherited) {
  const int code = fork_at_rest([] {
    run_together(3, [](unsigned) {
      if (!allocates()) std::abort();
    });
  });
  EXPECT_EQ(code, 0);
}

/// Control: the tool speaks in such a child.
TEST(TsanFork, RacesInAChildAreReported) {
  constexpr int kReported = 66;
  const int code = fork_at_rest([] {
    auto* block = static_cast<volatile int*>(hak_alloc(64));
    run_together(2, [&](unsigned thread) { *block = static_cast<int>(thread); });
    hak_free(const_cast<int*>(block));
  });
  EXPECT_EQ(code, kReported);
}

}  // namespace
}  // namespace hakmem::test
