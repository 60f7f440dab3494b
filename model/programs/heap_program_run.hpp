#pragma once
/// One run of a HeapProgram over the shipping heap, whatever runs it: see the three bodies.
///
/// What is judged by itself, in each of them: a block holds what its latest owner has written until it frees it (I1,
/// I5), and in the end everything has come back (I2, I8).

#include <utility>

#include "heap/heap.hpp"
#include "model/programs/heap_program.hpp"

namespace hakmem::programs {

/// \tparam ConfigT the heap's
/// \tparam Body how blocks are touched and what else is judged:
///   - `write(block, word)` and `read(block)`: the first word of a block
///   - `require(holds, what)`: ends the run as a failure, or notes it
///   - `bytes_for(bytes)`: a request in the dimensions of the body's geometry
///   - `allocated(block, bytes)`, `about_to_free(block)`: for a judge of its own
///   - `expect_nothing_mapped(os)`: all is freed and trimmed
template <class ConfigT, class Body>
class HeapProgramRun {
 public:
  using Context = ThreadContext<ConfigT>;
  using Sync = typename ConfigT::Sync;

  /// A thread and its variables.
  struct Thread {
    Context* context = nullptr;
    unsigned index = 0;
    std::uintptr_t made = 0;
    void* blocks[kVariables] = {};
    std::uintptr_t marks[kVariables] = {};
  };

  explicit HeapProgramRun(Body& body, const typename ConfigT::Os& os = {}) : body_(body), heap_(os) {}

  /// Before all threads.
  void set_up(const HeapProgram& program = {}) {
    heap_.init();
    for (unsigned i = 0; i < program.size(); ++i) {
      if (!is_attached(program[i])) continue;
      begin(attached_[i], i);
      warm_up(attached_[i]);
      if (i != 0) exchange_last(attached_[i - 1], attached_[i]);
    }
  }

  /// A thread from its beginning to its end.
  void run(const HeapProgram& program, unsigned index) {
    Thread thread;
    const bool comes_and_goes = attached_[index].context == nullptr;
    if (comes_and_goes) begin(thread, index);
    for (const Step& step : program[index]) take(comes_and_goes ? thread : attached_[index], step);
    if (comes_and_goes) end(thread);
  }

  void begin(Thread& thread, unsigned index) {
    thread.index = index;
    attach(thread);
  }

  void take(Thread& thread, const Step& step) {
    switch (step.kind) {
      case Step::Kind::kAllocate: return allocate(thread, step);
      case Step::Kind::kFree: return free(thread, step.variable, *thread.context);
      case Step::Kind::kLateFree: return free(thread, step.variable, stand_in_);
      case Step::Kind::kGive: return give(thread, step.variable);
      case Step::Kind::kTake: return receive(thread, step.variable);
      case Step::Kind::kRenew: heap_.detach(*thread.context); return attach(thread);
      case Step::Kind::kTrim: (void)heap_.trim(*thread.context); return;
      case Step::Kind::kAttached: return;
    }
  }

  void end(Thread& thread) {
    for (unsigned i = 0; i < kVariables; ++i) free(thread, i, *thread.context);
    heap_.detach(*thread.context);
  }

  /// After all threads.
  void finish() {
    for (Thread& thread : attached_) {
      if (thread.context != nullptr) end(thread);
    }
    Thread last;
    begin(last, kMostThreads);
    receive(last, 0);
    free(last, 0, *last.context);
    (void)heap_.trim(*last.context);
    heap_.detach(*last.context);
    // The first context to be adopted is not the only one that has memory.
    attach(last);
    (void)heap_.trim(*last.context);
    heap_.pool().superslabs().visit_all([&](auto& superslab) {
      body_.require(superslab.word.snapshot().retired(), "I8 reclaimed: all is freed, but a slot is in use");
    });
    body_.expect_nothing_mapped(heap_.os());
  }

  /// Whether a block lies in the place that all threads share.
  [[nodiscard]] bool somebody_has_given() const {
    // Relaxed: asked between two steps of one thread.
    return given_.load(std::memory_order_relaxed) != nullptr;
  }

 private:
  /// Marks tell allocations apart, and the address they belong to.
  static std::uintptr_t mark_of(const void* block, const Thread& thread) {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    return (((thread.made * (kMostThreads + 1) + thread.index + 1) << 16) | (address >> 4 & 0xffff));
  }
  static bool is_mark_of(const void* block, std::uintptr_t mark) {
    return mark >> 16 != 0 && (mark & 0xffff) == (reinterpret_cast<std::uintptr_t>(block) >> 4 & 0xffff);
  }

  void attach(Thread& thread) {
    thread.context = heap_.attach();
    body_.require(thread.context != nullptr, "there is a context");
  }

  /// What an attached thread has done before.
  void warm_up(Thread& thread) {
    for (const unsigned variable : {0u, 1u}) take(thread, {Step::Kind::kAllocate, variable, 64});
    for (const std::size_t bytes : {64u, 48u, 32u, 16u}) {
      take(thread, {Step::Kind::kAllocate, 2, bytes});
      take(thread, {Step::Kind::kFree, 2});
    }
  }

  /// The second blocks of two threads change hands, if both have one.
  static void exchange_last(Thread& a, Thread& b) {
    if (a.context == nullptr || b.context == nullptr) return;
    std::swap(a.blocks[1], b.blocks[1]);
    std::swap(a.marks[1], b.marks[1]);
  }

  void allocate(Thread& thread, const Step& step) {
    free(thread, step.variable, *thread.context);
    const std::size_t bytes = body_.bytes_for(step.bytes);
    void* block = heap_.allocate(*thread.context, bytes);
    body_.require(block != nullptr, "there is memory");
    if (block == nullptr) return;
    body_.allocated(block, bytes);
    ++thread.made;
    hold(thread, step.variable, block, mark_of(block, thread));
    body_.write(block, thread.marks[step.variable]);
  }

  static void hold(Thread& thread, unsigned variable, void* block, std::uintptr_t mark) {
    thread.blocks[variable] = block;
    thread.marks[variable] = mark;
  }

  void free(Thread& thread, unsigned variable, Context& context) {
    void* block = thread.blocks[variable];
    if (block == nullptr) return;
    body_.require(body_.read(block) == thread.marks[variable], "I1 exclusive: a block has lost its contents");
    thread.blocks[variable] = nullptr;
    body_.about_to_free(block);
    heap_.deallocate(context, block);
  }

  void give(Thread& thread, unsigned variable) {
    if (thread.blocks[variable] == nullptr) return;
    // Release pairs with the acquire of who takes the block: what was written to it is visible there.
    // Acquire pairs with the release of who gave the block that lies there.
    void* old = given_.exchange(thread.blocks[variable], std::memory_order_acq_rel);
    thread.blocks[variable] = nullptr;
    take_over(thread, variable, old);
    free(thread, variable, *thread.context);
  }

  void receive(Thread& thread, unsigned variable) {
    if (thread.context != nullptr) free(thread, variable, *thread.context);
    // Acquire pairs with the release of who gave the block.
    take_over(thread, variable, given_.exchange(nullptr, std::memory_order_acquire));
  }

  void take_over(Thread& thread, unsigned variable, void* block) {
    if (block == nullptr) return;
    hold(thread, variable, block, body_.read(block));
    body_.require(is_mark_of(block, thread.marks[variable]), "I5 visible: a given block has lost its contents");
  }

  Body& body_;
  Heap<ConfigT> heap_;
  Context stand_in_{};
  Thread attached_[kMostThreads];
  typename Sync::template Atomic<void*> given_{nullptr};
};

}  // namespace hakmem::programs
