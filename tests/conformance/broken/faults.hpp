#pragma once
/// Which fault the broken malloc has. One at a time, named by the environment variable BROKEN_MALLOC; without it the
/// library is a sound malloc, glibc's own under a thin layer.

#include <cstddef>

namespace hakmem::broken {

/// name, what it does wrong
#define BROKEN_MALLOC_FAULTS(FAULT)                                                   \
  /* Blocks and sizes */                                                              \
  FAULT(kOverlapping, "a small block shares its last bytes with the next one")        \
  FAULT(kUnalignedSmall, "small blocks are aligned to 8 bytes")                       \
  FAULT(kZeroShared, "all blocks of 0 bytes are the same")                            \
  FAULT(kZeroNull, "0 bytes give null")                                               \
  FAULT(kWrapsSizes, "impossible sizes wrap around to a small block")                 \
  FAULT(kNoEnomem, "failure leaves errno alone")                                      \
  FAULT(kFailureScribbles, "failure damages a live block")                            \
  FAULT(kErrnoZero, "success sets errno to zero")                                     \
  FAULT(kTakesSignalsForFailure, "an interrupted call fails")                         \
  /* calloc */                                                                        \
  FAULT(kCallocDirty, "calloc does not zero memory that was in use")                  \
  FAULT(kCallocTail, "calloc leaves the last byte as it is")                          \
  FAULT(kCallocWraps, "calloc's product wraps around")                                \
  /* realloc */                                                                       \
  FAULT(kReallocOfNullFails, "realloc of null gives null")                            \
  FAULT(kReallocLosesTail, "realloc loses the last byte")                             \
  FAULT(kReallocGrowsInPlace, "realloc pretends that there is room behind the block") \
  FAULT(kReallocFailureFrees, "realloc frees the block when it fails")                \
  FAULT(kReallocToZeroDangles, "realloc to 0 bytes gives the freed block")            \
  FAULT(kReallocToZeroKeeps, "realloc to 0 bytes keeps the block")                    \
  FAULT(kReallocLeaks, "realloc does not free the old block")                         \
  FAULT(kReallocarrayWraps, "reallocarray's product wraps around")                    \
  /* aligned members */                                                               \
  FAULT(kHalfAligned, "aligned blocks are aligned to half of what was asked for")     \
  FAULT(kAcceptsAnyAlignment, "improper alignments are accepted")                     \
  FAULT(kMinusOne, "posix_memalign fails with -1")                                    \
  FAULT(kClearsPointer, "posix_memalign sets the pointer to null when it fails")      \
  FAULT(kWildPointer, "posix_memalign leaves a wild pointer when it fails")           \
  FAULT(kPvallocPartial, "pvalloc does not round the size up")                        \
  FAULT(kAlignedNotFreeable, "free aborts for aligned blocks")                        \
  /* free */                                                                          \
  FAULT(kFreeNullAborts, "free of null aborts")                                       \
  FAULT(kFreeErrno, "free changes errno")                                             \
  FAULT(kLeaks, "free does nothing")                                                  \
  FAULT(kFreeScribbles, "free damages another block")                                 \
  /* malloc_usable_size, statistics */                                                \
  FAULT(kUsableSmall, "malloc_usable_size is less than what was asked for")           \
  FAULT(kUsableLarge, "malloc_usable_size is more than there is")                     \
  FAULT(kUsableOfNull, "malloc_usable_size of null is not 0")                         \
  FAULT(kTrimNothing, "malloc_trim does nothing")                                     \
  FAULT(kTrimSaysNo, "malloc_trim says that it has done nothing")                     \
  FAULT(kTrimScribbles, "malloc_trim damages a live block")                           \
  FAULT(kMallinfoZero, "mallinfo2 is all zero")                                       \
  FAULT(kStatsToOutput, "malloc_stats writes to standard output")                     \
  FAULT(kStatsScribbles, "malloc_stats damages a live block")                         \
  /* new and delete */                                                                \
  FAULT(kNewReturnsNull, "new gives null instead of throwing")                        \
  FAULT(kNothrowThrows, "nothrow new ends the process")                               \
  FAULT(kIgnoresHandler, "new never calls the handler")                               \
  FAULT(kHandlerOnce, "new calls the handler only once")                              \
  FAULT(kHandlersDoNotNest, "new within a handler does not call the handler")         \
  FAULT(kHandlersThrowEscapes, "nothrow new lets the handler's exception out")        \
  FAULT(kMallocCallsHandler, "malloc calls the handler")                              \
  /* threads */                                                                       \
  FAULT(kFirstCallFails, "the first call of a thread fails")                          \
  FAULT(kDeepStack, "malloc needs a deep stack")                                      \
  FAULT(kDeadAfterExit, "calls after the allocator's own exit handler fail")          \
  FAULT(kLeaksPerThread, "every thread leaves something behind")                      \
  FAULT(kRemoteFreeLeaks, "free by another thread does nothing")                      \
  FAULT(kDiesWithThread, "a thread's last block is damaged when it ends")             \
  FAULT(kNeedsMainThread, "calls after the main thread's end abort")                  \
  /* processes, signals, life */                                                      \
  FAULT(kDeadInChild, "calls in a forked child fail")                                 \
  FAULT(kHangsInChild, "calls in a forked child wait for ever")                       \
  FAULT(kNotInSpawned, "programs that a program starts abort")                        \
  FAULT(kFailsInHandler, "calls in a signal handler fail")                            \
  FAULT(kForgetsEarlyBlocks, "blocks from before main are given out again")           \
  FAULT(kDeadAtExit, "calls after exit() fail")                                       \
  FAULT(kUnloadScribbles, "dlclose damages a live block")                             \
  FAULT(kPluginFails, "calls from a loaded library fail")                             \
  /* lack of memory */                                                                \
  FAULT(kExhaustionAborts, "lack of memory ends the process")                         \
  FAULT(kGivesUp, "after one failure every larger request fails")                     \
  FAULT(kKeepsPieces, "after a failure the next request of some MiB fails")

enum class Fault {
  kNone,
#define BROKEN_MALLOC_ENUMERATOR(name, what) name,
  BROKEN_MALLOC_FAULTS(BROKEN_MALLOC_ENUMERATOR)
#undef BROKEN_MALLOC_ENUMERATOR
};

/// Whether the library has this fault, and a check is under way.
[[nodiscard]] bool is(Fault fault);

/// Whether the library has this fault, at all times.
[[nodiscard]] bool is_always(Fault fault);

// What new and delete are made of.
void* allocate(std::size_t bytes);
void* allocate_aligned(std::size_t alignment, std::size_t bytes);
void deallocate(void* block);

}  // namespace hakmem::broken
