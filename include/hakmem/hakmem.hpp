/// hakmem for C++17 and later: an allocator for containers, a std::pmr::memory_resource and owning pointers, all over
/// the C API of hakmem.h. Header only: it needs nothing of the library but that API.
///
/// Everything here is thread-safe. Blocks are those of the C API: hak_free may free what an allocator here has given
/// out, and the other way round.
#ifndef HAKMEM_HAKMEM_HPP
#define HAKMEM_HAKMEM_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <new>
#include <type_traits>
#include <utility>

#include "hakmem/hakmem.h"

namespace hakmem {

namespace detail {

/// Throws, or ends the process where exceptions are switched off.
template <class Exception>
[[noreturn]] inline void fail() {
#if defined(__cpp_exceptions)
  throw Exception();
#else
  std::abort();
#endif
}

/// hak_alloc aligns to this many bytes whatever the size.
inline constexpr std::size_t kNaturalAlignment = 16;

/// Throws std::bad_alloc if there is no memory or the size is impossible. `alignment` is a power of two.
[[nodiscard]] inline void* allocate(std::size_t bytes, std::size_t alignment) {
  void* block = alignment <= kNaturalAlignment ? hak_alloc(bytes) : hak_aligned_alloc(alignment, bytes);
  if (block == nullptr) fail<std::bad_alloc>();
  return block;
}

}  // namespace detail

// NOLINTBEGIN(readability-identifier-naming): types are named as those of the standard library that they stand for.

/// Allocator of the standard's requirements (Cpp17Allocator). It has no state: all are equal, of whatever type, and
/// what one has allocated any may free. Over-aligned types get their alignment.
template <class T>
class allocator {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using propagate_on_container_move_assignment = std::true_type;
  using is_always_equal = std::true_type;

  constexpr allocator() noexcept = default;
  template <class U>
  constexpr allocator(const allocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor): the standard asks so

  /// Memory for `count` objects, none of them constructed. Throws std::bad_array_new_length if their size is no
  /// std::size_t, std::bad_alloc if there is no memory.
  [[nodiscard]] T* allocate(std::size_t count) {
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the size of an incomplete type is an error.
    static_assert(sizeof(T) > 0, "the type must be complete");
    if (count > SIZE_MAX / sizeof(T)) detail::fail<std::bad_array_new_length>();
    return static_cast<T*>(detail::allocate(count * sizeof(T), alignof(T)));
  }

  /// Frees what `allocate` of an allocator of any type has returned.
  void deallocate(T* block, std::size_t) noexcept { hak_free(block); }
};

template <class T, class U>
[[nodiscard]] constexpr bool operator==(const allocator<T>&, const allocator<U>&) noexcept {
  return true;
}

template <class T, class U>
[[nodiscard]] constexpr bool operator!=(const allocator<T>&, const allocator<U>&) noexcept {
  return false;
}

/// The heap as a resource for the containers of std::pmr. It has no state either: any frees what another allocated.
class memory_resource final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override { return detail::allocate(bytes, alignment); }

  void do_deallocate(void* block, std::size_t, std::size_t) override { hak_free(block); }

  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
#if defined(__cpp_rtti)
    return this == &other || dynamic_cast<const memory_resource*>(&other) != nullptr;
#else
    return this == &other;
#endif
  }
};

/// A resource that lives from its first use to the end of the process. It is never destroyed, so that objects with
/// static storage may use it in their destructors.
[[nodiscard]] inline memory_resource* get_memory_resource() noexcept {
  alignas(memory_resource) static unsigned char storage[sizeof(memory_resource)];
  static memory_resource* const resource = ::new (static_cast<void*>(storage)) memory_resource;
  return resource;
}

/// Deleter for raw blocks of the C API: std::unique_ptr<char, hakmem::free_deleter> text(...).
struct free_deleter {
  void operator()(void* block) const noexcept { hak_free(block); }
};

/// Destroys an object that make_unique has made. It does not convert to the deleter of a base class: a base need not
/// lie where its block starts.
template <class T>
struct deleter {
  static_assert(!std::is_array_v<T>, "use a container for arrays");

  void operator()(T* object) const noexcept {
    std::destroy_at(object);
    // a const object is no more: its memory may be freed
    hak_free(const_cast<std::remove_cv_t<T>*>(object));
  }
};

// NOLINTEND(readability-identifier-naming)

template <class T>
using unique_ptr = std::unique_ptr<T, deleter<T>>;

/// An object in a block of its own. Throws std::bad_alloc, or what the constructor throws (the block is freed then).
template <class T, class... Arguments>
[[nodiscard]] unique_ptr<T> make_unique(Arguments&&... arguments) {
  std::unique_ptr<void, free_deleter> block(detail::allocate(sizeof(T), alignof(T)));
  T* object = ::new (block.get()) T(std::forward<Arguments>(arguments)...);
  static_cast<void>(block.release());
  return unique_ptr<T>(object);
}

}  // namespace hakmem

#endif
