/// A replacement of malloc that leaves the rest of the family to the C library: what the manual's section on replacing
/// malloc warns of.

#include <cstddef>

#include "memory.hpp"

#define PARTIAL_EXPORT extern "C" [[gnu::visibility("default")]]

PARTIAL_EXPORT void* malloc(std::size_t bytes) noexcept { return __libc_malloc(bytes); }
PARTIAL_EXPORT void free(void* block) noexcept { __libc_free(block); }

#ifdef PARTIAL_IS_HAKMEM
// Says whose it is: what others may lack, hakmem must have.
PARTIAL_EXPORT int hak_init() noexcept { return 0; }
#endif
