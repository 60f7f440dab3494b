#pragma once
/// Floor 6. The safety lock (B1): a whole heap behind one lock, with one context for all threads and no thread cache.
///
/// Not meant to be fast: it is the oracle that the heap without a lock is compared with. No two operations of the heap
/// overlap, every block has the same owner, nothing is ever freed from afar, and a thread's end means nothing.

#include "heap/heap.hpp"
#include "sync/counter.hpp"

namespace hakmem {

/// A heap with the interface of `HeapT`. Thread-safe; a thread's context is accepted and not used. \tparam HeapT a Heap
/// whose geometry has no thread caches \tparam Lock lock, try_lock, unlock
template <class HeapT, class Lock>
class LockedHeap {
 public:
  using Sync = typename HeapT::Sync;
  using Os = typename HeapT::Os;
  using Geometry = typename HeapT::Geometry;
  using Core = HeapT;

  static_assert(!kCachesByThread<Geometry>, "a thread cache in front of the lock, or behind it, is what B1 excludes");

  static constexpr std::size_t kMaxBytes = HeapT::kMaxBytes;

  /// What a thread knows of the heap: only whether it may allocate.
  struct Context {
    typename Sync::template Plain<bool> attached{};
  };

  constexpr LockedHeap() noexcept = default;
  constexpr explicit LockedHeap(const Os& os) noexcept : heap_(os) {}
  LockedHeap(const LockedHeap&) = delete;
  LockedHeap& operator=(const LockedHeap&) = delete;

  void init() noexcept {
    const Held held(*this);
    heap_.init();
  }

  /// The same for every thread; nothing can fail once the first has it.
  [[nodiscard]] Context* attach() noexcept {
    const Held held(*this);
    if (context_ == nullptr) {
      context_ = heap_.attach();
      everyone_.attached.set(context_ != nullptr);
    }
    return context_ != nullptr ? &everyone_ : nullptr;
  }
  void detach(Context&) noexcept {}

  /// There is no way round the lock. \return nullptr
  [[nodiscard, gnu::always_inline]] void* try_allocate(Context&, std::size_t) noexcept { return nullptr; }
  [[nodiscard, gnu::always_inline]] void* try_allocate_cached(Context&, std::size_t) noexcept { return nullptr; }

  [[nodiscard]] void* allocate(Context&, std::size_t bytes) noexcept {
    const Held held(*this);
    return heap_.allocate(*context_, bytes);
  }
  [[nodiscard]] void* allocate_zeroed(Context&, std::size_t bytes) noexcept {
    const Held held(*this);
    return heap_.allocate_zeroed(*context_, bytes);
  }
  [[nodiscard]] void* allocate_aligned(Context&, std::size_t bytes, std::size_t alignment) noexcept {
    const Held held(*this);
    return heap_.allocate_aligned(*context_, bytes, alignment);
  }
  [[nodiscard]] static constexpr std::size_t good_size(std::size_t bytes, std::size_t alignment) noexcept {
    return HeapT::good_size(bytes, alignment);
  }
  void deallocate(Context&, void* block) noexcept {
    // A program may free null before the heap is set up, and from where nothing may wait.
    if (block == nullptr) return;
    const Held held(*this);
    heap_.deallocate(core_context(), block);
  }
  [[nodiscard]] void* reallocate(Context&, void* block, std::size_t bytes) noexcept {
    const Held held(*this);
    return heap_.reallocate(*context_, block, bytes);
  }
  [[nodiscard]] std::size_t usable_size(const void* block) noexcept {
    const Held held(*this);
    return heap_.usable_size(block);
  }
  [[nodiscard]] bool owns(const void* p) noexcept {
    const Held held(*this);
    return heap_.owns(p);
  }
  bool trim(Context&) noexcept {
    const Held held(*this);
    return heap_.trim(core_context());
  }
  void purge() noexcept {
    const Held held(*this);
    heap_.purge();
  }

  // Fork: the child has one thread, which must find the lock free and the heap whole ----------------------------------

  /// In the forking thread, before: no other thread is inside the heap from here on.
  void before_fork() noexcept { lock_.lock(); }
  /// In the forking thread and in the child's only thread, after.
  void after_fork() noexcept { lock_.unlock(); }

  // For statistics and tests -----------------------------------------------------------------------------------------

  /// How often the lock was taken, and how often another thread held it at that moment.
  [[nodiscard]] std::uint64_t lock_acquisitions() const noexcept { return acquisitions_.get(); }
  [[nodiscard]] std::uint64_t lock_waits() const noexcept { return waits_.get(); }

  /// The heap behind the lock; used when no other thread is at work, but for its counters.
  [[nodiscard]] constexpr Core& core() noexcept { return heap_; }
  /// A context that owns nothing, to look at the heap with.
  [[nodiscard]] typename Core::Context& bystander() noexcept { return stand_in_; }
  [[nodiscard]] Os& os() noexcept { return heap_.os(); }
  [[nodiscard]] auto& settings() noexcept { return heap_.settings(); }
  [[nodiscard]] auto& page_map() noexcept { return heap_.page_map(); }
  [[nodiscard]] auto& pool() noexcept { return heap_.pool(); }
  [[nodiscard]] auto& direct() noexcept { return heap_.direct(); }
  [[nodiscard]] auto& contexts() noexcept { return heap_.contexts(); }

 private:
  /// The lock, for the length of one operation.
  class Held {
   public:
    explicit Held(LockedHeap& heap) noexcept : heap_(heap) {
      const bool waited = !heap_.lock_.try_lock();
      if (waited) heap_.lock_.lock();
      heap_.acquisitions_.add();
      if (waited) heap_.waits_.add();
    }
    ~Held() { heap_.lock_.unlock(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

   private:
    LockedHeap& heap_;
  };

  /// The one context, or before the first attach one that owns nothing: a pointer that is freed then is foreign.
  [[nodiscard]] typename Core::Context& core_context() noexcept { return context_ != nullptr ? *context_ : stand_in_; }

  Lock lock_;
  Core heap_;
  typename Core::Context* context_ = nullptr;
  typename Core::Context stand_in_{};
  Context everyone_{};
  OwnerCounter<Sync> acquisitions_;
  OwnerCounter<Sync> waits_;
};

}  // namespace hakmem
