#pragma once
/// What happens to threads and processes, for faults that depend on it.

namespace hakmem::broken {

/// Called at the start of every function of the family. \return whether it is the thread's first call
bool enter();

/// Calls must fail: by the fault that is planted, the process or thread is no longer, or not now, able to.
[[nodiscard]] bool call_must_fail();

}  // namespace hakmem::broken
