/* hakmem: C API under names of its own, beside (or without) the interposed malloc family.
 *
 * All functions are thread-safe. Blocks of this API and of the interposed malloc family of the same library are the
 * same kind: each may be freed by the other. Allocation functions return NULL and set errno to ENOMEM when there is no
 * memory or the size is impossible (above PTRDIFF_MAX). A pointer that is not the start of a live block of this heap
 * ends the process with a message that says what and where, as far as it can be known cheaply.
 */
#ifndef HAKMEM_HAKMEM_H
#define HAKMEM_HAKMEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define HAK_NOEXCEPT noexcept
#else
#define HAK_NOEXCEPT
#endif

#define HAK_API __attribute__((visibility("default")))

/* Sets the heap up. Optional: the first allocation does it. May be called by several threads and more than once.
 * Returns 0, or -1 with errno ENOMEM. */
HAK_API int hak_init(void) HAK_NOEXCEPT;

/* A block of at least `size` bytes (0 counts as 1), aligned to 16. */
HAK_API void* hak_alloc(size_t size) HAK_NOEXCEPT __attribute__((malloc, alloc_size(1), warn_unused_result));

/* A zero-filled block for `count` elements of `size` bytes. */
HAK_API void* hak_calloc(size_t count, size_t size) HAK_NOEXCEPT
    __attribute__((malloc, alloc_size(1, 2), warn_unused_result));

/* Grows or shrinks a block, contents kept up to the smaller size. NULL as `block` allocates. Size 0 counts as 1, so a
 * block is never freed. On failure the old block is as it was. */
HAK_API void* hak_realloc(void* block, size_t size) HAK_NOEXCEPT __attribute__((alloc_size(2), warn_unused_result));

/* A block of at least `size` bytes aligned to `alignment`, a power of two; else NULL and EINVAL. */
HAK_API void* hak_aligned_alloc(size_t alignment, size_t size) HAK_NOEXCEPT
    __attribute__((malloc, alloc_size(2), warn_unused_result));

/* Frees a block; NULL is allowed. Leaves errno alone. */
HAK_API void hak_free(void* block) HAK_NOEXCEPT;

/* Bytes of a live block that may be used, at least what was asked for; 0 for NULL. */
HAK_API size_t hak_usable_size(const void* block) HAK_NOEXCEPT;

/* Gives memory that holds no live block back to the system: of this thread and of threads that have exited. Returns 1
 * if any was given back, else 0. */
HAK_API int hak_trim(void) HAK_NOEXCEPT;

/* What the heap has done so far. Counts are exact when no other thread allocates, else out of date by a little. */
struct hak_statistics {
  uint64_t acquired_same_class; /* slots acquired: stage 1, an EMPTY slot of the same class */
  uint64_t acquired_any_class;  /* stage 1b, an EMPTY slot of any class */
  uint64_t acquired_unused;     /* stage 2, an UNUSED slot */
  uint64_t acquired_cached;     /* stage 3, a SuperSlab of the LRU cache */
  uint64_t acquired_mapped;     /* stage 3, a new SuperSlab */
  uint64_t slabs_released;      /* slabs whose slots were given back */
  uint64_t superslabs_retired;  /* SuperSlabs that held nothing any more */
  uint64_t superslabs_mapped;   /* mappings of 2 MiB made, and undone */
  uint64_t superslabs_unmapped;
  uint64_t superslabs_peak; /* SuperSlabs mapped at one time at the most */
  uint64_t slab_bytes;      /* slabs in use, in bytes: at least what the blocks in them take up */
  uint64_t direct_mapped;   /* blocks with a mapping of their own made, and undone */
  uint64_t direct_unmapped;
  uint64_t direct_bytes;    /* their bytes now */
  uint64_t thread_contexts; /* thread contexts made: the largest number of threads at one time */
  /* Per pool (small <= 1 KiB, mid <= 32 KiB, large <= 1 MiB): how often a thread's list of blocks ran out and was
   * refilled, and with how many blocks in all. */
  uint64_t refills[3];
  uint64_t refilled_blocks[3];
  uint64_t spills;       /* how often a thread's list of mid blocks grew too long */
  uint64_t cached_bytes; /* SuperSlabs that hold nothing and stay mapped */
  uint64_t whale_hits;   /* blocks above 1 MiB served from mappings that were kept, and not */
  uint64_t whale_misses;
  uint64_t whale_bytes;       /* mappings that are kept now */
  uint64_t lock_acquisitions; /* libhakmem_locked only: how often its lock was taken, */
  uint64_t lock_waits;        /* and how often a thread had to wait for it */
};

HAK_API void hak_statistics_get(struct hak_statistics* out) HAK_NOEXCEPT;

/* Writes the statistics to a file descriptor: as a JSON object in one line, or as text. Allocates nothing. Returns 0,
 * or -1 with errno of the failed write. */
HAK_API int hak_statistics_print(int file_descriptor, int as_json) HAK_NOEXCEPT;

/* Sets an option by its name in the environment (HAKMEM_...), at any time; threads follow at their next slow path.
 * Returns 0; -1 and errno ENOENT for an unknown name, EINVAL for what is no number, ERANGE for one out of range. */
HAK_API int hak_option_set(const char* name, const char* value) HAK_NOEXCEPT;

/* Reads an option's value in effect. Returns 0; -1 and errno ENOENT for an unknown name. */
HAK_API int hak_option_get(const char* name, int64_t* value) HAK_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
