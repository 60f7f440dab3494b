#pragma once
/// Floor 7. Which heap the process has: the policies of this build of the library.

#include "api/process_os.hpp"
#include "heap/heap.hpp"
#ifdef HAKMEM_HARDENED
#include "variants/guarded_heap.hpp"
#endif
#ifdef HAKMEM_LOCKED
#include "os/pthread_lock.hpp"
#include "variants/locked_heap.hpp"
#endif
#ifdef HAKMEM_VALGRIND
#include "sync/valgrind_sync.hpp"
#else
#include "sync/std_sync.hpp"
#endif
#include "sync/watched_sync.hpp"

// Tools are told of the blocks of the heap as it ships. Its variants write into free blocks, or wrap the heap.
#if (defined(HAKMEM_ASAN) || defined(HAKMEM_VALGRIND)) && !defined(HAKMEM_HARDENED) && !defined(HAKMEM_LOCKED)
#define HAKMEM_WATCHED 1
#endif

namespace hakmem {

#ifdef HAKMEM_WATCHED
template <class Sync>
using SyncOfProcess = WatchedSync<Sync>;
#else
template <class Sync>
using SyncOfProcess = Sync;
#endif

#ifdef HAKMEM_VALGRIND
using ProcessSync = SyncOfProcess<ValgrindSync>;
#else
using ProcessSync = SyncOfProcess<StdSync>;
#endif

#ifndef HAKMEM_LOCKED

struct ProcessConfig;

/// Contexts for threads that free much and never allocate, as consumers of messages do.
struct FreersOfProcess {
  /// As GivesFreersContexts asks for; keeps errno.
  [[gnu::visibility("hidden")]] static ThreadContext<ProcessConfig>* context_of_freer() noexcept;
};

#endif

#ifdef HAKMEM_HARDENED

#pragma GCC visibility push(hidden)

/// Reports a free block that was written to, and ends the process.
struct ProcessAlarm {
  static void written_after_free(const void* block) noexcept;
};

/// The call-site id that the calling thread has named for the call it is in.
struct ProcessCallSite {
  static std::uint32_t current() noexcept { return value; }
  static constinit thread_local std::uint32_t value __attribute__((tls_model("initial-exec")));
};

#pragma GCC visibility pop

struct ProcessConfig : Config<HardenedSync<ProcessSync, ProcessAlarm>, ProcessOs, FullGeometry>, FreersOfProcess {};
using ProcessHeap = GuardedHeap<Heap<ProcessConfig>, Trailer, ProcessCallSite>;

#elif defined(HAKMEM_LOCKED)

struct ProcessGeometry : FullGeometry {
  static constexpr bool kThreadCaches = false;
};
// A free holds the lock already: to give its thread a context would need it once more.
using ProcessConfig = Config<ProcessSync, ProcessOs, ProcessGeometry>;
using ProcessHeap = LockedHeap<Heap<ProcessConfig>, PthreadLock>;

#else

struct ProcessConfig : Config<ProcessSync, ProcessOs, FullGeometry>, FreersOfProcess {};
using ProcessHeap = Heap<ProcessConfig>;

#endif

using ProcessContext = ProcessHeap::Context;

}  // namespace hakmem
