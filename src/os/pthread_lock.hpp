#pragma once
/// Floor 1. A lock that lets its waiters sleep.

#include <pthread.h>

namespace hakmem {

/// Not recursive. Usable without construction at run time, before any constructor, and in the child of a fork that
/// was made while the forking thread held it.
class PthreadLock {
 public:
  constexpr PthreadLock() noexcept = default;
  PthreadLock(const PthreadLock&) = delete;
  PthreadLock& operator=(const PthreadLock&) = delete;

  void lock() noexcept { (void)::pthread_mutex_lock(&mutex_); }
  /// \return whether the lock is the caller's now; never waits.
  [[nodiscard]] bool try_lock() noexcept { return ::pthread_mutex_trylock(&mutex_) == 0; }
  /// Only who holds it.
  void unlock() noexcept { (void)::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

}  // namespace hakmem
