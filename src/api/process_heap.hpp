#pragma once
/// Floor 7. The process's one heap and each thread's way into it. All global state lives here.

#include <cstddef>

#include "api/process_config.hpp"

namespace hakmem {

static_assert(sizeof(Slab<ProcessConfig>) == 128, "the owner's cache line and the others'");

#pragma GCC visibility push(hidden)

/// Zero-initialised, so that it is ready before any constructor runs.
extern ProcessHeap process_heap;

/// Stands in for the context of a thread that has none: owns nothing, so every fast path falls through.
extern ProcessContext detached_context;

/// The thread's context, or `detached_context` before its first allocation and after its exit.
extern constinit thread_local ProcessContext* thread_context __attribute__((tls_model("initial-exec")));

/// Makes the key whose destructor is a thread's exit handler. Once, before any thread has a context. \return false without
/// a key
bool make_exit_key() noexcept;

/// A context to allocate from for the length of one slow call. A thread that has none gets one for life; a thread that
/// has run its exit handler borrows a parked one.
class ContextUse {
 public:
  ContextUse() noexcept;
  ~ContextUse();
  ContextUse(const ContextUse&) = delete;
  ContextUse& operator=(const ContextUse&) = delete;

  /// False without memory.
  explicit operator bool() const noexcept { return context_ != nullptr; }
  ProcessContext& operator*() const noexcept { return *context_; }

 private:
  ProcessContext* context_;
  bool borrowed_ = false;
};

/// Whether a heap compares what the caller says of a block with what it was asked for.
template <class HeapT>
inline constexpr bool kChecksSize =
    requires(HeapT heap, typename HeapT::Context context) { heap.deallocate_sized(context, nullptr, std::size_t{}); };

// The malloc family's common body. On failure nullptr and errno ENOMEM. --------------------------------------------

/// The long way of allocation: everything but a small block from the thread's detached list.
void* allocate_slow(std::size_t bytes, ProcessContext& context) noexcept;

[[gnu::always_inline]] inline void* allocate(std::size_t bytes) noexcept {
  ProcessContext& context = *thread_context;
  if (void* block = process_heap.try_allocate(context, bytes)) [[likely]]
    return block;
  return allocate_slow(bytes, context);
}

void* allocate_zeroed(std::size_t count, std::size_t bytes) noexcept;

/// \param alignment a power of two
void* allocate_aligned(std::size_t alignment, std::size_t bytes) noexcept;

/// \param block nullptr allocates
/// \param bytes 0 counts as 1
void* reallocate(void* block, std::size_t bytes) noexcept;

[[gnu::always_inline]] inline void deallocate(void* block) noexcept { process_heap.deallocate(*thread_context, block); }

/// As deallocate, for a caller that knows the block's size and alignment. Builds whose heap keeps the size compare.
/// \param bytes as asked for
/// \param alignment a power of two, as asked for
template <class HeapT = ProcessHeap>
inline void deallocate_sized(void* block, std::size_t bytes, HeapT& heap = process_heap) noexcept {
  if constexpr (kChecksSize<HeapT>) {
    heap.deallocate_sized(*thread_context, block, bytes);
  } else {
    deallocate(block);
  }
}
template <class HeapT = ProcessHeap>
inline void deallocate_aligned(void* block, std::size_t alignment, HeapT& heap = process_heap) noexcept {
  if constexpr (kChecksSize<HeapT>) {
    heap.deallocate_aligned(*thread_context, block, alignment);
  } else {
    deallocate(block);
  }
}
template <class HeapT = ProcessHeap>
inline void deallocate_sized_aligned(void* block, std::size_t bytes, std::size_t alignment,
                                     HeapT& heap = process_heap) noexcept {
  if constexpr (kChecksSize<HeapT>) {
    heap.deallocate_sized_aligned(*thread_context, block, bytes, alignment);
  } else {
    deallocate(block);
  }
}

bool trim() noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
