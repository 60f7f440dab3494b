/// The process's heap before its first use: whoever comes first sets it up.
///
/// What ships calls pthread_once, which is the C library's. Here stands what the C library promises of it (once, and
/// whoever returns has seen it happen), and the heap that is set up is the one that ships.

#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

/// The promise of pthread_once.
class Once {
 public:
  template <class F>
  void call(F f) {
    // Acquire pairs with the release at the end: who finds it done has seen what was done.
    if (state_.load(kAcquire) == kDone) return;
    int expected = kNew;
    // Relaxed: only one thread gets through; what it sees of others is not its business.
    if (state_.compare_exchange_strong(expected, kRunning, kRelaxed, kRelaxed)) {
      f();
      // Release pairs with the loads.
      return state_.store(kDone, kRelease);
    }
    // Acquire pairs with the release above.
    while (state_.load(kAcquire) != kDone) RelacySync::pause();
  }

 private:
  static constexpr int kNew = 0, kRunning = 1, kDone = 2;
  RelacySync::Atomic<int> state_{kNew};
};

/// Each thread allocates first thing, as the library's slow path does: once, ready, attach.
struct WhoComesFirstSetsUp : WholeHeap {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    require(ensure_heap(), "the heap can be set up");
    use(attach(), index);
  }
  void after() override {
    require(times == 1, "I3 exactly once: the heap is set up twice");
    WholeHeap::after();
  }

  virtual bool ensure_heap() {
    once.call([this] { set_up_heap(); });
    return ready.get();
  }
  void set_up_heap() {
    ++times;
    set_up();
    ready.set(true);
  }
  void use(Context& context, unsigned index) {
    free(context, allocate(context, 1 + index), 1 + index);
    heap.detach(context);
  }

  Once once;
  RelacySync::Plain<bool> ready;
  unsigned times = 0;
};

/// A flag is looked at first, to spare the call.
struct LooksAtAFlagFirst : WhoComesFirstSetsUp {
  bool ensure_heap() override { return ready.get() || WhoComesFirstSetsUp::ensure_heap(); }
};

/// Nobody waits for who is setting up.
struct LooksAndSetsUp : WhoComesFirstSetsUp {
  bool ensure_heap() override {
    if (done.load(kAcquire) == 0) set_up_heap();
    done.store(1, kRelease);
    return true;
  }
  RelacySync::Atomic<int> done{0};
};

const Registered once_for_all{
    Suite::of<WhoComesFirstSetsUp>("first_use/once",
                                   "I1 I2 I3 I5 I8: two threads need the heap first; one sets it up, both use it")
        .near(6, 8)
        .quick({bound(0), random(15'000)})
        .thorough({bound(0), random(500'000), pct(3, 300'000)})
        .depth(20'000)
        .broken("done_is_not_acquired", weaken({"scenarios/first_use.cpp", "call", kLoad, {}, 1}, kRelaxed))
        .as("DATA RACE")
        .broken("done_is_not_released", weaken({"scenarios/first_use.cpp", "call", kStore}, kRelaxed))
        .as("DATA RACE")
        .broken<LooksAtAFlagFirst>("flag_is_looked_at_first", "a plain flag is read before the call, to spare it")
        .as("DATA RACE")
        .broken<LooksAndSetsUp>("looks_and_sets_up", "who finds that nothing is set up sets it up, without a claim")};

}  // namespace

}  // namespace hakmem::model
