/// operator new and delete in all forms, interposed (B8).
///
/// The library does not depend on the C++ runtime. A program that calls operator new has one; what is needed of it when
/// memory runs out is looked up weakly. This file alone is compiled with exceptions.

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "api/process_heap.hpp"

#define HAKMEM_EXPORT [[gnu::visibility("default")]]

// Names of the C++ runtime's ABI: std::get_new_handler() and libstdc++'s std::__throw_bad_alloc().
extern "C" [[gnu::weak]] std::new_handler hakmem_get_new_handler() noexcept __asm__("_ZSt15get_new_handlerv");
extern "C" [[noreturn, gnu::weak]] void hakmem_throw_bad_alloc() __asm__("_ZSt17__throw_bad_allocv");

// What the compiler's code for a catch clause needs of the runtime: a process without one throws nothing.
__asm__(
    ".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak _Unwind_Resume\n"
    ".weak _ZSt9terminatev");

namespace {

using hakmem::deallocate;
using hakmem::deallocate_aligned;
using hakmem::deallocate_sized;
using hakmem::deallocate_sized_aligned;

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  return alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? hakmem::allocate(size)
                                                       : hakmem::allocate_aligned(alignment, size);
}

/// Asks the new-handler for memory until there is some or no handler. \return nullptr when there is no handler.
[[gnu::noinline, gnu::cold]] void* retry(std::size_t size, std::size_t alignment) {
  for (;;) {
    const std::new_handler handler = hakmem_get_new_handler != nullptr ? hakmem_get_new_handler() : nullptr;
    if (handler == nullptr) return nullptr;
    handler();  // may throw std::bad_alloc
    if (void* block = allocate(size, alignment)) return block;
  }
}

[[gnu::noinline, gnu::cold]] void* retry_or_throw(std::size_t size, std::size_t alignment) {
  if (void* block = retry(size, alignment)) return block;
  if (hakmem_throw_bad_alloc != nullptr) hakmem_throw_bad_alloc();
  std::abort();
}

inline void* new_block(std::size_t size, std::size_t alignment) {
  if (void* block = allocate(size, alignment)) [[likely]]
    return block;
  return retry_or_throw(size, alignment);
}

/// The nothrow forms give null where the others throw, which is also what the handler's exception comes to.
[[gnu::noinline, gnu::cold]] void* retry_or_null(std::size_t size, std::size_t alignment) noexcept {
  try {
    return retry(size, alignment);
  } catch (...) {
    return nullptr;
  }
}

inline void* new_block_nothrow(std::size_t size, std::size_t alignment) noexcept {
  if (void* block = allocate(size, alignment)) [[likely]]
    return block;
  return retry_or_null(size, alignment);
}

constexpr std::size_t kDefault = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

constexpr std::size_t value(std::align_val_t alignment) noexcept { return static_cast<std::size_t>(alignment); }

}  // namespace

HAKMEM_EXPORT void* operator new(std::size_t size) { return new_block(size, kDefault); }
HAKMEM_EXPORT void* operator new[](std::size_t size) { return new_block(size, kDefault); }
HAKMEM_EXPORT void* operator new(std::size_t size, std::align_val_t a) { return new_block(size, value(a)); }
HAKMEM_EXPORT void* operator new[](std::size_t size, std::align_val_t a) { return new_block(size, value(a)); }
HAKMEM_EXPORT void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return new_block_nothrow(size, kDefault);
}
HAKMEM_EXPORT void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return new_block_nothrow(size, kDefault);
}
HAKMEM_EXPORT void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return new_block_nothrow(size, value(a));
}
HAKMEM_EXPORT void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return new_block_nothrow(size, value(a));
}

HAKMEM_EXPORT void operator delete(void* block) noexcept { deallocate(block); }
HAKMEM_EXPORT void operator delete[](void* block) noexcept { deallocate(block); }
HAKMEM_EXPORT void operator delete(void* block, std::size_t size) noexcept { deallocate_sized(block, size); }
HAKMEM_EXPORT void operator delete[](void* block, std::size_t size) noexcept { deallocate_sized(block, size); }
HAKMEM_EXPORT void operator delete(void* block, std::align_val_t a) noexcept { deallocate_aligned(block, value(a)); }
HAKMEM_EXPORT void operator delete[](void* block, std::align_val_t a) noexcept { deallocate_aligned(block, value(a)); }
HAKMEM_EXPORT void operator delete(void* block, std::size_t size, std::align_val_t a) noexcept {
  deallocate_sized_aligned(block, size, value(a));
}
HAKMEM_EXPORT void operator delete[](void* block, std::size_t size, std::align_val_t a) noexcept {
  deallocate_sized_aligned(block, size, value(a));
}
HAKMEM_EXPORT void operator delete(void* block, const std::nothrow_t&) noexcept { deallocate(block); }
HAKMEM_EXPORT void operator delete[](void* block, const std::nothrow_t&) noexcept { deallocate(block); }
HAKMEM_EXPORT void operator delete(void* block, std::align_val_t a, const std::nothrow_t&) noexcept {
  deallocate_aligned(block, value(a));
}
HAKMEM_EXPORT void operator delete[](void* block, std::align_val_t a, const std::nothrow_t&) noexcept {
  deallocate_aligned(block, value(a));
}
