/// The functions of the C library that copy and fill memory, interposed by the hardened shared library: what they write to,
/// or read from, is to lie within one live block or outside of all. The work itself is the C library's.

#include "api/checked_copies.hpp"

#include <strings.h>

#include <cstdint>
#include <cstring>

#include "api/process_heap.hpp"

#ifdef HAKMEM_HARDENED

// libc's headers declare these with attributes: those that a definition need not repeat, and that they do not look at what
// they write to.
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmissing-attributes"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define HAKMEM_EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

// The C library's functions under the names by which fortified programs call them: the plain names are those below. The
// last argument is the bytes there are at the target, which they compare.
constexpr std::size_t kAny = SIZE_MAX;
extern "C" {
void* libc_memcpy(void*, const void*, std::size_t, std::size_t) noexcept asm("__memcpy_chk");
void* libc_memmove(void*, const void*, std::size_t, std::size_t) noexcept asm("__memmove_chk");
void* libc_mempcpy(void*, const void*, std::size_t, std::size_t) noexcept asm("__mempcpy_chk");
void* libc_memset(void*, int, std::size_t, std::size_t) noexcept asm("__memset_chk");
char* libc_strncpy(char*, const char*, std::size_t, std::size_t) noexcept asm("__strncpy_chk");
char* libc_stpncpy(char*, const char*, std::size_t, std::size_t) noexcept asm("__stpncpy_chk");
}

using hakmem::CheckedCopies;
using hakmem::Corruption;

[[gnu::always_inline]] inline bool are_judged(CheckedCopies which) noexcept {
  // Relaxed: an option orders nothing.
  return hakmem::checked_copies.load(std::memory_order_relaxed) >= which;
}
[[gnu::always_inline]] inline void check_write(const void* to, std::size_t bytes, const char* call) noexcept {
  if (bytes == 0 || !are_judged(CheckedCopies::kWrites)) return;
  hakmem::process_heap.check_range(to, bytes, call, Corruption::kWriteBeyond);
}
[[gnu::always_inline]] inline void check_read(const void* from, std::size_t bytes, const char* call) noexcept {
  if (bytes == 0 || !are_judged(CheckedCopies::kWritesAndReads)) return;
  hakmem::process_heap.check_range(from, bytes, call, Corruption::kReadBeyond);
}
/// Of a string of at most `most` bytes, which need not end then.
void check_read_of_string(const char* from, std::size_t most, const char* call) noexcept {
  if (!are_judged(CheckedCopies::kWritesAndReads)) return;
  const std::size_t length = ::strnlen(from, most);
  check_read(from, length < most ? length + 1 : length, call);
}

/// Copies a string with its end. \return where the end is
char* copy_string(char* to, const char* from, const char* call) noexcept {
  const std::size_t length = std::strlen(from);
  check_write(to, length + 1, call);
  check_read(from, length + 1, call);
  libc_memcpy(to, from, length + 1, kAny);
  return to + length;
}

}  // namespace

// The library's own use of these, which is of whole blocks: the linker is told to call them there.
extern "C" {
void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) noexcept {  // NOLINT(bugprone-reserved-identifier)
  return libc_memcpy(to, from, bytes, kAny);
}
void* __wrap_memmove(void* to, const void* from, std::size_t bytes) noexcept {  // NOLINT(bugprone-reserved-identifier)
  return libc_memmove(to, from, bytes, kAny);
}
void* __wrap_memset(void* to, int byte, std::size_t bytes) noexcept {  // NOLINT(bugprone-reserved-identifier)
  return libc_memset(to, byte, bytes, kAny);
}
}

HAKMEM_EXPORT void* memcpy(void* __restrict to, const void* __restrict from, std::size_t bytes) noexcept {
  check_write(to, bytes, "memcpy");
  check_read(from, bytes, "memcpy");
  return libc_memcpy(to, from, bytes, kAny);
}

HAKMEM_EXPORT void* memmove(void* to, const void* from, std::size_t bytes) noexcept {
  check_write(to, bytes, "memmove");
  check_read(from, bytes, "memmove");
  return libc_memmove(to, from, bytes, kAny);
}

HAKMEM_EXPORT void* mempcpy(void* __restrict to, const void* __restrict from, std::size_t bytes) noexcept {
  check_write(to, bytes, "mempcpy");
  check_read(from, bytes, "mempcpy");
  return libc_mempcpy(to, from, bytes, kAny);
}

HAKMEM_EXPORT void bcopy(const void* from, void* to, std::size_t bytes) noexcept {
  check_write(to, bytes, "bcopy");
  check_read(from, bytes, "bcopy");
  libc_memmove(to, from, bytes, kAny);
}

HAKMEM_EXPORT void* memset(void* to, int byte, std::size_t bytes) noexcept {
  check_write(to, bytes, "memset");
  return libc_memset(to, byte, bytes, kAny);
}

HAKMEM_EXPORT void bzero(void* to, std::size_t bytes) noexcept {
  check_write(to, bytes, "bzero");
  libc_memset(to, 0, bytes, kAny);
}

HAKMEM_EXPORT void explicit_bzero(void* to, std::size_t bytes) noexcept {
  check_write(to, bytes, "explicit_bzero");
  libc_memset(to, 0, bytes, kAny);
}

HAKMEM_EXPORT char* strcpy(char* __restrict to, const char* __restrict from) noexcept {
  copy_string(to, from, "strcpy");
  return to;
}

HAKMEM_EXPORT char* stpcpy(char* __restrict to, const char* __restrict from) noexcept {
  return copy_string(to, from, "stpcpy");
}

HAKMEM_EXPORT char* strcat(char* __restrict to, const char* __restrict from) noexcept {
  copy_string(to + std::strlen(to), from, "strcat");
  return to;
}

HAKMEM_EXPORT char* strncat(char* __restrict to, const char* __restrict from, std::size_t most) noexcept {
  char* end = to + std::strlen(to);
  const std::size_t length = ::strnlen(from, most);
  check_write(end, length + 1, "strncat");
  check_read_of_string(from, most, "strncat");
  libc_memcpy(end, from, length, kAny);
  end[length] = '\0';
  return to;
}

/// Writes `bytes` bytes, whatever the string has.
HAKMEM_EXPORT char* strncpy(char* __restrict to, const char* __restrict from, std::size_t bytes) noexcept {
  check_write(to, bytes, "strncpy");
  check_read_of_string(from, bytes, "strncpy");
  return libc_strncpy(to, from, bytes, kAny);
}

HAKMEM_EXPORT char* stpncpy(char* __restrict to, const char* __restrict from, std::size_t bytes) noexcept {
  check_write(to, bytes, "stpncpy");
  check_read_of_string(from, bytes, "stpncpy");
  return libc_stpncpy(to, from, bytes, kAny);
}

#endif
