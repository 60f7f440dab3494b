#pragma once
/// Floor 7. Threads of the library itself: the learner's, and the one that gives memory back. Each exists only while an
/// option asks for it, and keeps no process alive.

#include <cstdint>

namespace hakmem {

#pragma GCC visibility push(hidden)

/// Starts a thread that nobody joins, with a small stack, and on which no signal handler of the program runs. Any thread.
/// \return false when the system refuses
[[nodiscard]] bool start_own_thread(void (*run)()) noexcept;

/// As pthread_atfork, for who starts such threads: `in_child` comes when none of them counts any more.
/// \return false without memory
[[nodiscard]] bool watch_forks(void (*before)(), void (*in_parent)(), void (*in_child)()) noexcept;

/// Whether the child of a process with threads can start one. ThreadSanitizer forbids it; AddressSanitizer's own locks may
/// have been held by a thread that the child has not.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kChildrenStartThreads = false;
#else
inline constexpr bool kChildrenStartThreads = true;
#endif

/// Whether the main thread has ended by pthread_exit and no thread of the program is left: then the process is to end.
/// For such a thread, every now and then.
[[nodiscard]] bool only_own_threads_are_left() noexcept;

/// The calling thread sleeps.
void sleep_for_ns(std::uint64_t ns) noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
