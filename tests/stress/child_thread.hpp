#pragma once
/// Short threads on a stack of the caller's.
///
/// The C library keeps the stacks of ended threads for new ones, in an order that Helgrind cannot see: threads that
/// start threads of their own at the same time would seem to race for them.

#include <pthread.h>

#include <cstddef>

#include "failure.hpp"
#include "os/linux_os.hpp"

namespace hakmem::stress {

/// Memory for the stack of one thread at a time.
class ChildStack {
 public:
  ChildStack() : memory_(LinuxOs::reserve(kBytes, LinuxOs::kPageBytes)) {
    if (memory_ == nullptr) throw Failure("the harness has no memory for a stack");
  }
  ~ChildStack() { LinuxOs::release(memory_, kBytes); }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;

  /// Runs `body()`, which throws nothing, in a new thread, to that thread's end.
  template <class Body>
  void run(Body body) {
    pthread_attr_t attributes;
    pthread_t thread;
    ::pthread_attr_init(&attributes);
    const bool started = ::pthread_attr_setstack(&attributes, memory_, kBytes) == 0 &&
                         ::pthread_create(&thread, &attributes, call<Body>, &body) == 0;
    ::pthread_attr_destroy(&attributes);
    if (!started) throw Failure("the system gives no further thread");
    ::pthread_join(thread, nullptr);
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 20;

  template <class Body>
  static void* call(void* body) {
    (*static_cast<Body*>(body))();
    return nullptr;
  }

  void* memory_;
};

}  // namespace hakmem::stress
