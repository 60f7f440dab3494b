/// The program has made keys of its own before malloc makes its key, and a thread's first allocation comes from inside
/// pthread_setspecific, for the table that the key's value lies in: what malloc keeps for the thread must be given back at
/// its end all the same. Links the library.

#include <hakmem/hakmem.h>
#include <pthread.h>

#include <cstdio>

namespace {

pthread_key_t key;

[[gnu::constructor(101)]] void make_keys() {
  pthread_key_t unused;
  for (int i = 0; i < 33; ++i) (void)::pthread_key_create(&unused, nullptr);
  (void)::pthread_key_create(&key, nullptr);
}

}  // namespace

int main() {
  constexpr int kThreads = 2000;
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    const auto body = [](void*) -> void* {
      (void)::pthread_setspecific(key, &key);
      return nullptr;
    };
    if (::pthread_create(&thread, nullptr, body, nullptr) != 0) return 2;
    (void)::pthread_join(thread, nullptr);
  }
  hak_statistics now{};
  hak_statistics_get(&now);
  if (now.thread_contexts < 20) return 0;
  std::fprintf(stderr, "%d threads have left %llu contexts\n", kThreads,
               static_cast<unsigned long long>(now.thread_contexts));
  return 1;
}
