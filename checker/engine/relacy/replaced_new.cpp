/// The rest of the replacement of operator new and delete that Relacy begins in its headers: without the forms
/// below, memory would be taken from Relacy and given to the C library, or the other way round.

#include <cstdlib>
#include <new>

#include "engine/graph/storage.hpp"
#include "engine/relacy/relacy.hpp"

namespace rl {

void* take_outside(size_t size) {
  if (check::graph::Intercepted::take != nullptr) return check::graph::Intercepted::take(size);
  return std::malloc(size);
}

void give_back_outside(void* p) {
  if (check::graph::Intercepted::take != nullptr && p != nullptr && check::graph::Intercepted::give_back(p)) return;
  std::free(p);
}

}  // namespace rl

void operator delete(void* p, std::size_t) noexcept { ::operator delete(p); }
void operator delete[](void* p, std::size_t) noexcept { ::operator delete[](p); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return ::operator new(bytes); }
void operator delete(void* p, const std::nothrow_t&) noexcept { ::operator delete(p); }

namespace {

// The headers define their forms inline; taking the addresses makes this file emit them for the whole program.
[[gnu::used]] void* (*const new_one)(std::size_t) = &::operator new;
[[gnu::used]] void* (*const new_many)(std::size_t) = &::operator new[];
[[gnu::used]] void (*const delete_one)(void*) = &::operator delete;
[[gnu::used]] void (*const delete_many)(void*) = &::operator delete[];

}  // namespace
