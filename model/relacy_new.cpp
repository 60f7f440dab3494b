/// Completes the replacement of operator new and delete that Relacy's headers begin: the sized and nothrow forms, so
/// that every allocation of a model thread is seen and none is freed by another allocator. One per program.

#include <new>

#include "model/relacy_sync.hpp"

void operator delete(void* p, std::size_t) noexcept { ::operator delete(p); }
void operator delete[](void* p, std::size_t) noexcept { ::operator delete[](p); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return ::operator new(n); }
void operator delete(void* p, const std::nothrow_t&) noexcept { ::operator delete(p); }

namespace {
// Relacy defines these inline; without a use no translation unit would emit them.
[[gnu::used]] void* (*const kNew)(std::size_t) = &::operator new;
[[gnu::used]] void* (*const kNewArray)(std::size_t) = &::operator new[];
[[gnu::used]] void (*const kDelete)(void*) = &::operator delete;
[[gnu::used]] void (*const kDeleteArray)(void*) = &::operator delete[];
}  // namespace
