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

/* NOLINTBEGIN(readability-identifier-naming): names are those of C. */

/* The version of this header: its parts, one number that grows with it (1.2.3 is 10203), and a text. */
#define HAK_VERSION_MAJOR 0
#define HAK_VERSION_MINOR 1
#define HAK_VERSION_PATCH 0
#define HAK_VERSION (HAK_VERSION_MAJOR * 10000 + HAK_VERSION_MINOR * 100 + HAK_VERSION_PATCH)
#define HAK_VERSION_STRING "0.1.0"

/* The version of the library in use, as HAK_VERSION is that of the header: a program may have been built with another. */
HAK_API int hak_version(void) HAK_NOEXCEPT;

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

/* The same for a caller that knows the size that the block was asked for. The hardened library compares the two and
 * ends the process with a message when they differ; the others ignore the size. */
HAK_API void hak_free_sized(void* block, size_t size) HAK_NOEXCEPT;

/* The same functions with an id of the call's place in the program, any number but 0. The hardened library keeps the
 * ids with the block and names them in its messages ("allocated by thread 1 at site 17, freed by thread 2 at site 4");
 * the others ignore them. */
HAK_API void* hak_alloc_at(size_t size, uint32_t site) HAK_NOEXCEPT
    __attribute__((malloc, alloc_size(1), warn_unused_result));
HAK_API void* hak_calloc_at(size_t count, size_t size, uint32_t site) HAK_NOEXCEPT
    __attribute__((malloc, alloc_size(1, 2), warn_unused_result));
HAK_API void* hak_realloc_at(void* block, size_t size, uint32_t site) HAK_NOEXCEPT
    __attribute__((alloc_size(2), warn_unused_result));
HAK_API void* hak_aligned_alloc_at(size_t alignment, size_t size, uint32_t site) HAK_NOEXCEPT
    __attribute__((malloc, alloc_size(2), warn_unused_result));
HAK_API void hak_free_at(void* block, uint32_t site) HAK_NOEXCEPT;

/* Bytes of a live block that may be used, at least what was asked for; 0 for NULL. */
HAK_API size_t hak_usable_size(const void* block) HAK_NOEXCEPT;

/* Bytes that hak_usable_size would say of a block that hak_alloc gives for `size` now, at least `size`: to
 * grow a buffer by what it costs anyway. A mapping that was kept, and a block that the learner's W_MAX lets serve, may be
 * larger. 0 for an impossible size. */
HAK_API size_t hak_good_size(size_t size) HAK_NOEXCEPT;

/* Gives memory that holds no live block back to the system: of this thread and of threads that have exited. Returns 1
 * if any was given back, else 0. */
HAK_API int hak_trim(void) HAK_NOEXCEPT;

/* Takes the lines that the library has for a user: warnings of options, what HAKMEM_LOG and the learner say, and the last
 * line of a process that misuses a block. `line` has no end of line, and is gone when the function returns. */
typedef void (*hak_message_callback)(const char* line);

/* From now on lines go to `callback`, by the thread that has something to say; NULL, as at the start: to standard error.
 * Returns what was set before. The callback may run in the middle of malloc or free, of several threads at once and in a
 * signal handler: it may call nothing that allocates and may not throw. The crash log and what is printed to a descriptor
 * do not go there. Lines from before the call, of options in the environment, have gone to standard error. */
HAK_API hak_message_callback hak_message_callback_set(hak_message_callback callback) HAK_NOEXCEPT;

/* Size classes above 1 KiB up to 32 KiB. */
#define HAK_MID_CLASSES 20

/* What the heap has done so far. Counts are exact when no other thread allocates, else out of date by a little.
 * The structure only ever grows at its end, so a program that was built with an older header goes on to work. */
struct hak_statistics {
  uint64_t acquired_same_class; /* slots acquired: stage 1, an EMPTY slot of the same class */
  uint64_t acquired_any_class;  /* stage 1b, an EMPTY slot of any class */
  uint64_t acquired_unused;     /* stage 2, an UNUSED slot */
  uint64_t acquired_cached;     /* stage 3, a cached SuperSlab */
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
  uint64_t whale_bytes; /* mappings that are kept now */
  /* The same hits and misses by the number of threads that used the heap then: 1, 2, 3-4, 5-8, 9-16, more. */
  uint64_t whale_hits_by_threads[6];
  uint64_t whale_misses_by_threads[6];
  uint64_t threads_in_use; /* thread contexts that threads use now */
  /* Where the blocks of the refills came from: frees by the owner of their slab, frees by others, never used. */
  uint64_t taken_own;
  uint64_t taken_remote;
  uint64_t taken_fresh;
  /* Frees into other threads' slabs: gathered blocks, the chains they went out in, how often all chains went out at
   * once; blocks sent alone, as they are large; frees by threads that had no context (not yet, or no more). */
  uint64_t outbox_blocks;
  uint64_t outbox_chains;
  uint64_t outbox_drains;
  uint64_t single_frees;
  uint64_t late_frees;
  uint64_t remote_retries; /* how often such a send had to be tried again, as another thread was faster */
  /* Per pool: blocks that a thread got from its list without a refill (of the small pool: that refills put there
   * beyond the first). Over these and the refills: the hit rate. */
  uint64_t cache_hits[3];
  uint64_t mmap_calls; /* calls that changed mappings */
  uint64_t munmap_calls;
  uint64_t madvise_calls;
  uint64_t mremap_calls;
  /* The learner (HAKMEM_LEARN): windows that have ended, caps changed, trials of W_MAX that ended with another value
   * and with the old one. */
  uint64_t learner_windows;
  uint64_t learner_cap_moves;
  uint64_t learner_adoptions;
  uint64_t learner_reverts;
  uint64_t max_waste;                 /* W_MAX in force, in thousandths; 1000: off */
  uint64_t caps_mid[HAK_MID_CLASSES]; /* blocks that a thread may keep, per mid class, smallest class first */
  uint64_t lock_acquisitions;         /* libhakmem_locked only: how often its lock was taken, */
  uint64_t lock_waits;                /* and how often a thread had to wait for it */
};

/* Fills in the first `bytes` bytes of a structure; what this library does not know becomes 0. Returns how many bytes
 * the library knows. */
HAK_API size_t hak_statistics_read(struct hak_statistics* out, size_t bytes) HAK_NOEXCEPT;

static inline void hak_statistics_get(struct hak_statistics* out) HAK_NOEXCEPT {
  (void)hak_statistics_read(out, sizeof *out);
}

/* What a member of struct hak_statistics is. The structure only ever grows at its end. */
struct hak_statistic {
  const char* name;          /* of the member, and in both reports */
  const char* unit;          /* what it is a number of */
  const char* says;          /* which of those, in a few words */
  size_t offset;             /* of the member in the structure, in bytes */
  size_t count;              /* of its values: 1, or the length of the array */
  const char* const* labels; /* what each value of an array stands for, up to a NULL; or NULL: nothing has a name */
  const char* json;          /* its place in the JSON report; "pools.*.refills": in an object for each label */
};

/* Describes the members in the order of the reports; `index` counts from 0. Returns a description that stays where it
 * is, or NULL and errno ENOENT when there is none. */
HAK_API const struct hak_statistic* hak_statistic_describe(size_t index) HAK_NOEXCEPT;

/* Writes the statistics to a file descriptor: as a JSON object in one line, or as text. Allocates nothing. Returns 0,
 * or -1 with errno of the failed write. */
HAK_API int hak_statistics_print(int file_descriptor, int as_json) HAK_NOEXCEPT;

/* What hak_heap_walk finds. */
enum hak_region_kind {
  HAK_REGION_SUPERSLAB, /* a mapping of 2 MiB; its slabs follow */
  HAK_REGION_SLAB,      /* slots of it, cut into blocks of one size */
  HAK_REGION_DIRECT,    /* a block with a mapping of its own */
  HAK_REGION_WHALE      /* a mapping without a block, kept for the next one of about its size */
};

/* The owner of what belongs to no thread context. */
#define HAK_NO_OWNER UINT32_MAX

struct hak_region {
  enum hak_region_kind kind;
  const void* address;
  size_t bytes;       /* of memory */
  size_t block_bytes; /* usable size of a block; SuperSlab: of a slot */
  size_t capacity;    /* blocks, or slots, that fit */
  size_t used;        /* blocks cut so far; SuperSlab: slots that hold a slab (0: kept for later use) */
  size_t out;         /* blocks that are out, as far as the owner knows; SuperSlab: EMPTY slots */
  uint32_t owner;     /* number of the thread context that allocates from a slab, else HAK_NO_OWNER */
  int exact;          /* 1: `out` is exact; 0: an upper bound, as another thread is using the slab */
};

/* Calls `callback` for every SuperSlab, slab and direct mapping, until it returns something else than 0; returns that,
 * or 0. Allocates nothing and holds no lock; other threads go on meanwhile, and the callback may use the heap. So it is
 * a snapshot of many moments: exact (but for `exact` = 0) when no other thread uses the heap. Slabs of the calling
 * thread and of threads that have exited are exact; blocks in the lists of a thread are not out, blocks on their way to
 * another thread's slab are. */
HAK_API int hak_heap_walk(int (*callback)(const struct hak_region* region, void* argument), void* argument);

/* Writes the walk to a file descriptor, a line for each region. Allocates nothing. Returns 0, or -1 with errno of the
 * failed write. */
HAK_API int hak_heap_print(int file_descriptor) HAK_NOEXCEPT;

/* Sets an option by its name in the environment (HAKMEM_...) or a former name, at any time; threads follow at their next
 * slow path. Returns 0; -1 and errno ENOENT for an unknown name, EINVAL for what is no number or has an unknown word,
 * ERANGE for a number out of range, and for HAKMEM_CRASH_LOG that of the open() that failed. */
HAK_API int hak_option_set(const char* name, const char* value) HAK_NOEXCEPT;

/* Reads an option's value in effect, by its name or a former one: of a fraction its thousandths, of a list its length, of
 * words the sum of 1 for the first, 2 for the second, 4 for the third and so on. Returns 0; -1 and errno ENOENT for an
 * unknown name. */
HAK_API int hak_option_get(const char* name, int64_t* value) HAK_NOEXCEPT;

/* What an option takes. */
enum hak_option_kind {
  HAK_OPTION_NUMBER,   /* a whole number; the first of its words stands for 1, the second for 2 and so on */
  HAK_OPTION_FRACTION, /* a number with at most three decimals */
  HAK_OPTION_LIST,     /* such numbers with commas between them */
  HAK_OPTION_WORDS,    /* words with commas between them; 0 for none */
  HAK_OPTION_PATH      /* the path of a file; 1 for standard error, 0 for none */
};

struct hak_option_word {
  const char* word;
  const char* alias; /* a former option that is 1 when this word is given, else 0; NULL if there is none */
  const char* says;  /* what the word asks for */
};

/* What an option is. The structure only ever grows at its end. */
struct hak_option {
  const char* name;  /* in the environment and for the functions above */
  const char* alias; /* a former name that does the same; NULL if there is none */
  enum hak_option_kind kind;
  const char* unit;                    /* of its numbers; "" where they count nothing */
  int64_t least;                       /* its range; of fractions and lists in thousandths, as hak_option_get */
  int64_t most;                        /*   returns them, */
  size_t longest;                      /*   and so many numbers in a list */
  const char* normal;                  /* the default, as hak_option_set takes it */
  const struct hak_option_word* words; /* up to one whose `word` is NULL */
  const char* topic;                   /* heading under which documents list it */
  const char* says;                    /* what it is for, in a few words */
};

/* Describes the options one by one; `index` counts from 0. Returns a description that stays where it is, or NULL and
 * errno ENOENT when there is none. */
HAK_API const struct hak_option* hak_option_describe(size_t index) HAK_NOEXCEPT;

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif
