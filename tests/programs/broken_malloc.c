/* A malloc with one planted fault, chosen by FAULT when it is compiled. What checks programs has to notice each of
   them, and nothing else: with FAULT 0 it is the C library's own malloc. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kNone, kOverlap, kDirtyCalloc, kShortRealloc, kNull, kHang, kCrash, kLeak, kSame };

/* A program's start-up is left alone, so that the fault hits its work. */
enum { kHealthyCalls = 2000, kPoolBytes = 65536, kSmall = 2048, kTiny = 64 };

/* Large ones are few, and each takes time. */
enum { kLargeFrom = 1 << 20, kHealthyLargeCalls = 40, kLargePoolBytes = 32 << 20 };

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void __libc_free(void* block);

static unsigned long calls;
static unsigned long large_calls;
static _Alignas(16) char pool[kPoolBytes];
static _Alignas(16) char large_pool[kLargePoolBytes];
static size_t next_in_pool;

/* True from a certain call on. Relaxed: only the number matters. */
static int is_faulty(int fault) {
  return fault == FAULT && __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) > kHealthyCalls;
}

static int is_in_pool(const void* block) {
  return block == large_pool ||
         ((uintptr_t)block >= (uintptr_t)pool && (uintptr_t)block < (uintptr_t)(pool + kPoolBytes));
}

/* Blocks that overlap blocks given out before: each starts 48 bytes after the last, and the pool is used in circles. */
static void* overlapping(void) {
  /* Relaxed: that two threads get the same place is the fault that is wanted. */
  const size_t at = __atomic_fetch_add(&next_in_pool, 48, __ATOMIC_RELAXED) % (kPoolBytes - kSmall);
  return pool + at / 16 * 16;
}

/* Where all tiny blocks lie, or all large ones; NULL for blocks that are as they should be. */
static void* same_place(size_t size) {
  if (size <= kTiny) return is_faulty(kSame) ? pool : NULL;
  if (FAULT != kSame || size < kLargeFrom || size > kLargePoolBytes) return NULL;
  /* Relaxed: only the number matters. */
  return __atomic_add_fetch(&large_calls, 1, __ATOMIC_RELAXED) > kHealthyLargeCalls ? large_pool : NULL;
}

void* malloc(size_t size) {
  if (size <= kSmall && is_faulty(kOverlap)) return overlapping();
  void* same = same_place(size);
  if (same != NULL) return same;
  if (is_faulty(kNull)) {
    errno = ENOMEM;
    return NULL;
  }
  if (is_faulty(kHang)) pause();
  if (is_faulty(kCrash)) *(volatile int*)8 = 1;
  return __libc_malloc(size);
}

/* C++'s own new is sound: threads that have yet to start, and containers, would crash a program before it could say
   what it has seen of its blocks. */
void* _Znwm(size_t size) {
  void* block = __libc_malloc(size);
  if (block == NULL) abort();
  return block;
}

size_t malloc_usable_size(void* block) {
  if (is_in_pool(block)) return kSmall;
  size_t (*const next)(void*) = (size_t (*)(void*))dlsym(RTLD_NEXT, "malloc_usable_size");
  return next(block);
}

void free(void* block) {
  if (is_faulty(kLeak)) return;
  if (!is_in_pool(block)) __libc_free(block);
}

void* calloc(size_t count, size_t size) {
  void* block = __libc_calloc(count, size);
  if (block != NULL && is_faulty(kDirtyCalloc)) memset(block, 0x5a, count * size);
  return block;
}

void* realloc(void* block, size_t size) {
  if (is_in_pool(block)) {
    void* moved = __libc_malloc(size);
    if (moved != NULL) memcpy(moved, block, size < kSmall ? size : kSmall);
    return moved;
  }
  void* moved = __libc_realloc(block, size);
  if (moved != NULL && size >= 64 && is_faulty(kShortRealloc)) memset((char*)moved + 16, 0, 16);
  return moved;
}
