#pragma once
/// The synchronisation policy that the tests run on: the one that the build's programs use.

#ifdef HAKMEM_VALGRIND
#include "sync/valgrind_sync.hpp"
#else
#include "sync/std_sync.hpp"
#endif

namespace hakmem::test {

#ifdef HAKMEM_VALGRIND
using TestSync = ValgrindSync;
#else
using TestSync = StdSync;
#endif

}  // namespace hakmem::test
