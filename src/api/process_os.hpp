#pragma once
/// Floor 7. The process's pages and clock, and its ear for events: one line on standard error for each that is wanted.

#include <atomic>

#include "os/event.hpp"
#include "os/linux_os.hpp"
#include "sync/watched_sync.hpp"
#ifdef HAKMEM_ASAN
#include "os/unpoisoning_os.hpp"
#endif

namespace hakmem {

/// The logs that are switched on one by one (D8), in the order of HAKMEM_LOG's words.
enum class EventLog : std::uint8_t { kAcquire, kFree, kLru, kOutbox };

#ifdef HAKMEM_ASAN
using SystemOs = UnpoisoningOs<LinuxOs>;
#else
using SystemOs = LinuxOs;
#endif

/// Stateless as LinuxOs; what is wanted belongs to the process.
class ProcessOs : public SystemOs {
 public:
  /// Switches a log on or off. Any thread.
  [[gnu::visibility("hidden")]] static void listen(EventLog log, bool on) noexcept;

  [[nodiscard]] static bool wants(EventKind kind) noexcept {
    // Relaxed: a switch orders nothing.
    return (wanted_.load(std::memory_order_relaxed) & std::uint32_t{1} << static_cast<unsigned>(kind)) != 0;
  }

  /// Writes the event as one line, `hakmem: acquire class=3 stage=unused superslab=0x7f0000200000 slot=5 slots=1`.
  /// Allocates nothing, leaves errno alone.
  [[gnu::visibility("hidden")]] static void note(const Event& event) noexcept;

 private:
  [[gnu::visibility("hidden")]] static constinit std::atomic<std::uint32_t> wanted_;
};

static_assert(ListensToEvents<ProcessOs>);

}  // namespace hakmem
