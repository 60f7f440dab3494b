#pragma once
/// Floor 1. An operating system for heaps whose free blocks are poisoned for AddressSanitizer: what goes back to the system
/// may serve anybody next, so no address leaves the heap poisoned, by whichever call it leaves.

#include <sanitizer/asan_interface.h>

#include <cstddef>

namespace hakmem {

/// \tparam Base the system itself, with static calls
template <class Base>
struct UnpoisoningOs : Base {
  // Each before the call: the addresses may be another thread's the moment that they are given back.
  static void release(void* p, std::size_t bytes) noexcept {
    ASAN_UNPOISON_MEMORY_REGION(p, bytes);
    Base::release(p, bytes);
  }
  [[nodiscard]] static bool resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    if (new_bytes < old_bytes) ASAN_UNPOISON_MEMORY_REGION(static_cast<char*>(p) + new_bytes, old_bytes - new_bytes);
    return Base::resize(p, old_bytes, new_bytes);
  }
  [[nodiscard]] static bool move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes) noexcept {
    ASAN_UNPOISON_MEMORY_REGION(p, old_bytes);
    return Base::move(p, old_bytes, target, new_bytes);
  }
};

}  // namespace hakmem
