#include "engine/graph/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>
#include <utility>

namespace check::graph {

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
  void* const memory = ::mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<std::byte*>(memory) + kGuardBytes;
  // An overflow is to be a crash, and no silent damage.
  if (::mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    ::munmap(memory, kGuardBytes + kStackBytes);
    throw std::bad_alloc();
  }
}

Fiber::~Fiber() { ::munmap(stack_ - kGuardBytes, kGuardBytes + kStackBytes); }

void Fiber::enter(unsigned high, unsigned low) {
  reinterpret_cast<Fiber*>(static_cast<std::uintptr_t>(high) << 32 | low)->loop();
}

/// The bottom of the fiber's stack, which never returns: whoever starts anew jumps back to it.
void Fiber::loop() {
  for (;;) {
    if (_setjmp(entry_) == 0) {
      // The first time the caller waits in its context, and from then on in its jump.
      if (!entered_) {
        entered_ = true;
        ::swapcontext(&first_, &outside_);
      }
    }
    ended_ = false;
    body_();
    ended_ = true;
    give_way();
  }
}

bool Fiber::resume() noexcept {
  if (!entered_) {
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    ::getcontext(&first_);
    first_.uc_stack.ss_sp = stack_;
    first_.uc_stack.ss_size = kStackBytes;
    first_.uc_link = nullptr;
    ::makecontext(&first_, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self >> 32),
                  static_cast<unsigned>(self));
    ::swapcontext(&outside_, &first_);
  }
  if (_setjmp(caller_) == 0) {
    if (!begins_) std::longjmp(here_, 1);
    begins_ = false;
    std::longjmp(entry_, 1);
  }
  return !ended_;
}

void Fiber::give_way() noexcept {
  if (_setjmp(here_) == 0) std::longjmp(caller_, 1);
}

}  // namespace check::graph
