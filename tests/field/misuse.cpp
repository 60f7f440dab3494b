/// What programs do wrong, and expect to hear of.

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <initializer_list>

#include "case.hpp"

namespace hakmem::field {

namespace {

/// Runs `misuse` in a child process. \return whether it was aborted
template <class Misuse>
bool is_aborted(Misuse misuse) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) skip("there can be no more processes");
  if (child == 0) {
    (void)std::freopen("/dev/null", "w", stderr);
    misuse();
    std::_Exit(0);
  }
  int status = 0;
  expect(::waitpid(child, &status, 0) == child, "the child is lost");
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

constexpr std::size_t kSizes[] = {16, 24, 100, 1000, 5'000, 20'000};

}  // namespace

void freed_twice_with_others_between() {
  for (const std::size_t bytes : kSizes) {
    const bool heard = is_aborted([bytes] {
      void* blocks[5];
      for (void*& block : blocks) block = std::malloc(bytes);
      for (int i = 0; i < 4; ++i) std::free(blocks[i]);
      std::free(blocks[1]);
    });
    expect(heard, "nothing is said of a second free of %zu bytes", bytes);
  }
}

void freed_but_never_allocated() {
  for (const std::size_t bytes : kSizes) {
    const bool heard = is_aborted([bytes] {
      // Far enough for what is cut at a time, and still where blocks of this size lie.
      constexpr std::size_t kFar = 32768;
      auto* block = static_cast<char*>(std::malloc(bytes));
      const std::size_t distance = ::malloc_usable_size(block) + 16;
      std::free(block + (kFar + distance - 1) / distance * distance);
      for (std::size_t apart = kFar; apart < kFar + 2 * bytes; apart += 16) std::free(block + apart);
    });
    expect(heard, "nothing is said of a free of what was never a block of %zu bytes", bytes);
  }
}

}  // namespace hakmem::field
