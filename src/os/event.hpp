#pragma once
/// Floor 1. Events that a policy may want to hear of (D8): told in slow paths only, and only to a policy that listens.

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace hakmem {

enum class EventKind : std::uint8_t {
  kAcquire,         ///< a run of slots was acquired: stage, class, place
  kRelease,         ///< a run of slots was given back: class, place
  kOffer,           ///< it was offered to its class: the free-list push
  kRetire,          ///< the SuperSlab is completely empty
  kSuperSlabPut,    ///< a retired SuperSlab is kept
  kSuperSlabTake,   ///< a kept SuperSlab is used again
  kSuperSlabUnmap,  ///< a retired SuperSlab goes back to the system; detail: why
  kOutboxSend,      ///< a chain of frees goes to its slab: class, slab, count
  kOutboxDrain,     ///< all gathered chains go out: how many
  kSpill,           ///< a thread's list has grown too long: class, blocks that it keeps
  kCount
};

/// What has happened. Which members mean something depends on the kind.
struct Event {
  EventKind kind;
  const char* detail = nullptr;  ///< the stage of an acquire, the reason of an unmap
  unsigned size_class = 0;
  std::uintptr_t address = 0;  ///< the SuperSlab; of kOutboxSend the slab
  unsigned slot = 0;           ///< first slot of the run
  std::size_t count = 0;       ///< slots of a run, chains or blocks
};

/// A policy that listens: `wants(kind)` says cheaply whether `note(event)` shall be called. Both thread-safe; neither
/// may use the heap.
template <class Os>
concept ListensToEvents = requires(const Event& event, EventKind kind) {
  { Os::wants(kind) } noexcept -> std::same_as<bool>;
  { Os::note(event) } noexcept;
};

/// Whether the policy wants to hear of such events now.
template <class Os>
[[nodiscard]] bool wants(EventKind kind) noexcept {
  if constexpr (ListensToEvents<Os>) {
    return Os::wants(kind);
  } else {
    return false;
  }
}

/// Tells the policy of an event, which `describe()` returns. For a policy that does not listen it is nothing at all.
template <class Os, class Describe>
void tell(EventKind kind, Describe describe) noexcept {
  if constexpr (ListensToEvents<Os>) {
    if (Os::wants(kind)) [[unlikely]]
      Os::note(describe());
  }
}

}  // namespace hakmem
