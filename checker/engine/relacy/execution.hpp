#pragma once
/// What the checked program says to the execution that it is a part of: a judgement, a back-off.

#include <cstdint>

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

/// What a call of a simulated system does to the memory that programs share.
enum class SystemCall : std::uint8_t {
  kTakes,      ///< it may be memory that was given back before: that happens before, as the system's own lock makes it
  kGivesBack,  ///< it may be taken again
  kOther,
  kLocal,  ///< nothing that another call could tell
};

/// To be called where the running thread calls a simulated system whose answer depends on the order of such calls: these
/// do not commute, see visibility.hpp.
void note_system_call(SystemCall call) noexcept;

/// The number of the thread that runs, 0 to 3.
[[nodiscard]] unsigned running_thread() noexcept;

}  // namespace check
