/// The program has made keys of its own before malloc makes its key, and a thread's first allocation comes from inside
/// pthread_setspecific, for the table that the key's value lies in: what malloc keeps for the thread must be given back at
/// its end all the same. Links the library. With an argument, a control: threads forget what their keys hold.

#include <hakmem/hakmem.h>
#include <pthread.h>

#include <climits>
#include <cstdio>
#include <cstdlib>

namespace {

pthread_key_t key;

void make_keys() {
  pthread_key_t unused;
  for (int i = 0; i < 33; ++i) (void)::pthread_key_create(&unused, nullptr);
  (void)::pthread_key_create(&key, nullptr);
}

// Before the first allocation: that is one of a library's constructors. In a static program the C library itself allocates
// before this.
[[gnu::section(".preinit_array"), gnu::used]] void (*const make_keys_first)() = make_keys;

void* set_own_key(void*) {
  (void)::pthread_setspecific(key, &key);
  return nullptr;
}

void* forget_all_keys(void*) {
  (void)::pthread_setspecific(key, &key);
  for (pthread_key_t any = 0; any < PTHREAD_KEYS_MAX; ++any) (void)::pthread_setspecific(any, nullptr);
  return nullptr;
}

}  // namespace

int main(int count, char**) {
  constexpr int kThreads = 2000;
  // The linker takes the library's malloc for a program that calls it.
  std::free(std::malloc(100));
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    if (::pthread_create(&thread, nullptr, count > 1 ? forget_all_keys : set_own_key, nullptr) != 0) return 2;
    (void)::pthread_join(thread, nullptr);
  }
  hak_statistics now{};
  hak_statistics_get(&now);
  if (now.thread_contexts > 0 && now.thread_contexts < 20) return 0;
  std::fprintf(stderr, "%d threads have left %llu contexts\n", kThreads,
               static_cast<unsigned long long>(now.thread_contexts));
  return 1;
}
