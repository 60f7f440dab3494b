/// operator new and delete in all forms, interposed (B8).
///
/// A program may replace the plain forms alone: then the others go to the program's, as the standard has it
/// ([new.delete.single], [new.delete.array]), and blocks of its own never meet this heap.
///
/// The library does not depend on the C++ runtime. A program that calls operator new has one; what is needed of it when
/// memory runs out is looked up weakly, or in the library that calls. This file alone is compiled with exceptions.

#include <dlfcn.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "api/process_heap.hpp"

// Weak, so that in a static program the forms that it replaces take the place of these.
#define HAKMEM_EXPORT [[gnu::visibility("default"), gnu::weak]]

// Names of the C++ runtime's ABI: std::get_new_handler() and libstdc++'s std::__throw_bad_alloc().
extern "C" [[gnu::weak]] std::new_handler hakmem_get_new_handler() noexcept __asm__("_ZSt15get_new_handlerv");
extern "C" [[noreturn, gnu::weak]] void hakmem_throw_bad_alloc() __asm__("_ZSt17__throw_bad_allocv");

// What the compiler's code for a catch clause needs of the runtime: a process without one throws nothing.
__asm__(
    ".weak __gxx_personality_v0\n.weak __cxa_begin_catch\n.weak __cxa_end_catch\n.weak _Unwind_Resume\n"
    ".weak _ZSt9terminatev");

// A static program may be without a dynamic linker.
#pragma weak dladdr
#pragma weak dlclose
#pragma weak dlsym

namespace {

using hakmem::deallocate;
using hakmem::deallocate_aligned;
using hakmem::deallocate_sized;
using hakmem::deallocate_sized_aligned;

constexpr std::size_t kDefault = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

/// A request, and the code that makes it.
struct Request {
  std::size_t size;
  std::size_t alignment;
  const void* caller;
};

void* allocate(const Request& request) noexcept {
  return request.alignment <= kDefault ? hakmem::allocate(request.size)
                                       : hakmem::allocate_aligned(request.alignment, request.size);
}

/// Asks the new-handler for memory until there is some or no handler. \return nullptr when there is no handler.
[[gnu::noinline, gnu::cold]] void* retry(const Request& request) {
  for (;;) {
    const std::new_handler handler = hakmem_get_new_handler != nullptr ? hakmem_get_new_handler() : nullptr;
    if (handler == nullptr) return nullptr;
    handler();  // may throw std::bad_alloc
    if (void* block = allocate(request)) return block;
  }
}

using New = void* (*)(std::size_t);
using AlignedNew = void* (*)(std::size_t, std::align_val_t);
using NothrowNew = void* (*)(std::size_t, const std::nothrow_t&);
using AlignedNothrowNew = void* (*)(std::size_t, std::align_val_t, const std::nothrow_t&);
constexpr std::nothrow_t kNothrow{};  // std::nothrow is in the runtime

/// A C program may load a library in C++ for that library's eyes only. Its runtime is not to be found from here but from
/// there; and its own operator new knows the handler, throws the exception that the library catches, and catches it.
/// \return the operator of that name, or nullptr when there is none but `ours`
template <class Operator>
Operator find_in_caller(const char* symbol, const void* caller, Operator ours) noexcept {
  Dl_info where{};
  const bool linked = dladdr != nullptr && dlsym != nullptr && dlclose != nullptr;
  if (!linked || ::dladdr(caller, &where) == 0 || where.dli_fname == nullptr) return nullptr;
  // By name: a static program that refers to dlopen makes the linker warn.
  const auto open_library = reinterpret_cast<void* (*)(const char*, int)>(::dlsym(RTLD_DEFAULT, "dlopen"));
  void* library = open_library == nullptr ? nullptr : open_library(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return nullptr;
  const auto found = reinterpret_cast<Operator>(::dlsym(library, symbol));
  (void)::dlclose(library);  // its code is running, so it stays
  return found == ours ? nullptr : found;
}

/// The last resort of the forms that throw.
[[gnu::noinline, gnu::cold]] void* ask_callers_runtime(const Request& request) {
  if (request.alignment <= kDefault) {
    if (const auto plain = find_in_caller<New>("_Znwm", request.caller, &::operator new)) return plain(request.size);
  } else if (const auto aligned = find_in_caller<AlignedNew>("_ZnwmSt11align_val_t", request.caller, &::operator new)) {
    return aligned(request.size, std::align_val_t{request.alignment});
  }
  hakmem::linux_detail::Line line;
  line << "hakmem: operator new: there is no memory, and no C++ runtime that could throw std::bad_alloc";
  line.print();
  std::abort();
}

/// The last resort of the nothrow forms, which have nobody to ask for more.
[[gnu::noinline, gnu::cold]] void* ask_callers_runtime_nothrow(const Request& request) noexcept {
  if (request.alignment <= kDefault) {
    const auto plain = find_in_caller<NothrowNew>("_ZnwmRKSt9nothrow_t", request.caller, &::operator new);
    return plain == nullptr ? nullptr : plain(request.size, kNothrow);
  }
  const auto aligned =
      find_in_caller<AlignedNothrowNew>("_ZnwmSt11align_val_tRKSt9nothrow_t", request.caller, &::operator new);
  return aligned == nullptr ? nullptr : aligned(request.size, std::align_val_t{request.alignment}, kNothrow);
}

// A static program may have one of the two functions of the runtime without the other.

[[gnu::noinline, gnu::cold]] void* retry_or_throw(const Request& request) {
  if (void* block = retry(request)) return block;
  if (hakmem_throw_bad_alloc == nullptr) return ask_callers_runtime(request);
  hakmem_throw_bad_alloc();
}

/// The nothrow forms give null where the others throw, which is also what the handler's exception comes to.
[[gnu::noinline, gnu::cold]] void* retry_or_null(const Request& request) noexcept {
  if (hakmem_get_new_handler == nullptr) return ask_callers_runtime_nothrow(request);
  try {
    return retry(request);
  } catch (...) {
    return nullptr;
  }
}

[[gnu::always_inline]] inline void* new_block(const Request& request) {
  if (void* block = allocate(request)) [[likely]]
    return block;
  return retry_or_throw(request);
}

[[gnu::always_inline]] inline void* new_block_nothrow(const Request& request) noexcept {
  if (void* block = allocate(request)) [[likely]]
    return block;
  return retry_or_null(request);
}

constexpr std::size_t value(std::align_val_t alignment) noexcept { return static_cast<std::size_t>(alignment); }

}  // namespace

// This library's forms, under names that nobody replaces.
extern "C" {
[[gnu::visibility("hidden")]] void* hakmem_new(std::size_t size) {
  return new_block({size, kDefault, __builtin_return_address(0)});
}
[[gnu::visibility("hidden")]] void* hakmem_new_aligned(std::size_t size, std::align_val_t a) {
  return new_block({size, value(a), __builtin_return_address(0)});
}
[[gnu::visibility("hidden")]] void hakmem_delete(void* block) noexcept { deallocate(block); }
[[gnu::visibility("hidden")]] void hakmem_delete_aligned(void* block, std::align_val_t a) noexcept {
  deallocate_aligned(block, value(a));
}
[[gnu::visibility("hidden")]] void* hakmem_new_array(std::size_t size) { return ::operator new(size); }
[[gnu::visibility("hidden")]] void* hakmem_new_array_aligned(std::size_t size, std::align_val_t a) {
  return ::operator new(size, a);
}
[[gnu::visibility("hidden")]] void hakmem_delete_array(void* block) noexcept { ::operator delete(block); }
[[gnu::visibility("hidden")]] void hakmem_delete_array_aligned(void* block, std::align_val_t a) noexcept {
  ::operator delete(block, a);
}
}

#define HAKMEM_ALIAS(name) HAKMEM_EXPORT [[gnu::alias(#name)]]

HAKMEM_ALIAS(hakmem_new) void* operator new(std::size_t size);
HAKMEM_ALIAS(hakmem_new_aligned) void* operator new(std::size_t size, std::align_val_t a);
HAKMEM_ALIAS(hakmem_delete) void operator delete(void* block) noexcept;
HAKMEM_ALIAS(hakmem_delete_aligned) void operator delete(void* block, std::align_val_t a) noexcept;
HAKMEM_ALIAS(hakmem_new_array) void* operator new[](std::size_t size);
HAKMEM_ALIAS(hakmem_new_array_aligned) void* operator new[](std::size_t size, std::align_val_t a);
HAKMEM_ALIAS(hakmem_delete_array) void operator delete[](void* block) noexcept;
HAKMEM_ALIAS(hakmem_delete_array_aligned) void operator delete[](void* block, std::align_val_t a) noexcept;

namespace {

using Delete = void (*)(void*);
using AlignedDelete = void (*)(void*, std::align_val_t);

/// Whether the form that a program's calls reach is this library's.
bool is_ours(New plain) noexcept { return plain == &hakmem_new; }
bool is_ours(AlignedNew plain) noexcept { return plain == &hakmem_new_aligned; }
[[maybe_unused]] bool is_ours(Delete plain) noexcept { return plain == &hakmem_delete; }
[[maybe_unused]] bool is_ours(AlignedDelete plain) noexcept { return plain == &hakmem_delete_aligned; }

/// What a nothrow form does with a form that may throw and is not this library's.
template <class Allocate>
void* null_for_exception(Allocate allocate_block) noexcept {
  try {
    return allocate_block();
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

HAKMEM_EXPORT void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  if (is_ours(static_cast<New>(&::operator new))) [[likely]]
    return new_block_nothrow({size, kDefault, __builtin_return_address(0)});
  return null_for_exception([size] { return ::operator new(size); });
}
HAKMEM_EXPORT void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  if (is_ours(static_cast<AlignedNew>(&::operator new))) [[likely]]
    return new_block_nothrow({size, value(a), __builtin_return_address(0)});
  return null_for_exception([size, a] { return ::operator new(size, a); });
}
HAKMEM_EXPORT void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  const auto array = static_cast<New>(&::operator new[]);
  if (array == &hakmem_new_array && is_ours(static_cast<New>(&::operator new))) [[likely]]
    return new_block_nothrow({size, kDefault, __builtin_return_address(0)});
  return null_for_exception([size, array] { return array(size); });
}
HAKMEM_EXPORT void* operator new[](std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  const auto array = static_cast<AlignedNew>(&::operator new[]);
  if (array == &hakmem_new_array_aligned && is_ours(static_cast<AlignedNew>(&::operator new))) [[likely]]
    return new_block_nothrow({size, value(a), __builtin_return_address(0)});
  return null_for_exception([size, a, array] { return array(size, a); });
}

// Builds that keep a block's size compare it, unless the block is the program's own.
HAKMEM_EXPORT void operator delete(void* block, [[maybe_unused]] std::size_t size) noexcept {
  if constexpr (hakmem::kChecksSize<hakmem::ProcessHeap>) {
    if (is_ours(static_cast<Delete>(&::operator delete))) return deallocate_sized(block, size);
  }
  ::operator delete(block);
}
HAKMEM_EXPORT void operator delete(void* block, [[maybe_unused]] std::size_t size, std::align_val_t a) noexcept {
  if constexpr (hakmem::kChecksSize<hakmem::ProcessHeap>) {
    if (is_ours(static_cast<AlignedDelete>(&::operator delete))) return deallocate_sized_aligned(block, size, value(a));
  }
  ::operator delete(block, a);
}
HAKMEM_EXPORT void operator delete[](void* block, [[maybe_unused]] std::size_t size) noexcept {
  if constexpr (hakmem::kChecksSize<hakmem::ProcessHeap>) {
    if (static_cast<Delete>(&::operator delete[]) == &hakmem_delete_array) return ::operator delete(block, size);
  }
  ::operator delete[](block);
}
HAKMEM_EXPORT void operator delete[](void* block, [[maybe_unused]] std::size_t size, std::align_val_t a) noexcept {
  if constexpr (hakmem::kChecksSize<hakmem::ProcessHeap>) {
    const auto array = static_cast<AlignedDelete>(&::operator delete[]);
    if (array == &hakmem_delete_array_aligned) return ::operator delete(block, size, a);
  }
  ::operator delete[](block, a);
}
HAKMEM_EXPORT void operator delete(void* block, const std::nothrow_t&) noexcept { ::operator delete(block); }
HAKMEM_EXPORT void operator delete[](void* block, const std::nothrow_t&) noexcept { ::operator delete[](block); }
HAKMEM_EXPORT void operator delete(void* block, std::align_val_t a, const std::nothrow_t&) noexcept {
  ::operator delete(block, a);
}
HAKMEM_EXPORT void operator delete[](void* block, std::align_val_t a, const std::nothrow_t&) noexcept {
  ::operator delete[](block, a);
}
