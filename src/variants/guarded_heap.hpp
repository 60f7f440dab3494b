#pragma once
/// Floor 6. A heap whose blocks are guarded at their ends: the interface of Heap, and a report of what a program does
/// to a block beyond what it was given.

#include "heap/heap.hpp"
#include "os/os_concept.hpp"
#include "sync/sync_concept.hpp"
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
    // Here too 0 counts as 1: the second path relies on it that the first one has found no block.
    if (bytes == 0) bytes = 1;
    if (bytes > Geometry::kSmallMax - GuardT::kBytes) [[unlikely]]
      return nullptr;
    void* block = heap_.try_allocate(context, bytes + GuardT::kBytes);
    if (block == nullptr) [[unlikely]]
      return nullptr;
    return seal(context, block, Classes::block_bytes(Classes::of_small(bytes + GuardT::kBytes)), bytes);
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
    const std::size_t room = heap_.bytes_of_block(block, "realloc");
    if (room == 0 || !claim(context, block, room, "realloc", Corruption::kUsedAfterFree, kNothingGiven)) return nullptr;
    void* moved = heap_.reallocate(context, block, bytes + GuardT::kBytes);
    if (moved == nullptr) {
      guard_.unclaim(block, room);
      return nullptr;
    }
    return seal(context, moved, room_of(moved, bytes), bytes);
  }

  /// As of the heap underneath, without what is watched.
  [[nodiscard]] static constexpr std::size_t good_size(std::size_t bytes, std::size_t alignment) noexcept {
    if (bytes == 0) bytes = 1;
    if (bytes > kMaxBytes - GuardT::kBytes) return 0;
    const std::size_t room = HeapT::good_size(bytes + GuardT::kBytes, alignment);
    if (room == 0) return 0;
    return GuardT::kKnowsSize ? bytes : room - GuardT::kBytes;
  }

  // Deallocation -----------------------------------------------------------------------------------------------------

  void deallocate(Context& context, void* block) noexcept { deallocate_as(context, block, kNothingGiven); }

  /// \param bytes as the block was asked for
  void deallocate_sized(Context& context, void* block, std::size_t bytes) noexcept {
    deallocate_as(context, block, {bytes == 0 ? 1 : bytes, 1});
  }
  /// \param alignment a power of two that the block was asked for with
  void deallocate_aligned(Context& context, void* block, std::size_t alignment) noexcept {
    deallocate_as(context, block, {0, alignment});
  }
  void deallocate_sized_aligned(Context& context, void* block, std::size_t bytes, std::size_t alignment) noexcept {
    deallocate_as(context, block, {bytes == 0 ? 1 : bytes, alignment});
  }

  // The rest ---------------------------------------------------------------------------------------------------------

  /// As many bytes as were asked for: those behind them are watched.
  [[nodiscard]] std::size_t usable_size(const void* block) noexcept {
    if (block == nullptr) return 0;
    constexpr const char* kCall = "malloc_usable_size";
    const std::size_t room = heap_.bytes_of_block(block, kCall);
    if (room == 0) return 0;
    const Finding found = guard_.inspect(block, room);
    if (!found.sound) heap_.os().fatal(found.what, kCall, block, block, found.bytes, found.history);
    return found.bytes;
  }

  /// Reports a free block that was written to. Any thread that owns it.
  void report_written_after_free(const void* block) noexcept {
    const std::size_t room = heap_.bytes_of_block(block, "free");
    if (room == 0) return;
    const Finding found = guard_.inspect(block, room);
    heap_.os().fatal(Corruption::kWrittenAfterFree, "free", block, block, found.bytes, found.history);
  }

  [[nodiscard]] bool owns(const void* p) const noexcept { return heap_.owns(p); }
  bool trim(Context& context) noexcept { return heap_.trim(context); }

  [[nodiscard]] Os& os() noexcept { return heap_.os(); }
  [[nodiscard]] auto& settings() noexcept { return heap_.settings(); }
  [[nodiscard]] auto& page_map() noexcept { return heap_.page_map(); }
  [[nodiscard]] auto& pool() noexcept { return heap_.pool(); }
  [[nodiscard]] auto& direct() noexcept { return heap_.direct(); }
  [[nodiscard]] auto& contexts() noexcept { return heap_.contexts(); }
  /// The heap underneath, for walks: they see whole blocks, guards included.
  [[nodiscard]] constexpr HeapT& core() noexcept { return heap_; }

 private:
  /// What the caller says of the block: 0 bytes and alignment 1 when it says nothing.
  struct Given {
    std::size_t bytes;
    std::size_t alignment;
  };
  static constexpr Given kNothingGiven{0, 1};

  static Author author(const Context& context) noexcept {
    return {context.attached.get() ? context.index.get() + 1 : 0, CallSite::current()};
  }

  void* seal(Context& context, void* block, std::size_t room, std::size_t bytes) noexcept {
    guard_.seal(block, room, bytes, author(context));
    return block;
  }

  template <class Allocate>
  void* make(Context& context, std::size_t bytes, Allocate allocate) noexcept {
    if (bytes == 0) bytes = 1;
    if (bytes > kMaxBytes - GuardT::kBytes) return nullptr;
    void* block = allocate(bytes + GuardT::kBytes);
    return block == nullptr ? nullptr : seal(context, block, room_of(block, bytes), bytes);
  }

  /// The room for `bytes` of a new block. The trailer of a large one lies near its contents' end, not at the block's.
  std::size_t room_of(void* block, std::size_t bytes) noexcept {
    if constexpr (GuardT::kKnowsSize) return heap_.need(block, GuardT::room_for(bytes));
    return heap_.usable_size(block);
  }

  void deallocate_as(Context& context, void* block, Given given) noexcept {
    if (block == nullptr) return;
    const std::size_t room = heap_.bytes_of_block(block, "free");
    if (room == 0 || !claim(context, block, room, "free", Corruption::kDoubleFree, given)) return;
    heap_.deallocate(context, block);
  }

  /// Marks a block as freed. \return whether it was live, whole, and what the caller takes it for; else that is
  /// reported.
  bool claim(Context& context, void* block, std::size_t room, const char* call, Corruption if_free,
             Given given) noexcept {
    Finding found = guard_.claim(block, room, author(context));
    if (found.sound) [[likely]]
      check_given(found, block, given);
    if (found.sound) [[likely]]
      return true;
    if (found.what == Corruption::kDoubleFree) found.what = if_free;
    heap_.os().fatal(found.what, call, block, block, found.bytes, found.history);
    return false;
  }

  static void check_given(Finding& found, const void* block, Given given) noexcept {
    if ((reinterpret_cast<std::uintptr_t>(block) & (given.alignment - 1)) != 0) {
      found.sound = false;
      found.what = Corruption::kAlignmentMismatch;
      found.history.given = given.alignment;
    } else if (GuardT::kKnowsSize && given.bytes != 0 && given.bytes != found.bytes) {
      found.sound = false;
      found.what = Corruption::kSizeMismatch;
      found.history.given = given.bytes;
    }
  }

  HeapT heap_;
  GuardT guard_;
};

}  // namespace hakmem
