/// A program without any shared library: the malloc family and new are hakmem's, before main, in threads, after fork
/// and after main.

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"

namespace {

/// Blocks of every kind, each from another member of the family.
void use_the_family() {
  for (std::size_t bytes = 1; bytes < 4'000'000; bytes += bytes / 2 + 1) {
    void* aligned = nullptr;
    if (::posix_memalign(&aligned, 4096, bytes) != 0) std::_Exit(3);
    void* blocks[] = {std::malloc(bytes),
                      std::calloc(1, bytes),
                      std::realloc(std::malloc(16), bytes),
                      ::memalign(64, bytes),
                      ::valloc(bytes),
                      std::aligned_alloc(128, bytes),
                      aligned};
    for (void* block : blocks) {
      // Blocks of another malloc would end the process here.
      if (hak_usable_size(block) < bytes) std::_Exit(4);
      std::memset(block, 5, bytes);
      std::free(block);
    }
    const std::unique_ptr<char[]> by_new(new char[bytes]);
    if (hak_usable_size(by_new.get()) < bytes) std::_Exit(5);
  }
}

struct AtBothEnds {
  std::map<int, std::string> map{{1, std::string(100, 'x')}};
  AtBothEnds() { use_the_family(); }
  ~AtBothEnds() { use_the_family(); }
};
AtBothEnds at_both_ends;

}  // namespace

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(use_the_family);
  const pid_t child = ::fork();
  if (child == 0) {
    std::thread(use_the_family).join();
    std::exit(0);
  }
  for (auto& thread : threads) thread.join();
  int status = -1;
  if (::waitpid(child, &status, 0) != child || status != 0) return 6;
  hak_statistics now;
  hak_statistics_get(&now);
  if (now.thread_contexts == 0) return 7;
  std::printf("static: holds\n");
  return 0;
}
