#pragma once
/// Floor 2. The slot word: the states of all slots of one SuperSlab in one 64-bit atomic.
///
/// Every transition is one CAS of the word, so exactly one thread sees "nothing is active" and retires the SuperSlab
/// in that same CAS (I3). Two bit planes:
///
///     63        32 31         0        state     assigned  free
///     | assigned  |   free    |        RETIRED      0       0     cannot be claimed (also: not mapped yet)
///                                      UNUSED       0       1     holds no memory: not assigned since the
///                                                                 SuperSlab was activated, or discarded since
///                                      EMPTY        1       1     was assigned to a class, holds nothing
///                                      ACTIVE       1       0     assigned to a class
///
/// All-zero memory is a retired SuperSlab, the safe state. RETIRED is a state of the whole: all slots or none.
///
///     activate: RETIRED* -> ACTIVE^k UNUSED*     claim: UNUSED|EMPTY -> ACTIVE (k adjacent slots at once)
///     release:  ACTIVE -> EMPTY, and if none is ACTIVE then: all -> RETIRED
///     discard:  ACTIVE -> UNUSED, and the same

#include <bit>
#include <cstdint>

#include "sync/sync_concept.hpp"

namespace hakmem {

enum class SlotState : std::uint8_t { kRetired, kUnused, kActive, kEmpty };

/// Which slots a claim accepts.
enum class SlotChoice : std::uint8_t {
  kEmpty,   ///< EMPTY slots only
  kUnused,  ///< UNUSED slots only
  kAny,     ///< a run of both
};

/// A value of the slot word, for decisions and display.
template <unsigned kSlots>
struct SlotSnapshot {
  static_assert(kSlots >= 1 && kSlots <= 32, "two planes of at most 32 bits");
  static constexpr std::uint32_t kAll = static_cast<std::uint32_t>((std::uint64_t{1} << kSlots) - 1);

  std::uint64_t bits = 0;

  static constexpr SlotSnapshot of(std::uint32_t assigned, std::uint32_t free) noexcept {
    return {std::uint64_t{assigned} << 32 | free};
  }
  [[nodiscard]] constexpr std::uint32_t assigned() const noexcept { return static_cast<std::uint32_t>(bits >> 32); }
  [[nodiscard]] constexpr std::uint32_t free() const noexcept { return static_cast<std::uint32_t>(bits); }
  [[nodiscard]] constexpr std::uint32_t active() const noexcept { return assigned() & ~free(); }
  [[nodiscard]] constexpr std::uint32_t empty() const noexcept { return assigned() & free(); }
  [[nodiscard]] constexpr std::uint32_t unused() const noexcept { return ~assigned() & free(); }
  [[nodiscard]] constexpr bool retired() const noexcept { return bits == 0; }

  [[nodiscard]] constexpr std::uint32_t claimable(SlotChoice choice) const noexcept {
    switch (choice) {
      case SlotChoice::kEmpty: return empty();
      case SlotChoice::kUnused: return unused();
      case SlotChoice::kAny: break;
    }
    return free();
  }

  [[nodiscard]] constexpr SlotState state(unsigned slot) const noexcept {
    const bool is_free = (free() >> slot & 1) != 0;
    const bool is_assigned = (assigned() >> slot & 1) != 0;
    if (is_free) return is_assigned ? SlotState::kEmpty : SlotState::kUnused;
    return is_assigned ? SlotState::kActive : SlotState::kRetired;
  }

  /// The mask of `count` adjacent slots from `first`; count 1..kSlots, first + count <= kSlots.
  static constexpr std::uint32_t run_mask(unsigned first, unsigned count) noexcept {
    return static_cast<std::uint32_t>(((std::uint64_t{1} << count) - 1) << first);
  }

  /// First slot of the lowest run of `count` adjacent slots in `mask`, or -1.
  static constexpr int find_run(std::uint32_t mask, unsigned count) noexcept {
    // Each step keeps the starts of runs twice (or the rest) as long: log2(count) steps.
    for (unsigned have = 1; have < count && mask != 0;) {
      const unsigned step = have < count - have ? have : count - have;
      mask &= mask >> step;
      have += step;
    }
    return mask == 0 ? -1 : std::countr_zero(mask);
  }
};

template <class Sync, unsigned kSlots>
class SlotWord {
 public:
  using Snapshot = SlotSnapshot<kSlots>;

  /// What a release has done, decided by the CAS that did it.
  struct Released {
    bool retired;   ///< nothing is ACTIVE any more: this thread, and nobody else, owns the whole SuperSlab now
    bool was_full;  ///< no slot could be claimed before: this thread must make the SuperSlab findable again
  };

  /// The states as they were at some moment. Any thread.
  [[nodiscard]] Snapshot snapshot() const noexcept {
    // Relaxed: a candidate; the CAS of a claim decides and synchronises.
    return {word_.load(std::memory_order_relaxed)};
  }

  /// Brings a retired SuperSlab to life: slots [0, count) ACTIVE for the caller, the rest UNUSED. Only the thread that
  /// owns the retired SuperSlab; memory and descriptors are ready.
  void activate(unsigned count) noexcept {
    const std::uint32_t mine = Snapshot::run_mask(0, count);
    // Release pairs with the acquire of claims: claimers see the descriptors and the fresh mapping.
    word_.store(Snapshot::of(mine, Snapshot::kAll & ~mine).bits, std::memory_order_release);
  }

  /// Claims the lowest run of `count` adjacent slots that `choice` accepts. Any thread.
  /// \return its first slot, or -1 when there is none (full, fragmented or retired).
  [[nodiscard]] int claim_run(unsigned count, SlotChoice choice) noexcept {
    Snapshot seen = snapshot();
    for (;;) {
      const int first = Snapshot::find_run(seen.claimable(choice), count);
      if (first < 0) return -1;
      if (try_claim(seen, Snapshot::run_mask(static_cast<unsigned>(first), count))) return first;
      Sync::pause();
    }
  }

  /// Claims slots [first, first + count) if `choice` accepts all of them. Any thread. \return whether they are the caller's.
  [[nodiscard]] bool claim_at(unsigned first, unsigned count, SlotChoice choice = SlotChoice::kEmpty) noexcept {
    const std::uint32_t wanted = Snapshot::run_mask(first, count);
    Snapshot seen = snapshot();
    while ((seen.claimable(choice) & wanted) == wanted) {
      if (try_claim(seen, wanted)) return true;
      Sync::pause();
    }
    return false;
  }

  /// Gives back slots [first, first + count), which the caller holds ACTIVE: they become EMPTY, and when nothing is
  /// ACTIVE any more the same CAS retires the whole.
  [[nodiscard]] Released release(unsigned first, unsigned count) noexcept {
    return release(Snapshot::run_mask(first, count), SlotState::kEmpty);
  }

  /// Claims the EMPTY slots of a mask at once, so that their memory can be given back to the system. Any thread.
  /// \return those claimed; 0 when there is none.
  [[nodiscard]] std::uint32_t claim_empty(std::uint32_t among = Snapshot::kAll) noexcept {
    Snapshot seen = snapshot();
    while (const std::uint32_t empty = seen.empty() & among) {
      if (try_claim(seen, empty)) return empty;
      Sync::pause();
    }
    return 0;
  }

  /// Gives back the slots of a mask, which the caller holds ACTIVE and whose memory it has given back to the system:
  /// they become UNUSED, else as release.
  [[nodiscard]] Released discard(std::uint32_t mine) noexcept { return release(mine, SlotState::kUnused); }

  /// The same of slots whose memory the system has not taken back: they are EMPTY again.
  [[nodiscard]] Released restore(std::uint32_t mine) noexcept { return release(mine, SlotState::kEmpty); }

 private:
  /// Frees the slots of a mask: EMPTY or UNUSED afterwards.
  [[nodiscard]] Released release(std::uint32_t mine, SlotState becomes) noexcept {
    const std::uint32_t keep = becomes == SlotState::kEmpty ? Snapshot::kAll : ~mine;
    Snapshot seen = snapshot();
    for (;;) {
      Snapshot next = Snapshot::of(seen.assigned() & keep, seen.free() | mine);
      const bool retires = next.active() == 0;
      if (retires) next = Snapshot{};
      // Release pairs with the acquire of the next claim, or of the retirer: what this thread did in its slots comes
      // before. Acquire: the retirer comes after everything every releaser did.
      // Failure relaxed: the value is only the next guess.
      if (word_.compare_exchange_weak(seen.bits, next.bits, std::memory_order_acq_rel, std::memory_order_relaxed)) {
        return {retires, seen.free() == 0};
      }
      Sync::pause();
    }
  }

  bool try_claim(Snapshot& seen, std::uint32_t wanted) noexcept {
    const Snapshot next = Snapshot::of(seen.assigned() | wanted, seen.free() & ~wanted);
    // Acquire pairs with the release that made the slots claimable (release or activate; other claims between them
    // continue the release sequence). Failure relaxed: the value is only the next guess.
    return word_.compare_exchange_weak(seen.bits, next.bits, std::memory_order_acquire, std::memory_order_relaxed);
  }

  typename Sync::template Atomic<std::uint64_t> word_{};
};

}  // namespace hakmem
