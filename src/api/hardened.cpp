/// What the hardened build's policies (process_config.hpp) need of the process.

#include "api/checked_copies.hpp"
#include "api/process_heap.hpp"

#ifdef HAKMEM_HARDENED

namespace hakmem {

constinit thread_local std::uint32_t ProcessCallSite::value = 0;

constinit std::atomic<CheckedCopies> checked_copies{CheckedCopies::kWrites};

void ProcessAlarm::written_after_free(const void* block) noexcept { process_heap.report_written_after_free(block); }

}  // namespace hakmem

#endif
