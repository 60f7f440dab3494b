#pragma once
/// The header-only heap as an allocator under test: one explicit context for each thread.

#include "allocator.hpp"
#include "census.hpp"
#include "heap_tuner.hpp"
#include "limits.hpp"
#include "policies.hpp"

namespace hakmem::stress {

/// An attached thread.
template <class Heap>
class HeapThread : public ThreadAllocator {
 public:
  explicit HeapThread(Heap& heap) : heap_(heap), context_(heap.attach()) {
    if (context_ == nullptr) throw Failure("no memory for a thread context");
  }
  ~HeapThread() override { heap_.detach(*context_); }

  void* allocate(std::size_t bytes) override {
    void* block = heap_.try_allocate(*context_, bytes);
    return used(block != nullptr ? block : heap_.allocate(*context_, bytes));
  }
  void* allocate_zeroed(std::size_t bytes) override { return used(heap_.allocate_zeroed(*context_, bytes)); }
  void* allocate_aligned(std::size_t bytes, std::size_t alignment) override {
    return used(heap_.allocate_aligned(*context_, bytes, alignment));
  }
  void* reallocate(void* block, std::size_t bytes) override { return used(heap_.reallocate(*context_, block, bytes)); }
  void deallocate(void* block) override {
    mark_free(block, heap_.usable_size(block));
    heap_.deallocate(*context_, block);
  }
  std::size_t usable_size(void* block) override { return heap_.usable_size(block); }
  void trim() override { heap_.trim(*context_); }

 private:
  void* used(void* block) {
    if (block != nullptr) mark_used(block, heap_.usable_size(block));
    return block;
  }

  Heap& heap_;
  typename Heap::Context* context_;
};

/// A thread after its exit: it frees through a stand-in that owns nothing, and borrows a context for anything else.
template <class Heap>
class ExitedHeapThread : public ThreadAllocator {
 public:
  ExitedHeapThread(Heap& heap, typename Heap::Context& stand_in) : heap_(heap), stand_in_(stand_in) {}

  void* allocate(std::size_t bytes) override { return HeapThread<Heap>(heap_).allocate(bytes); }
  void* allocate_zeroed(std::size_t bytes) override { return HeapThread<Heap>(heap_).allocate_zeroed(bytes); }
  void* allocate_aligned(std::size_t bytes, std::size_t alignment) override {
    return HeapThread<Heap>(heap_).allocate_aligned(bytes, alignment);
  }
  void* reallocate(void* block, std::size_t bytes) override { return HeapThread<Heap>(heap_).reallocate(block, bytes); }
  void deallocate(void* block) override {
    mark_free(block, heap_.usable_size(block));
    heap_.deallocate(stand_in_, block);
  }
  std::size_t usable_size(void* block) override { return heap_.usable_size(block); }
  void trim() override { heap_.trim(stand_in_); }

 private:
  Heap& heap_;
  typename Heap::Context& stand_in_;
};

/// The heap whose books a census reads: of a locked one, what is behind the lock.
template <class Heap>
auto& core_of(Heap& heap) noexcept {
  if constexpr (requires { heap.core(); }) {
    return heap.core();
  } else {
    return heap;
  }
}

template <class AnyHeap>
struct ConfigOf;
template <class Config>
struct ConfigOf<Heap<Config>> {
  using Type = Config;
};

/// \tparam HeapT a Heap, or a LockedHeap as the oracle.
template <class HeapT>
class HeapAllocator : public Allocator {
  using Geometry = typename HeapT::Geometry;
  using Core = std::remove_reference_t<decltype(core_of(std::declval<HeapT&>()))>;

 public:
  explicit HeapAllocator(Fault fault = Fault::kNone) : fault_(fault) { heap_.init(); }

  std::unique_ptr<ThreadAllocator> attach() override { return std::make_unique<HeapThread<HeapT>>(heap_); }
  std::unique_ptr<ThreadAllocator> attach_after_exit() override {
    return std::make_unique<ExitedHeapThread<HeapT>>(heap_, stand_in_);
  }
  SizeLimits limits() const override { return limits_of<Geometry>(); }
  /// Behind the lock nothing is cached, so there is nothing to learn.
  std::unique_ptr<Tuner> tuner() override {
    if constexpr (kCachesByThread<Geometry>) {
      return std::make_unique<HeapTuner<typename ConfigOf<Core>::Type>>(core_of(heap_), fault_);
    } else {
      return nullptr;
    }
  }

  std::optional<std::uint64_t> blocks_out() override {
    heap_.trim(stand_in_);
    return Census<Core>::blocks_out(core_of(heap_));
  }
  std::optional<Footprint> footprint() override {
    return Footprint{heap_.pool().superslabs().descriptors(), kSuperSlabBytes<Geometry>, heap_.contexts().size()};
  }
  void check_reclaimed() override {
    heap_.trim(stand_in_);
    Census<Core>::check_reclaimed(core_of(heap_));
  }

 private:
  const Fault fault_;
  HeapT heap_;
  typename HeapT::Context stand_in_{};
};

}  // namespace hakmem::stress
