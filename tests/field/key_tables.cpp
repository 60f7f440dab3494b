/// The key of malloc's exit handler among the keys of a program: it lies in the C library's first table of 32 keys or in one
/// of its own, and no more keys are taken than that needs. Has the library inside.
///
/// usage: field_key_tables KEYS LEFT: KEYS are made before malloc is first called; LEFT must be possible afterwards. With
/// LEFT "none" there is none for malloc, and so no memory. With KEYS "scattered" every second key is the program's, so that
/// no table has room for malloc's key alone.

#include <hakmem/hakmem.h>
#include <pthread.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

pthread_key_t key;

bool are_scattered(const char* keys) { return std::strcmp(keys, "scattered") == 0; }

void make_keys(int count, char** arguments, char**) {
  if (count == 3 && are_scattered(arguments[1])) {
    while (::pthread_key_create(&key, nullptr) == 0) {
    }
    for (pthread_key_t other = 1; other <= key; other += 2) (void)::pthread_key_delete(other);
  }
  for (long i = count == 3 ? std::strtol(arguments[1], nullptr, 10) : 0; i > 0; --i) {
    (void)::pthread_key_create(&key, nullptr);
  }
}

// Before the first allocation: that is one of a library's constructors.
[[gnu::section(".preinit_array"), gnu::used]] void (*const make_keys_first)(int, char**, char**) = make_keys;

int problem(const char* what, long figure) {
  std::fprintf(stderr, "%s: %ld\n", what, figure);
  return 1;
}

void* set_own_key(void*) {
  (void)::pthread_setspecific(key, &key);
  return nullptr;
}

/// A thread's first allocation comes from inside pthread_setspecific, for the table of the program's key.
int threads_are_given_back() {
  for (int i = 0; i < 500; ++i) {
    pthread_t thread;
    if (::pthread_create(&thread, nullptr, set_own_key, nullptr) != 0) return 2;
    (void)::pthread_join(thread, nullptr);
  }
  hak_statistics now{};
  hak_statistics_get(&now);
  return now.thread_contexts < 20 ? 0 : problem("contexts left by 500 threads", static_cast<long>(now.thread_contexts));
}

/// However often the program asks.
int there_is_no_memory() {
  for (int i = 0; i < 3; ++i) {
    errno = 0;
    void* volatile block = std::malloc(100);
    if (block != nullptr || errno != ENOMEM) return problem("memory without a key, errno", errno);
    std::free(block);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  if (std::strcmp(arguments[2], "none") == 0) return there_is_no_memory();
  void* volatile block = std::malloc(100);
  if (block == nullptr) return problem("no memory, errno", errno);
  std::free(block);
  pthread_key_t made;
  long left = 0;
  while (::pthread_key_create(&made, nullptr) == 0) {
    // The first one lies beside malloc's, if that has not taken care.
    if (left++ == 0) key = made;
  }
  if (left != std::strtol(arguments[2], nullptr, 10)) return problem("keys are left", left);
  constexpr long kPerTable = 32;
  return left < kPerTable || are_scattered(arguments[1])
             ? 0
             : threads_are_given_back();  // else there was no table for malloc's key alone
}
