/// operator new and delete over the broken malloc, sound but for the fault that is planted.

#include <exception>
#include <new>

#include "faults.hpp"

#define BROKEN_EXPORT [[gnu::visibility("default")]]

namespace {

using hakmem::broken::deallocate;
using hakmem::broken::Fault;
using hakmem::broken::is;

constexpr std::size_t kDefault = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

constexpr std::size_t value(std::align_val_t alignment) { return static_cast<std::size_t>(alignment); }

thread_local bool is_in_handler = false;

struct InHandler {
  InHandler() { is_in_handler = true; }
  ~InHandler() { is_in_handler = false; }
  InHandler(const InHandler&) = delete;
  InHandler& operator=(const InHandler&) = delete;
};

void* new_block(std::size_t bytes, std::size_t alignment) {
  // A form that must not give null asks for a byte at least.
  const std::size_t at_least = bytes == 0 && !is(Fault::kZeroNull) && !is(Fault::kZeroShared) ? 1 : bytes;
  for (int calls = 0;; ++calls) {
    if (void* block = hakmem::broken::allocate_aligned(alignment, at_least)) return block;
    const std::new_handler handler = is(Fault::kIgnoresHandler) ? nullptr : std::get_new_handler();
    if (is(Fault::kNewReturnsNull)) return nullptr;
    if (handler == nullptr || (is(Fault::kHandlerOnce) && calls > 0)) throw std::bad_alloc();
    if (is(Fault::kHandlersDoNotNest) && is_in_handler) throw std::bad_alloc();
    const InHandler in_handler;
    handler();
  }
}

void* new_block_nothrow(std::size_t bytes, std::size_t alignment) noexcept {
  try {
    return new_block(bytes, alignment);
  } catch (...) {
    if (is(Fault::kNothrowThrows)) std::terminate();
    if (is(Fault::kHandlersThrowEscapes) && std::get_new_handler() != nullptr) std::terminate();
    return nullptr;
  }
}

}  // namespace

BROKEN_EXPORT void* operator new(std::size_t n) { return new_block(n, kDefault); }
BROKEN_EXPORT void* operator new[](std::size_t n) { return new_block(n, kDefault); }
BROKEN_EXPORT void* operator new(std::size_t n, std::align_val_t a) { return new_block(n, value(a)); }
BROKEN_EXPORT void* operator new[](std::size_t n, std::align_val_t a) { return new_block(n, value(a)); }
BROKEN_EXPORT void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  return new_block_nothrow(n, kDefault);
}
BROKEN_EXPORT void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
  return new_block_nothrow(n, kDefault);
}
BROKEN_EXPORT void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return new_block_nothrow(n, value(a));
}
BROKEN_EXPORT void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return new_block_nothrow(n, value(a));
}

BROKEN_EXPORT void operator delete(void* block) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete[](void* block) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete(void* block, std::size_t) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete[](void* block, std::size_t) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete(void* block, std::align_val_t) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete[](void* block, std::align_val_t) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete(void* block, std::size_t, std::align_val_t) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete(void* block, const std::nothrow_t&) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete[](void* block, const std::nothrow_t&) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { deallocate(block); }
BROKEN_EXPORT void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
  deallocate(block);
}
