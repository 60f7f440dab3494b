#pragma once
/// Floor 7. Which heap the process has: the policies of this build of the library.

#include "api/process_os.hpp"
#include "heap/heap.hpp"
#ifdef HAKMEM_VALGRIND
#include "sync/valgrind_sync.hpp"
#else
#include "sync/std_sync.hpp"
#endif
#include "sync/watched_sync.hpp"

namespace hakmem {

#ifdef HAKMEM_VALGRIND
using ProcessSync = WatchedSync<ValgrindSync>;
// Helgrind keeps a record of every byte of a mapping, also of a flat page map's 16 GiB.
inline constexpr PageMapKind kProcessPageMap = PageMapKind::kTwoLevel;
#else
using ProcessSync = WatchedSync<StdSync>;
inline constexpr PageMapKind kProcessPageMap = PageMapKind::kFlat;
#endif

using ProcessConfig = Config<ProcessSync, ProcessOs, FullGeometry>;
using ProcessHeap = Heap<ProcessConfig>;
using ProcessContext = ThreadContext<ProcessConfig>;

}  // namespace hakmem
