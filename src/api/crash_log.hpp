#pragma once
/// Floor 7. The crash log (HAKMEM_CRASH_LOG): a report when SIGSEGV, SIGBUS or SIGABRT arrives, then whoever handled
/// the signal before. Without the option no handler is installed and nothing is changed.

namespace hakmem {

#pragma GCC visibility push(hidden)

/// Installs the handlers in front of those that are there, or (an empty path) takes the log out: handlers of ours that
/// others have not been put in front of are removed, and no report is written any more. Any thread, not two at a time.
/// \param path a file that reports are added to; "1" for standard error; "" or "0" for no log
/// \return false when the file cannot be opened for writing, with errno; nothing has changed then
bool set_crash_log(const char* path) noexcept;

/// Gives the calling thread a stack for signal handlers, if the log is on and it has none: so that a report can be
/// written when the thread's own stack has run out.
void prepare_thread_for_crash() noexcept;

/// Takes that stack back, before the thread exits.
void leave_thread() noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
