#pragma once
/// Floor 1. A policy's in-block link for a heap whose free blocks a tool forbids to touch: AddressSanitizer (poisoned)
/// or Memcheck (not addressable). Only the heap may reach into them, and only through the link.

#if defined(__SANITIZE_ADDRESS__)
#define HAKMEM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAKMEM_ASAN 1
#endif
#endif

#ifdef HAKMEM_VALGRIND
#include <valgrind/memcheck.h>
#endif

namespace hakmem {

#if defined(HAKMEM_ASAN)

template <class Sync>
struct WatchedSync : Sync {
  /// A block that is freed may have words that no program may read, or that it has not written.
  static constexpr bool kMarksFreeBlocks = false;

  [[gnu::no_sanitize_address]] static void* load_link(const void* block) noexcept {
    return *static_cast<void* const*>(block);
  }
  [[gnu::no_sanitize_address]] static void store_link(void* block, void* next) noexcept {
    *static_cast<void**>(block) = next;
  }
};

#elif defined(HAKMEM_VALGRIND)

template <class Sync>
struct WatchedSync : Sync {
  /// A block that is freed may have words that no program may read, or that it has not written.
  static constexpr bool kMarksFreeBlocks = false;

  static void* load_link(const void* block) noexcept {
    (void)VALGRIND_MAKE_MEM_DEFINED(block, sizeof(void*));
    void* next = Sync::load_link(block);
    (void)VALGRIND_MAKE_MEM_NOACCESS(block, sizeof(void*));
    return next;
  }
  static void store_link(void* block, void* next) noexcept {
    (void)VALGRIND_MAKE_MEM_DEFINED(block, sizeof(void*));
    Sync::store_link(block, next);
    (void)VALGRIND_MAKE_MEM_NOACCESS(block, sizeof(void*));
  }
};

#else

template <class Sync>
using WatchedSync = Sync;

#endif

}  // namespace hakmem
