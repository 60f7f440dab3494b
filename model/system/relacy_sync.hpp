#pragma once
/// The synchronisation policy of the model: the shipping headers, instantiated with it, run inside the checker.
///
/// Every operation takes its place in the source as a defaulted last argument. Atomics are sites (check/suite.hpp), plain
/// variables are checked for races, in-block links go to the simulated memory, where they meet the user's own writes.

#include <cstdint>

#include "check/atomic.hpp"
#include "check/execution.hpp"
#include "check/memory.hpp"
#include "check/variable.hpp"
#include "model/check.hpp"
#include "sync/sync_concept.hpp"

namespace hakmem::model {

/// The policy. See sync/sync_concept.hpp for what is asked of it.
struct RelacySync {
  /// Statistics would multiply the schedules and show nothing.
  static constexpr bool kStatistics = false;
  static constexpr bool kTunable = false;

  template <class T>
  using Atomic = check::Atomic<T>;
  template <class T>
  using Plain = check::Variable<T>;

  static void* load_link(const void* block, Where where = Where::here()) noexcept {
    return reinterpret_cast<void*>(SimulatedMemory::read(block, "link", where));
  }
  static void store_link(void* block, void* next, Where where = Where::here()) noexcept {
    SimulatedMemory::write(block, reinterpret_cast<std::uintptr_t>(next), "link", where);
  }

  static constexpr bool kMarksFreeBlocks = true;
  static bool load_mark(const void* block, Where where = Where::here()) noexcept {
    return SimulatedMemory::read_mark(block, where);
  }
  static void store_mark(void* block, bool is_free, Where where = Where::here()) noexcept {
    SimulatedMemory::write_mark(block, is_free, where);
  }

  /// Lets the others run: what a retry loop waits for is another thread's doing.
  static void pause(Where where = Where::here()) noexcept { check::pause(where); }
};

static_assert(SyncPolicy<RelacySync>);

/// What the user of a block does with it: its first word shares its memory with the link of the free lists, so a link
/// that is read or written while the block is out is a race here.
inline void payload_write(void* block, std::uintptr_t value, Where where = Where::here()) {
  SimulatedMemory::write(block, value, "payload", where);
}
[[nodiscard]] inline std::uintptr_t payload_read(const void* block, Where where = Where::here()) {
  return SimulatedMemory::read(block, "payload", where);
}

}  // namespace hakmem::model
