#include "engine/relacy/mutex.hpp"

#include <memory>
#include <new>

#include "engine/graph/native.hpp"
#include "engine/relacy/relacy.hpp"

namespace check {

using graph::Native;

struct Mutex::Inside {
  /// In the graph engine: a word that is 1 while somebody has the lock, and who has it.
  struct Lock {
    graph::Atom word;
    unsigned owner = kNobody;
  };
  static constexpr unsigned kNobody = ~0u;

  static_assert(sizeof(rl::mutex) <= sizeof(mutex_) && alignof(rl::mutex) <= 8);
  static_assert(sizeof(Lock) <= sizeof(mutex_) && alignof(Lock) <= 8);

  static rl::mutex& of(Mutex& mutex) { return *std::launder(reinterpret_cast<rl::mutex*>(mutex.mutex_)); }
  static Lock& lock_of(Mutex& mutex) { return *std::launder(reinterpret_cast<Lock*>(mutex.mutex_)); }

  static void lock(Native& native, Lock& lock, const Where& where) {
    if (lock.owner == native.thread()) fail(native, Ending::kMutexLockedTwice, where);
    graph::Operation operation;
    operation.what = graph::Operation::What::kCompareExchange;
    operation.order = std::memory_order_acquire;
    operation.value = 1;
    while (native.perform(lock.word, operation,
                          {EventKind::kLock, ValueType::kUnsigned, &lock, where, "exclusive lock"}) != 0)
      native.pause(where, true);
    lock.owner = native.thread();
  }

  static void unlock(Native& native, Lock& lock, const Where& where) {
    if (lock.owner != native.thread()) fail(native, Ending::kMutexUnlockedByAnother, where);
    lock.owner = kNobody;
    graph::Operation operation;
    operation.what = graph::Operation::What::kWrite;
    operation.order = std::memory_order_release;
    (void)native.perform(lock.word, operation,
                         {EventKind::kUnlock, ValueType::kUnsigned, &lock, where, "exclusive unlock"});
  }

  static void fail(Native& native, Ending ending, const Where& where) { native.fail(ending, "", where); }
};

Mutex::Mutex() {
  if (Native* const native = Native::running) {
    native->born((::new (static_cast<void*>(mutex_)) Inside::Lock)->word, 0);
  } else {
    ::new (static_cast<void*>(mutex_)) rl::mutex;
  }
}

Mutex::~Mutex() {
  Native* const native = Native::running;
  if (native == nullptr) {
    std::destroy_at(&Inside::of(*this));
  } else if (Inside::lock_of(*this).owner != Inside::kNobody) {
    Inside::fail(*native, Ending::kMutexDestroyedWhileLocked, Where::here());
  }
}

void Mutex::lock(Where where) {
  if (Native* const native = Native::running) return Inside::lock(*native, Inside::lock_of(*this), where);
  Inside::of(*this).lock(info_of(where));
}

void Mutex::unlock(Where where) {
  if (Native* const native = Native::running) return Inside::unlock(*native, Inside::lock_of(*this), where);
  Inside::of(*this).unlock(info_of(where));
}

}  // namespace check
