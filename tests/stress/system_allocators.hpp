#pragma once
/// Allocators that find each thread's state by themselves.

#include <memory>

#include "allocator.hpp"

namespace hakmem::stress {

/// The process's heap through include/hakmem/hakmem.h. \throws Failure when the build does not have it.
[[nodiscard]] std::unique_ptr<Allocator> make_api_allocator();

/// The malloc that this process runs on: libc's, a sanitizer's or a preloaded one.
[[nodiscard]] std::unique_ptr<Allocator> make_malloc_allocator();

}  // namespace hakmem::stress
