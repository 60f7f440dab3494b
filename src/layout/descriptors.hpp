#pragma once
/// Floor 3. Descriptors: all that is known about a slab, a SuperSlab and a direct mapping.
///
/// They live out of band, apart from user memory, and their memory is never given back (type-stable): a late reader
/// cannot fault, an overflow of a block cannot reach them. All-zero is their initial state.

#include <cstdint>
#include <type_traits>

#include "layout/local_list.hpp"
#include "layout/size_class.hpp"
#include "lockfree/remote_word.hpp"
#include "lockfree/slot_word.hpp"
#include "os/os_concept.hpp"
#include "sync/countdown.hpp"
#include "sync/shown.hpp"
#include "sync/tunable.hpp"

namespace hakmem {

template <class Config>
struct ThreadContext;
template <class Config>
struct SuperSlab;

/// What a descriptor describes at the moment, as its owner sees it.
enum class SlabState : std::uint8_t {
  kNone,      ///< nothing: the slot is not the first of an ACTIVE slab
  kAwake,     ///< a slab on its owner's class list
  kRetained,  ///< an empty slab on its class list, counted in its context's retained bytes
  kAsleep,    ///< a full slab on no list; the remote word says ASLEEP unless a waker has been there
  kAwaited,   ///< the owner has freed into a sleeping slab that a waker had woken first: it will come by the inbox
  kDirect,    ///< not a slab: one block with a mapping of its own
};

/// The owner as slabs of cached classes name it: marked in the lowest bit, so that one comparison in the free path
/// tells "own and small" from all other cases.
template <class Config>
ThreadContext<Config>* cached_owner(ThreadContext<Config>* owner) noexcept {
  return reinterpret_cast<ThreadContext<Config>*>(reinterpret_cast<std::uintptr_t>(owner) | 1);
}

/// The context behind a slab's owner, marked or not.
template <class Config>
ThreadContext<Config>* unmarked_owner(ThreadContext<Config>* owner) noexcept {
  return reinterpret_cast<ThreadContext<Config>*>(reinterpret_cast<std::uintptr_t>(owner) & ~std::uintptr_t{1});
}

/// A slab: adjacent slots of a SuperSlab, cut into blocks of one class, owned by one thread context.
///
/// Handoff lemma: whoever frees a block got it by a handoff that happens-after its allocation, so everything written
/// before the block first went out (owner, base, divisor, class, block size) may be read relaxed or plain by its freer.
template <class Config>
struct alignas(64) Slab {
  using Sync = typename Config::Sync;
  using Geometry = typename Config::Geometry;
  template <class T>
  using Plain = typename Sync::template Plain<T>;
  template <class T>
  using Atomic = typename Sync::template Atomic<T>;

  // First line: what an allocation or a free by the owner touches. Remote freers only read what the lemma covers.

  /// Written when the slab is made and when it is given back; constant while any block is out. Marked for cached
  /// classes, see cached_owner.
  Atomic<ThreadContext<Config>*> owner{};
  /// Blocks that the owner has freed and not yet taken up again.
  LocalList<Sync> free{};
  /// Frees by the owner until something happens: awake, until all blocks are back; asleep, one.
  Countdown<Sync> frees_to_event{};
  Plain<std::uint16_t> size_class{};
  Plain<SlabState> state{};
  Plain<std::uint8_t> slots{};
  /// Address of the first block.
  Plain<std::uintptr_t> base{};
  Plain<std::uint64_t> divisor{};
  /// The extent as is_block needs it: blocks that have been cut, times their class's excess (SizeClass::is_cut_offset).
  Atomic<std::uint32_t> limit{};
  Plain<std::uint16_t> capacity{};
  /// Blocks cut so far. Of the rest `cut_before` were cut in an earlier use of the slab, the others never touched.
  Plain<std::uint16_t> carved{};
  /// The owner's circular list of awake slabs of the class.
  Plain<Slab*> next{};
  Plain<Slab*> previous{};

  // Second line: what other threads write.

  alignas(64) RemoteWord<Sync, Geometry::kGranuleShift> remote{};
  /// Link of the owner's inbox; written by the single waker.
  Plain<Slab*> inbox_next{};
  /// Link of the class's list of EMPTY slots, and whether the descriptor is on one.
  Plain<Slab*> free_slot_next{};
  Atomic<std::uint32_t> on_free_slots{};
  /// Where it is: constant once the descriptor exists.
  Plain<std::uint32_t> slot{};
  Plain<SuperSlab<Config>*> superslab{};
  /// Of this slot: its memory may hold something else than zeroes. Its holder's: who has claimed it, or the SuperSlab.
  Plain<bool> written{};
  /// Of the whole slab: nothing had been written where no block is cut yet.
  Plain<bool> fresh{};
  /// Blocks behind those that are cut which were cut before the slab was empty last: all free.
  Plain<std::uint16_t> cut_before{};
  /// Bytes from the base to the end of the last block that was cut.
  Atomic<std::uint32_t> extent{};
  /// Of a slab of one block, and of a direct mapping: bytes of the block that a layer above needs, 0 when it has not
  /// said. The block's holder's.
  Plain<std::size_t> needed{};
  /// For diagnostics: the size class above, the blocks cut so far in the lower 16 bits.
  Shown<Sync, std::uint32_t> shown{};

  void show() noexcept { shown.set(std::uint32_t{size_class.get()} << 16 | carved.get()); }

  /// Distance and usable size of the blocks.
  [[nodiscard]] std::size_t block_bytes() const noexcept {
    return SizeClass<Geometry>::layout(size_class.get()).block_bytes;
  }

  /// Whether `block` is one of this slab's blocks that have been cut, by address.
  [[nodiscard]] bool is_block(const void* block) const noexcept {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(block) - base.get();
    // Relaxed: the block was cut before it went out, and the limit only grows until none is out (handoff lemma).
    return SizeClass<Geometry>::is_cut_offset(offset, divisor.get(), limit.load(std::memory_order_relaxed));
  }

  /// The block around an address of this slab, or nullptr where none has been cut.
  [[nodiscard]] char* block_around(const void* p) const noexcept {
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(p) - base.get();
    // Relaxed: as in is_block.
    if (offset >= extent.load(std::memory_order_relaxed)) return nullptr;
    const auto bytes = static_cast<std::uint32_t>(block_bytes());
    return reinterpret_cast<char*>(base.get() + static_cast<std::uint32_t>(offset) / bytes * bytes);
  }

  /// Whether an address lies where blocks of this slab may be, but none has been cut yet.
  [[nodiscard]] bool is_uncut(const void* p) const noexcept {
    const auto& layout = SizeClass<Geometry>::layout(size_class.get());
    const std::uintptr_t offset = reinterpret_cast<std::uintptr_t>(p) - base.get();
    // Relaxed: as in is_block; for a report.
    return offset >= extent.load(std::memory_order_relaxed) && offset < layout.capacity * layout.block_bytes;
  }
};

/// A SuperSlab: an aligned mapping of kSlots slots and their descriptors.
template <class Config>
struct alignas(64) SuperSlab {
  using Sync = typename Config::Sync;
  template <class T>
  using Plain = typename Sync::template Plain<T>;
  struct AnyClass {};

  SlotWord<Sync, Config::Geometry::kSlots> word{};
  /// Start of the mapping; written by the thread that maps it, before the word is activated.
  Plain<std::uintptr_t> base{};
  /// Position in the SuperSlab table, constant once the descriptor exists.
  Plain<std::uint32_t> index{};
  /// The slots that were EMPTY when that was last looked at, for giving their memory back with time.
  Tunable<Sync, std::uint32_t, 0> empty_before{};
  /// 1 when it is mostly used, so that the system may give it large pages, else 0.
  Tunable<Sync, std::uint32_t, 0> large_pages{};
  /// When it was retired, by the policy's clock; its owner's.
  Plain<std::uint64_t> retired_at{};
  /// For diagnostics: the start of the mapping, 0 without one.
  Shown<Sync, std::uintptr_t> shown_base{};
  /// Only where slabs do not share: the class that the SuperSlab is for; written by who owns it retired, before the
  /// word is activated.
  [[no_unique_address]] std::conditional_t<kSharesSuperSlabs<typename Config::Geometry>, AnyClass,
                                           typename Sync::template Atomic<std::uint32_t>> size_class{};
  Slab<Config> slabs[Config::Geometry::kSlots];
};

/// Whether the block of a direct mapping is out, or the mapping waits for its next use.
enum class MappingUse : std::uint8_t { kNone, kLive, kKept };

/// Where a kept mapping lies, for who frees its neighbour and does not own it.
template <class Sync>
class KeptPlace {
 public:
  /// The mapping's owner, before it is kept. \param origin start of the reservation that it was split from, or its own
  void set(std::uintptr_t base, std::uintptr_t origin) noexcept {
    // Relaxed, both: guesses of who looks for a neighbour. It takes the mapping out of the cache, and judges then.
    base_.store(base, std::memory_order_relaxed);
    origin_.store(origin, std::memory_order_relaxed);
  }
  /// Whether the mapping seems to have been split from the reservation at `origin`, and to begin at `base`. Any thread.
  [[nodiscard]] bool seems(std::uintptr_t base, std::uintptr_t origin) const noexcept {
    // Relaxed, both: as above.
    return base_.load(std::memory_order_relaxed) == base && origin_.load(std::memory_order_relaxed) == origin;
  }

 private:
  typename Sync::template Atomic<std::uintptr_t> base_{};
  typename Sync::template Atomic<std::uintptr_t> origin_{};
};

/// A block above kLargeMax, or aligned to more than a slot: a mapping of its own.
template <class Config>
struct alignas(64) DirectMapping {
  template <class T>
  using Plain = typename Config::Sync::template Plain<T>;

  /// First, because the page map points to it: state kDirect and no owner tell it from a slab.
  Slab<Config> slab{};
  Plain<std::uintptr_t> base{};
  Plain<std::size_t> bytes{};
  struct Nowhere {};
  /// Only where reservations can be divided: the start of the one that it was part of when it was reserved or moved, and
  /// where it waits for its next use.
  [[no_unique_address]] std::conditional_t<kHasDivision<typename Config::Os>, Plain<std::uintptr_t>, Nowhere> origin{};
  [[no_unique_address]] std::conditional_t<kHasDivision<typename Config::Os>, KeptPlace<typename Config::Sync>, Nowhere>
      kept_place{};
  /// Position in the table of direct mappings, constant once the descriptor exists.
  Plain<std::uint32_t> index{};
  /// For diagnostics: the start and, in the lowest bits, a MappingUse; 0 without a mapping. And its bytes.
  Shown<typename Config::Sync, std::uintptr_t> shown{};
  Shown<typename Config::Sync, std::size_t> shown_bytes{};

  void show(MappingUse use) noexcept {
    shown_bytes.set(bytes.get());
    shown.set(base.get() | static_cast<std::uintptr_t>(use));
  }

  static DirectMapping& of(Slab<Config>& slab) noexcept {
    return *reinterpret_cast<DirectMapping*>(reinterpret_cast<char*>(&slab));
  }
};

}  // namespace hakmem
