#pragma once
/// Floor 7. Set-up: what the process gets before its first allocation and before main, and each thread with its context.
/// The one place that knows in which order options, heap, logs and learning come; the heap's globals know none of them.

namespace hakmem {

#pragma GCC visibility push(hidden)

/// Sets the heap up unless that has been done. Thread-safe, any time. \return false without memory, errno ENOMEM.
bool ensure_process_heap() noexcept;

/// The calling thread has just got its context. What this allocates comes from there.
void thread_begins() noexcept;

/// The calling thread is about to give its context up.
void thread_ends() noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
