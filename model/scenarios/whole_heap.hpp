#pragma once
/// What the scenarios of a whole heap have in common: blocks that are used, change hands and are freed, and the
/// judgement at the end.

#include "model/check.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

/// A whole heap over a Config. A block's user writes to it; blocks change hands by an acquire/release exchange.
template <class HeapConfig, std::size_t kBytes>
struct WholeHeapOf : Scenario {
  using Context = ThreadContext<HeapConfig>;

  void set_up() { heap.init(); }

  Context& attach() {
    Context* context = heap.attach();
    require(context != nullptr, "there is a context");
    return *context;
  }
  void* allocate(Context& context, std::uintptr_t mark) {
    void* block = heap.allocate(context, kBytes);
    require(block != nullptr, "there is memory");
    payload_write(block, mark);
    return block;
  }
  /// Frees a block that must still hold what its user wrote (I1, I5).
  void free(Context& context, void* block, std::uintptr_t mark) {
    require(payload_read(block) == mark, "I5 visible: a block has lost its contents");
    heap.deallocate(context, block);
  }
  void hand_over(void* block) { handed.store(block, std::memory_order_release); }
  void* receive() { return handed.exchange(nullptr, std::memory_order_acquire); }

  /// All threads are gone and all blocks freed: nothing is held and, after a trim, nothing mapped (I8).
  void after() override {
    if (Faults::vanished() != 0) return use_goes_on();
    Context& context = attach();
    if (void* block = receive()) free(context, block, kHanded);
    (void)heap.trim(context);
    heap.detach(context);
    (void)heap.trim(attach());
    heap.pool().superslabs().visit_all([](auto& superslab) {
      require(superslab.word.snapshot().retired(), "I8 reclaimed: all is freed, but a slot is in use");
    });
    require(heap.os().reservations() == 0, "I8 reclaimed: all is freed, but memory stays mapped");
  }

  /// A thread has vanished. What it held is lost, and no more than that: the heap goes on as before.
  void use_goes_on() {
    Context& context = attach();
    if (void* block = receive()) free(context, block, kHanded);
    void* first = allocate(context, 100);
    void* second = allocate(context, 101);
    free(context, first, 100);
    free(context, second, 101);
    heap.detach(context);
    (void)heap.trim(attach());
    require(heap.os().reservations() <= kMostLost, "I7 bounded: more is lost than what the vanished thread held");
  }

  static constexpr std::uintptr_t kHanded = 77;
  /// SuperSlabs that one thread can hold: its slabs lie in one, another is just being mapped or retired.
  static constexpr unsigned kMostLost = 2;
  Heap<HeapConfig> heap;
  RelacySync::Atomic<void*> handed{nullptr};
};

using WholeHeap = WholeHeapOf<ToyConfig, kToyBytes>;

}  // namespace hakmem::model
