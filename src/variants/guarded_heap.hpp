#pragma once
/// Floor 6. A heap whose blocks are guarded at their ends: the interface of Heap, and a report of what a program does
/// to a block beyond what it was given.

#include "heap/heap.hpp"
#include "os/os_concept.hpp"
#include "sync/sync_concept.hpp"
#include "sync/tunable.hpp"
#include "variants/guards.hpp"

namespace hakmem {

/// The call site of what the calling thread does now, for programs that name none.
struct NoCallSite {
  static constexpr std::uint32_t current() noexcept { return 0; }
};

/// Thread-safe as HeapT is; the same calls with the same promises (see Heap). The guard takes its bytes at a block's
/// end, so alignments stay what they are. Where the Os policy's fatal returns, the call has no effect.
/// \tparam Guard Trailer or BlockTag; \tparam CallSite `current()`: the call-site id, 0 for none
template <class HeapT, template <class> class Guard, class CallSite = NoCallSite>
class GuardedHeap {
 public:
  using Sync = typename HeapT::Sync;
  using Os = typename HeapT::Os;
  using Geometry = typename HeapT::Geometry;
  using Context = typename HeapT::Context;
  using Classes = typename HeapT::Classes;
  using GuardT = Guard<Sync>;

  static constexpr std::size_t kMaxBytes = HeapT::kMaxBytes;
  static_assert(GuardT::kBytes < Geometry::kSmallMax);

  constexpr GuardedHeap() noexcept = default;
  constexpr explicit GuardedHeap(const Os& os) noexcept : heap_(os) {}
  GuardedHeap(const GuardedHeap&) = delete;
  GuardedHeap& operator=(const GuardedHeap&) = delete;

  void init() noexcept {
    std::uint64_t key = 0x9e3779b97f4a7c15u;
    if constexpr (HasSecret<Os>) key = heap_.os().secret();
    guard_.set_key(key);
    if constexpr (SealsLinks<Sync>) Sync::set_key(key);
    heap_.init();
  }

  [[nodiscard]] Context* attach() noexcept { return heap_.attach(); }
  void detach(Context& context) noexcept { heap_.detach(context); }

  // Allocation -------------------------------------------------------------------------------------------------------

  [[nodiscard, gnu::always_inline]] void* try_allocate(Context& context, std::size_t bytes) noexcept {
    const std::size_t total = with_guard(bytes);
    // The second path relies on it that this one has found no block, whatever the size.
    if (bytes > Geometry::kSmallMax - GuardT::kBytes) [[unlikely]]
      return nullptr;
    void* block = heap_.try_allocate(context, total);
    if (block == nullptr) [[unlikely]]
      return nullptr;
    return seal(context, block, Classes::block_bytes(Classes::of_small(total)), bytes);
  }

  [[nodiscard]] void* try_allocate_cached(Context& context, std::size_t bytes) noexcept {
    return make(context, bytes, [&](std::size_t total) { return heap_.try_allocate_cached(context, total); });
  }

  [[nodiscard]] void* allocate(Context& context, std::size_t bytes) noexcept {
    return make(context, bytes, [&](std::size_t total) { return heap_.allocate(context, total); });
  }

  [[nodiscard]] void* allocate_zeroed(Context& context, std::size_t bytes) noexcept {
    return make(context, bytes, [&](std::size_t total) { return heap_.allocate_zeroed(context, total); });
  }

  [[nodiscard]] void* allocate_aligned(Context& context, std::size_t bytes, std::size_t alignment) noexcept {
    return make(context, bytes, [&](std::size_t total) { return heap_.allocate_aligned(context, total, alignment); });
  }

  [[nodiscard]] void* reallocate(Context& context, void* block, std::size_t bytes) noexcept {
    if (bytes > kMaxBytes - GuardT::kBytes) return nullptr;
    const auto held = heap_.hold(block, "realloc");
    if (held.bytes == 0) return nullptr;
    const Look seen = guard_.claim(block, held.bytes, author(context));
    if (!seen.sound()) {
      (void)report(block, held.bytes, seen, "realloc", Corruption::kUsedAfterFree);
      return nullptr;
    }
    if (clears_freed_.get() != 0) return move(context, held, block, seen.bytes, bytes);
    void* moved = heap_.reallocate(context, block, with_guard(bytes));
    if (moved == nullptr) {
      guard_.unclaim(block, held.bytes);
      return nullptr;
    }
    return seal(context, moved, room_of(moved, bytes), bytes);
  }

  /// As of the heap underneath, without what is watched.
  [[nodiscard]] static constexpr std::size_t good_size(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes > kMaxBytes - GuardT::kBytes) return 0;
    const std::size_t room = HeapT::good_size(with_guard(bytes), alignment);
    if (room == 0) return 0;
    return GuardT::kKnowsSize ? bytes : room - GuardT::kBytes;
  }

  // Deallocation -----------------------------------------------------------------------------------------------------

  void deallocate(Context& context, void* block) noexcept { deallocate_as(context, block, kNothingGiven); }

  /// \param bytes as the block was asked for
  void deallocate_sized(Context& context, void* block, std::size_t bytes) noexcept {
    deallocate_as(context, block, {bytes, 1});
  }
  /// \param alignment a power of two that the block was asked for with
  void deallocate_aligned(Context& context, void* block, std::size_t alignment) noexcept {
    deallocate_as(context, block, {kNoBytes, alignment});
  }
  void deallocate_sized_aligned(Context& context, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    deallocate_as(context, block, {bytes, alignment});
  }

  /// Whether contents are zeroed when their block is freed or resized, which moves it then. Any thread; other threads
  /// follow some time later.
  void set_clears_freed(bool clears) noexcept { clears_freed_.set(clears ? 1 : 0); }

  // The rest ---------------------------------------------------------------------------------------------------------

  /// As many bytes as were asked for: those behind them are watched.
  [[nodiscard]] std::size_t usable_size(const void* block) noexcept {
    if (block == nullptr) return 0;
    constexpr const char* kCall = "malloc_usable_size";
    const std::size_t room = heap_.bytes_of_block(block, kCall);
    if (room == 0) return 0;
    const Look seen = guard_.inspect(block, room);
    return seen.sound() ? seen.bytes : report(block, room, seen, kCall, Corruption::kUsedAfterFree);
  }

  /// Judges what a program is about to write or to read: it is to lie within one live block, or in none. What
  /// Misuse::find_around does not know passes. Any thread that uses the block.
  /// \param bytes > 0 \param if_beyond kWriteBeyond or kReadBeyond
  [[gnu::always_inline]] void check_range(const void* p, std::size_t bytes, const char* call,
                                          Corruption if_beyond) noexcept {
    auto place = heap_.find_around(p, call);
    // What begins outside of the heap may still reach into it.
    if (place.block == nullptr && !heap_.owns(p)) {
      place = heap_.find_around(static_cast<const char*>(p) + bytes - 1, call);
    }
    if (place.block == nullptr) return;
    const Look seen = guard_.glance(place.block, place.bytes);
    // Wraps, and is too large therefore, where it begins before the block.
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(place.block);
    if (!seen.sound() || offset > seen.bytes || bytes > seen.bytes - offset) [[unlikely]]
      report_range(p, bytes, place.block, place.bytes, seen, call, if_beyond);
  }

  /// Reports a free block that was written to. Any thread that owns it.
  void report_written_after_free(const void* block) noexcept {
    const std::size_t room = heap_.bytes_of_block(block, "free");
    if (room == 0) return;
    const Finding found = guard_.explain(block, room, guard_.inspect(block, room), Corruption::kDoubleFree);
    heap_.os().fatal(Corruption::kWrittenAfterFree, "free", block, block, found.bytes, found.history);
  }

  [[nodiscard]] bool owns(const void* p) const noexcept { return heap_.owns(p); }
  bool trim(Context& context) noexcept { return heap_.trim(context); }
  void purge() noexcept { heap_.purge(); }

  [[nodiscard]] Os& os() noexcept { return heap_.os(); }
  [[nodiscard]] auto& settings() noexcept { return heap_.settings(); }
  [[nodiscard]] auto& page_map() noexcept { return heap_.page_map(); }
  [[nodiscard]] auto& pool() noexcept { return heap_.pool(); }
  [[nodiscard]] auto& direct() noexcept { return heap_.direct(); }
  [[nodiscard]] auto& contexts() noexcept { return heap_.contexts(); }
  /// The heap underneath, for walks: they see whole blocks, guards included.
  [[nodiscard]] constexpr HeapT& core() noexcept { return heap_; }

 private:
  /// What the caller says of the block: kNoBytes and alignment 1 when it says nothing.
  struct Given {
    std::size_t bytes;
    std::size_t alignment;
  };
  static constexpr std::size_t kNoBytes = SIZE_MAX;
  static constexpr Given kNothingGiven{kNoBytes, 1};

  /// What the heap underneath is asked for. Of a block of 0 bytes no byte is the program's, but one is there to be
  /// watched, so that the link of a free block does not reach the state.
  static constexpr std::size_t with_guard(std::size_t bytes) noexcept {
    return bytes + (bytes == 0 ? 1 : 0) + GuardT::kBytes;
  }

  static Author author(const Context& context) noexcept {
    return {context.attached.get() ? context.index.get() + 1 : 0, CallSite::current()};
  }

  [[gnu::always_inline]] void* seal(Context& context, void* block, std::size_t room, std::size_t bytes) noexcept {
    // Whose context has given a block is attached.
    guard_.seal(block, room, bytes, {context.index.get() + 1, CallSite::current()});
    return block;
  }

  template <class Allocate>
  void* make(Context& context, std::size_t bytes, Allocate allocate) noexcept {
    if (bytes > kMaxBytes - GuardT::kBytes) return nullptr;
    void* block = allocate(with_guard(bytes));
    return block == nullptr ? nullptr : seal(context, block, room_of(block, bytes), bytes);
  }

  /// The room for `bytes` of a new block. The trailer of a large one lies near its contents' end, not at the block's.
  std::size_t room_of(void* block, std::size_t bytes) noexcept {
    if constexpr (GuardT::kKnowsSize) return heap_.need(block, GuardT::room_for(bytes));
    return heap_.usable_size(block);
  }

  [[gnu::always_inline]] void deallocate_as(Context& context, void* block, Given given) noexcept {
    if (block == nullptr) return;
    const auto held = heap_.hold(block, "free");
    if (held.bytes == 0) [[unlikely]]
      return;
    const Look seen = guard_.claim(block, held.bytes, author(context));
    if (!seen.sound()) [[unlikely]] {
      (void)report(block, held.bytes, seen, "free", Corruption::kDoubleFree);
      return;
    }
    if (!agrees(seen, block, given)) [[unlikely]]
      return report_given(block, held.bytes, seen, given);
    if (clears_freed_.get() != 0) [[unlikely]]
      clear(block, held.bytes);
    heap_.deallocate_held(context, held, block);
  }

  /// Zeroes all of a block but its guard, which says who has freed it. Of a mapping the whole pages are dropped: many may
  /// never have been touched.
  void clear(void* block, std::size_t room) noexcept {
    std::size_t bytes = room - GuardT::kBytes;
    auto* rest = static_cast<char*>(block);
    if (bytes > Geometry::kLargeMax) {
      const std::size_t whole = bytes & ~(heap_.os().page_bytes() - 1);
      if (heap_.os().decommit(rest, whole)) {
        rest += whole;
        bytes -= whole;
      }
    }
    std::memset(rest, 0, bytes);
  }

  /// Gives a claimed block's contents a new place, and clears and frees the old one.
  /// \return nullptr without memory: then the block is live again
  [[gnu::noinline]] void* move(Context& context, typename HeapT::Held held, void* block, std::size_t old_bytes,
                               std::size_t bytes) noexcept {
    void* moved = allocate(context, bytes);
    if (moved == nullptr) {
      guard_.unclaim(block, held.bytes);
      return nullptr;
    }
    std::memcpy(moved, block, old_bytes < bytes ? old_bytes : bytes);
    clear(block, held.bytes);
    heap_.deallocate_held(context, held, block);
    return moved;
  }

  /// Whether the caller takes the block for what it is.
  static bool agrees(Look seen, const void* block, Given given) noexcept {
    if (!is_aligned(block, given)) return false;
    return !GuardT::kKnowsSize || given.bytes == kNoBytes || given.bytes == seen.bytes;
  }
  static bool is_aligned(const void* block, Given given) noexcept {
    return (reinterpret_cast<std::uintptr_t>(block) & (given.alignment - 1)) == 0;
  }

  /// \return the bytes that the block has
  [[gnu::noinline, gnu::cold]] std::size_t report(const void* block, std::size_t room, Look seen, const char* call,
                                                  Corruption if_free) noexcept {
    const Finding found = guard_.explain(block, room, seen, if_free);
    heap_.os().fatal(found.what, call, block, block, found.bytes, found.history);
    return found.bytes;
  }

  [[gnu::noinline, gnu::cold]] void report_range(const void* p, std::size_t bytes, const void* block, std::size_t room,
                                                 Look seen, const char* call, Corruption if_beyond) noexcept {
    Finding found = guard_.explain(block, room, seen, Corruption::kUsedAfterFree);
    if (seen.sound()) {
      found.what = if_beyond;
      found.history.given = bytes;
    }
    heap_.os().fatal(found.what, call, p, block, found.bytes, found.history);
  }

  [[gnu::noinline, gnu::cold]] void report_given(const void* block, std::size_t room, Look seen, Given given) noexcept {
    Finding found = guard_.explain(block, room, seen, Corruption::kDoubleFree);
    const bool aligned = is_aligned(block, given);
    found.history.given = aligned ? given.bytes : given.alignment;
    heap_.os().fatal(aligned ? Corruption::kSizeMismatch : Corruption::kAlignmentMismatch, "free", block, block,
                     found.bytes, found.history);
  }

  HeapT heap_;
  GuardT guard_;
  Tunable<Sync, std::uint32_t, 0> clears_freed_;
};

}  // namespace hakmem
