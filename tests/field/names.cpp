/// What users of glibc expect of the names beside the standard's.

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "case.hpp"

extern "C" {
void* __libc_malloc(std::size_t size);
void __libc_free(void* block);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void* __libc_valloc(std::size_t size);
void* __libc_pvalloc(std::size_t size);
}

namespace hakmem::field {

void names_of_the_c_library() {
  std::free(__libc_malloc(100));
  __libc_free(std::malloc(100));
  std::free(std::realloc(__libc_calloc(1, 100), 5000));
  std::free(__libc_realloc(std::malloc(100), 5000));
  std::free(__libc_memalign(64, 100));
  std::free(__libc_valloc(100));
  std::free(__libc_pvalloc(100));
  for (std::size_t i = 0; i < 1000; ++i) std::free(std::malloc(i));
}

void figures_of_mallinfo() {
  constexpr std::size_t kBlocks = 10'000, kBytes = 1000;
  static void* blocks[kBlocks];
  const auto in_use = [] { return ::mallinfo2().uordblks + ::mallinfo2().hblkhd; };
  const std::size_t before = in_use();
  for (void*& block : blocks) block = std::malloc(kBytes);
  const std::size_t during = in_use();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const auto narrow = static_cast<std::size_t>(::mallinfo().uordblks);
#pragma GCC diagnostic pop
  for (void* block : blocks) std::free(block);
  const std::size_t after = in_use();
  expect(during >= before + kBlocks * kBytes, "%zu bytes in use, and %zu before", during, before);
  expect(narrow >= kBlocks * kBytes, "mallinfo says %zu", narrow);
  expect(after < before + kBlocks * kBytes / 10, "%zu bytes in use afterwards, and %zu before", after, before);

  char text[4096] = "";
  std::FILE* stream = ::fmemopen(text, sizeof text, "w");
  expect(::malloc_info(1, stream) == EINVAL, "malloc_info accepts options");
  errno = EBUSY;  // what an earlier call has left there
  expect(::malloc_info(0, stream) == 0, "malloc_info fails");
  std::fclose(stream);
  stream = ::fmemopen(text, sizeof text, "r");
  expect(::malloc_info(0, stream) != 0, "malloc_info has written to a stream that is to be read");
  std::fclose(stream);
  expect(std::strncmp(text, "<malloc version=", 16) == 0 && std::strstr(text, "</malloc>") != nullptr, "%s", text);
}

void parameters_of_mallopt() {
  expect(::mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1 && ::mallopt(M_TRIM_THRESHOLD, 1 << 20) == 1,
         "a threshold is refused");
  expect(::mallopt(M_ARENA_MAX, 1) == 1 && ::mallopt(M_PERTURB, 7) == 1, "a parameter is refused");
  constexpr int kMostFast = 160, kMostThreshold = 32 << 20;
  for (const int good : {0, 64, kMostFast}) expect(::mallopt(M_MXFAST, good) == 1, "M_MXFAST refuses %d", good);
  for (const int bad : {-1, kMostFast + 1, INT_MAX}) expect(::mallopt(M_MXFAST, bad) == 0, "M_MXFAST accepts %d", bad);
  for (const int good : {0, kMostThreshold}) expect(::mallopt(M_MMAP_THRESHOLD, good) == 1, "a threshold: %d", good);
  for (const int bad : {-1, kMostThreshold + 1}) expect(::mallopt(M_MMAP_THRESHOLD, bad) == 0, "no threshold: %d", bad);
}

void whole_pages() {
  const auto usable = [](std::size_t bytes) {
    void* block = ::pvalloc(bytes);
    const std::size_t found = ::malloc_usable_size(block);
    std::free(block);
    return found;
  };
  expect(usable(1) == usable(4096), "pvalloc(1) has %zu bytes, pvalloc(4096) %zu", usable(1), usable(4096));
}

void cancelled_in_statistics() {
  static std::atomic<bool> returned{false};
  pthread_t thread;
  const auto body = [](void*) -> void* {
    (void)::pthread_cancel(::pthread_self());
    ::malloc_stats();
    returned = true;
    ::pthread_testcancel();
    return nullptr;
  };
  expect(::pthread_create(&thread, nullptr, body, nullptr) == 0, "there is no thread");
  (void)::pthread_join(thread, nullptr);
  expect(returned, "the thread has ended inside malloc_stats");
}

void alignments_that_cannot_be_had() {
  volatile std::size_t highest = std::size_t{1} << 63;
  errno = 0;
  expect(::memalign(highest, 100) == nullptr && errno == ENOMEM, "memalign(2^63, 100): errno %d", errno);
  errno = 0;
  expect(std::aligned_alloc(highest, 100) == nullptr && errno == ENOMEM, "aligned_alloc(2^63, 100): errno %d", errno);
  errno = 0;
  expect(::memalign(highest + 1, 100) == nullptr && errno == EINVAL, "memalign(2^63 + 1, 100): errno %d", errno);
}

void zeroes_to_the_usable_size() {
  for (std::size_t bytes = 1; bytes < std::size_t{3} << 20; bytes += 1 + bytes / 7) {
    for (int round = 0; round < 3; ++round) {
      void* block = std::calloc(1, bytes);
      const std::size_t usable = ::malloc_usable_size(block);
      expect(dirty(block, usable) == 0, "calloc(1, %zu): a byte of the %zu usable is not zero", bytes, usable);
      soil(block, usable);
      std::free(block);
    }
  }
}

/// A daemon closes what it has inherited and opens files of its own, some under the number of the descriptor that was kept
/// for the statistics at its end.
void descriptors_of_a_daemon() {
  constexpr int kFiles = 150;
  if (std::getenv("HAKMEM_STATS") == nullptr) {
    ::setenv("HAKMEM_STATS", "json", 1);
    ::execl("/proc/self/exe", "field", "descriptors_of_a_daemon", nullptr);
    skip("the program cannot start itself");
  }
  char folder[] = "/tmp/field-XXXXXX";
  expect(::mkdtemp(folder) != nullptr && ::chdir(folder) == 0, "there is no folder");
  if (const pid_t child = ::fork(); child == 0) {
    std::free(std::malloc(10));
    for (int file = 2; file < 1024; ++file) ::close(file);
    for (int i = 0; i < kFiles; ++i) {
      char name[32];
      std::snprintf(name, sizeof name, "data-%d", i);
      const int file = ::open(name, O_CREAT | O_RDWR, 0600);
      if (::write(file, "data\n", 5) != 5) ::_exit(1);
    }
    std::exit(0);
  } else {
    int status = 0;
    (void)::waitpid(child, &status, 0);
    expect(status == 0, "the daemon has ended with %d", status);
  }
  std::size_t changed = 0;
  for (int i = 0; i < kFiles; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "data-%d", i);
    struct stat found{};
    changed += ::stat(name, &found) != 0 || found.st_size != 5 ? 1u : 0u;
    ::unlink(name);
  }
  ::rmdir(folder);
  ::unsetenv("HAKMEM_STATS");
  expect(changed == 0, "%zu of the daemon's files have something in them that is not its own", changed);
}

}  // namespace hakmem::field
