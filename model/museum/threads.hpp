#pragma once
/// Exhibits on what threads do once: a lock that is held, a first call, a first use. Each scenario is faulty or sound by
/// its parameter.

#include "model/check.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

// 2
template <bool kFaulty>
struct LocksTwice : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    lock.lock();
    list_slot();
    lock.unlock();
  }
  /// The fallback of a release that already holds the lock.
  void list_slot() {
    if (kFaulty) lock.lock();
    listed.set(listed.get() + 1);
    if (kFaulty) lock.unlock();
  }
  void after() override { require(listed.get() == kThreads, "I2 conserved: a slot is not listed"); }
  Mutex lock;
  RelacySync::Plain<unsigned> listed;
};

// 20c
template <bool kFaulty>
struct FirstCallComesBack : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override { allocate(index); }
  /// A thread's first call gives it a context, and has its exit watched.
  void allocate(unsigned index) {
    if (mine[index] != nullptr) return;
    auto* context = contexts.adopt(os);
    require(context != nullptr, "there is memory for a context");
    if (!kFaulty) mine[index] = context;
    watch_exit(index);
    mine[index] = context;
  }
  /// The C library needs a block for that, the first time: it allocates.
  void watch_exit(unsigned index) {
    if (watched[index]) return;
    watched[index] = true;
    allocate(index);
  }
  void after() override {
    for (auto* context : mine) contexts.park(*context);
    unsigned parked = 0;
    contexts.visit_parked([&](auto&) { ++parked; });
    require(parked == contexts.size(), "I8 reclaimed: a context belongs to nobody");
  }
  ToyConfig::Os os;
  ContextPool<ToyConfig> contexts;
  ThreadContext<ToyConfig>* mine[kThreads] = {};
  bool watched[kThreads] = {};
};

// 20d
template <bool kFaulty>
struct FirstUseOfAll : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    if (!kFaulty) once.lock();
    if (made.get() == 0) made.set(made.get() + 1);
    if (!kFaulty) once.unlock();
    require(made.get() == 1, "I1 exclusive: there are two heaps");
  }
  RelacySync::Plain<unsigned> made;
  Mutex once;
};

}  // namespace hakmem::model
