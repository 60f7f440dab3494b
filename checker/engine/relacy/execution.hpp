#pragma once
/// What the checked program says to the execution that it is a part of: a judgement, a back-off.

#include "core/where.hpp"

namespace check {

/// Ends the execution as a failure, whose text says what for.
void fail_execution(const char* what, const Where& where);

/// Ends the execution as a failure unless `holds`. \param what names what should hold: "conserved: a node is lost"
inline void require(bool holds, const char* what, Where where = Where::here()) {
  if (!holds) [[unlikely]]
    fail_execution(what, where);
}

/// The back-off of a retry loop: lets the others run, as what such a loop waits for is another thread's doing. A site.
void pause(Where where = Where::here()) noexcept;

/// To be called where the running thread calls a simulated system whose answer depends on the order of such calls: these
/// do not commute, see visibility.hpp.
void note_system_call() noexcept;

/// The number of the thread that runs, 0 to 3.
[[nodiscard]] unsigned running_thread() noexcept;

}  // namespace check
