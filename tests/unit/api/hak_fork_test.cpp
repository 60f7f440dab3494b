/// The public C API across fork.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "hakmem/hakmem.h"

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

}  // namespace
}  // namespace hakmem::test
