#pragma once
/// Floor 7. Which heap the process has: the policies of this build of the library.

#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#ifdef HAKMEM_LOCKED
#include "heap/locked_heap.hpp"
#include "os/pthread_lock.hpp"
#endif
#ifdef HAKMEM_VALGRIND
#include "sync/valgrind_sync.hpp"
#else
#include "sync/std_sync.hpp"
#endif

namespace hakmem {

#ifdef HAKMEM_VALGRIND
using ProcessSync = ValgrindSync;
// Helgrind keeps a record of every byte of a mapping, also of a flat page map's 16 GiB.
inline constexpr PageMapKind kProcessPageMap = PageMapKind::kTwoLevel;
#else
using ProcessSync = StdSync;
inline constexpr PageMapKind kProcessPageMap = PageMapKind::kFlat;
#endif

#ifdef HAKMEM_LOCKED
struct ProcessGeometry : FullGeometry {
  static constexpr bool kThreadCaches = false;
};
using ProcessConfig = Config<ProcessSync, LinuxOs, ProcessGeometry>;
using ProcessHeap = LockedHeap<Heap<ProcessConfig>, PthreadLock>;
#else
using ProcessConfig = Config<ProcessSync, LinuxOs, FullGeometry>;
using ProcessHeap = Heap<ProcessConfig>;
#endif
using ProcessContext = ProcessHeap::Context;

}  // namespace hakmem
