/// The remote word: frees by others, sleep and wake, the inbox.

#include "lockfree/remote_word.hpp"

#include "lockfree/inbox.hpp"
#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};
constexpr Place kSleep{"lockfree/remote_word.hpp", "try_sleep", kCompareExchange};
constexpr Place kWake{"lockfree/remote_word.hpp", "try_wake", kCompareExchange};
constexpr Place kPost{"lockfree/take_all_list.hpp", "push_chain", kCompareExchange};
constexpr Place kCollect{"lockfree/take_all_list.hpp", "take_all", kExchange};

/// What a slab is to these protocols, and what its owner remembers of it.
template <unsigned kBlocks>
struct ToySlab {
  RemoteWord<RelacySync, ToyBlocks<kBlocks>::kGranuleShift> remote;
  RelacySync::Plain<ToySlab*> inbox_next;
  bool awake = true;  ///< the owner's alone
};

/// Slabs, their blocks and their owner's inbox. Slab s of k has the blocks from s * kBlocks / k on; all share a base.
template <unsigned kBlocks, unsigned kSlabs>
struct Owned : Scenario {
  using Slab = ToySlab<kBlocks>;

  /// Frees the blocks first .. first+count-1 as one chain; the waker posts.
  void free_chain(Slab& slab, unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; ++i) blocks.use_and_give_up(i);
    for (unsigned i = first; i + 1 < first + count; ++i) RelacySync::store_link(blocks.at(i), blocks.at(i + 1));
    const bool woke = slab.remote.push_chain(blocks.base(), blocks.at(first), blocks.at(first + count - 1), count);
    if (woke) {
      ++wakes;
      inbox.post(&slab);
    }
  }
  void free_one(Slab& slab, unsigned block) { free_chain(slab, block, 1); }

  /// Owner: takes what has been freed into an awake slab.
  void take(Slab& slab) {
    const auto chain = slab.remote.take_all(blocks.base());
    require(blocks.receive_chain(chain.head) == chain.count, "I2 conserved: the count is not the chain's length");
  }

  /// Owner: what the inbox holds is awake from now on.
  void collect() {
    for (Slab* slab = inbox.collect(); slab != nullptr;) {
      Slab* next = slab->inbox_next.get();
      require(!slab->awake, "I3 exactly once: a slab is woken twice");
      slab->awake = true;
      take(*slab);
      slab = next;
    }
  }

  /// Owner: what an allocation does that finds nothing in the slab.
  void refill(Slab& slab) {
    if (!inbox.looks_empty()) collect();
    if (!slab.awake) return;
    if (slab.remote.has_chain()) return take(slab);
    if (slab.remote.try_sleep()) slab.awake = false;
  }

  /// At the end: whatever was freed has come to the owner, or is where the owner will look.
  void expect_all(unsigned count) {
    collect();
    for (Slab& slab : slabs) {
      if (slab.awake) {
        take(slab);
      } else {
        require(!slab.remote.has_chain(), "I2 conserved: blocks wait in a sleeping slab that nobody wakes");
      }
    }
    require(blocks.received() == count, "I2 conserved: a freed block is lost");
  }

  ToyBlocks<kBlocks> blocks;
  Slab slabs[kSlabs];
  Inbox<RelacySync, Slab, &Slab::inbox_next> inbox;
  unsigned wakes = 0;
};

// Frees into an awake slab ------------------------------------------------------------------------------------------

/// Thread 0 frees two blocks one by one; the owner takes them up.
struct OnePusher : Owned<2, 1> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      free_one(slabs[0], 0);
      free_one(slabs[0], 1);
    } else {
      take(slabs[0]);
      take(slabs[0]);
    }
  }
  void after() override {
    require(wakes == 0, "I3 exactly once: a slab is woken that did not sleep");
    expect_all(2);
  }
};

const Registered one_pusher{
    Suite::of<OnePusher>("remote_word/one_pusher", "I1 I2 I5: two frees one by one against two take-alls")
        .quick({full(), random(200'000)})
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))
        .broken("push_is_not_atomic", split(kPush))};

/// Two threads free, one of them a chain of two.
struct TwoPushers : Owned<3, 1> {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    switch (index) {
      case 0: free_one(slabs[0], 0); break;
      case 1: free_chain(slabs[0], 1, 2); break;
      default: take(slabs[0]); take(slabs[0]);
    }
  }
  void after() override { expect_all(3); }
};

const Registered two_pushers{
    Suite::of<TwoPushers>("remote_word/two_pushers", "I1 I2 I5: a block and a chain of two against two take-alls")
        .quick({full()})
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("take_leaves_the_chain", lose(kTake))};

// Sleep and wake ----------------------------------------------------------------------------------------------------

/// The owner looks twice for blocks and sleeps if there are none; another thread frees two blocks.
struct SleepAgainstFrees : Owned<2, 1> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      free_one(slabs[0], 0);
      free_one(slabs[0], 1);
    } else {
      for (unsigned i = 0; i < 3; ++i) refill(slabs[0]);
    }
  }
  void after() override { expect_all(2); }
};

const Registered sleep_against_frees{
    Suite::of<SleepAgainstFrees>("remote_word/sleep",
                                 "I1 I2 I3 I5: the owner sleeps and wakes while another thread frees")
        .quick({full()})
        .broken("waker_does_not_acquire", weaken(kPush, kRelease))
        .as("DATA RACE")
        .broken("sleep_does_not_release", weaken(kSleep, kRelaxed))
        .as("DATA RACE")
        .broken("post_does_not_release", weaken(kPost, kRelaxed))
        .broken("collect_does_not_acquire", weaken(kCollect, kRelaxed))
        .as("DATA RACE")
        .broken("sleep_ignores_frees", split(kSleep))};

/// A sleeping slab and two threads that free: one of them wakes it.
struct TwoWakers : Owned<3, 1> {
  static constexpr unsigned kThreads = 3;
  void before() override {
    require(slabs[0].remote.try_sleep(), "a slab without frees can sleep");
    slabs[0].awake = false;
  }
  void thread(unsigned index) override {
    switch (index) {
      case 0: free_one(slabs[0], 0); break;
      case 1: free_chain(slabs[0], 1, 2); break;
      default: refill(slabs[0]); refill(slabs[0]);
    }
  }
  void after() override {
    require(wakes >= 1, "I3 exactly once: nobody has woken the slab");
    expect_all(3);
  }
};

const Registered two_wakers{
    Suite::of<TwoWakers>("remote_word/two_wakers",
                         "I1 I2 I3 I5: of two threads that free into a sleeping slab one wakes it")
        .quick({full()})
        .broken("waker_does_not_acquire", weaken(kPush, kRelease))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .as("DATA RACE")};

/// The owner wakes its own sleeping slab, while another thread frees into it twice.
struct OwnerWakes : Owned<2, 1> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    require(slabs[0].remote.try_sleep(), "a slab without frees can sleep");
    slabs[0].awake = false;
  }
  void thread(unsigned index) override {
    if (index == 0) {
      free_one(slabs[0], 0);
      free_one(slabs[0], 1);
      return;
    }
    if (slabs[0].remote.try_wake()) slabs[0].awake = true;
    refill(slabs[0]);
    refill(slabs[0]);
  }
  void after() override { expect_all(2); }
};

const Registered owner_wakes{
    Suite::of<OwnerWakes>("remote_word/owner_wakes", "I2 I3 I5: the owner wakes its slab against a thread that frees")
        .quick({full()})
        .broken("wake_is_not_atomic", split(kWake))
        .broken("wake_does_nothing", lose(kWake))
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .as("DATA RACE")};

/// Two sleeping slabs of one owner; two threads free into one each, and one of them into both: the posts meet in the
/// inbox.
struct TwoSlabs : Owned<3, 2> {
  static constexpr unsigned kThreads = 3;
  void before() override {
    for (Slab& slab : slabs) {
      require(slab.remote.try_sleep(), "a slab without frees can sleep");
      slab.awake = false;
    }
  }
  void thread(unsigned index) override {
    if (index == 2) return collect();
    free_one(slabs[index], index);
    if (index == 0) free_one(slabs[1], 2);
  }
  void after() override {
    require(wakes >= 2, "I3 exactly once: a sleeping slab is not woken");
    expect_all(3);
  }
};

const Registered two_slabs{
    Suite::of<TwoSlabs>("remote_word/two_slabs", "I1 I2 I3 I5: wakers of two slabs meet in one inbox")
        .quick({full()})
        .broken("post_is_not_atomic", split(kPost))
        .broken("post_does_not_release", weaken(kPost, kRelaxed))
        .broken("collect_does_not_acquire", weaken(kCollect, kRelaxed))
        .as("DATA RACE")};

/// An owner puts its slab to sleep and looks for it later. One thread frees both of its blocks; another collects the
/// inbox too, and has the slab for good if both are there: its slots are given back. Else it posts the slab again.
struct TakeOver : Owned<2, 1> {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    switch (index) {
      case 0: free_one(slabs[0], 0); return free_one(slabs[0], 1);
      case 1: return take_over();
      default: sleep();
    }
    look();
  }
  virtual void sleep() {
    kept.set(1);
    if (slabs[0].remote.try_sleep()) slabs[0].awake = false;
  }
  void after() override {
    if (!taken_over) look();
    require(blocks.received() == 2, "I2 conserved: a freed block is lost");
  }

  virtual bool is_all(Slab& slab) { return slab.remote.count() == 2; }

  void take_over() {
    for (Slab* slab = inbox.collect(); slab != nullptr;) {
      Slab* next = slab->inbox_next.get();
      if (is_all(*slab)) {
        take(*slab);
        kept.set(0);
        taken_over = true;
        require(blocks.received() == 2, "I1 exclusive: a slab is given back of which a block is out");
      } else {
        inbox.post(slab);
      }
      slab = next;
    }
  }
  /// The owner's: what the inbox holds is awake from now on.
  void look() {
    if (!inbox.looks_empty()) collect();
    if (!slabs[0].awake) return;
    require(!taken_over, "I3 exactly once: a slab that was given back is woken");
    kept.set(2);
    take(slabs[0]);
  }

  RelacySync::Plain<unsigned> kept;  ///< stands for what the owner, or who has taken the slab over, writes to it
  bool taken_over = false;
};

struct TakesOverUnasked : TakeOver {
  bool is_all(Slab&) override { return true; }
};

struct TouchesAfterSleep : TakeOver {
  void sleep() override {
    if (slabs[0].remote.try_sleep()) slabs[0].awake = false;
    kept.set(1);
  }
};

const Registered take_over{
    Suite::of<TakeOver>("remote_word/take_over",
                        "I1 I2 I3 I5: a slab that others have freed is taken over while its owner looks for it")
        .quick({full()})
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .as("DATA RACE")
        .broken("collect_does_not_acquire", weaken(kCollect, kRelaxed))
        .as("DATA RACE")
        .broken("collect_is_not_atomic", split(kCollect))
        .broken("sleep_does_not_release", weaken(kSleep, kRelaxed))
        .as("DATA RACE")
        .broken<TouchesAfterSleep>("touches_after_sleep",
                                   "the owner's bookkeeping comes after it has put the slab to sleep")
        .as("DATA RACE")
        .broken<TakesOverUnasked>("unasked", "a slab is taken over whose blocks are not all back")};

/// Three threads with two operations each: two free two blocks one by one, the owner takes twice.
struct ThreeByTwo : Owned<4, 1> {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    for (unsigned i = 0; i < 2; ++i) {
      if (index == 2) {
        take(slabs[0]);
      } else {
        free_one(slabs[0], 2 * index + i);
      }
    }
  }
  void after() override {
    require(wakes == 0, "I3 exactly once: a slab is woken that did not sleep");
    expect_all(4);
  }
};

const Registered three_by_two{
    Suite::of<ThreeByTwo>("remote_word/three_by_two", "I1 I2 I5: two threads free twice each against two take-alls")
        .quick({full()})
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))};

// Threads that vanish -------------------------------------------------------------------------------------------------

/// One of two threads that free into a sleeping slab vanishes at any step, perhaps as its waker. The owner and the
/// other one go on; of what is lost the vanished thread had a hand on all of it.
struct WakerVanishes : Owned<3, 1> {
  static constexpr unsigned kThreads = 3;
  void before() override {
    require(slabs[0].remote.try_sleep(), "a slab without frees can sleep");
    slabs[0].awake = false;
    Faults::may_vanish(0b011);
  }
  void thread(unsigned index) override {
    switch (index) {
      case 0: free_one(slabs[0], 0); break;
      case 1: free_chain(slabs[0], 1, 2); break;
      default: refill(slabs[0]); refill(slabs[0]);
    }
  }
  void after() override {
    if (Faults::vanished() == 0) return expect_all(3);
    // As a child of fork goes on: it frees into the slab and allocates from it.
    refill(slabs[0]);
    require(blocks.received() <= 3, "I1 exclusive: more blocks come back than were freed");
  }
};

/// The slabs that are woken are queued under a lock: who vanishes while it has the lock stops everybody.
struct WakersTakeALock : WakerVanishes {
  void thread(unsigned index) override {
    lock();
    WakerVanishes::thread(index);
    unlock();
  }
  void after() override {}
  void lock() {
    for (int free = 0; !locked.compare_exchange_strong(free, 1, kAcquire, kRelaxed); free = 0) RelacySync::pause();
  }
  void unlock() { locked.store(0, kRelease); }
  RelacySync::Atomic<int> locked{0};
};

const Registered waker_vanishes{
    Suite::of<WakerVanishes>("fork_image/remote_word",
                             "I1 I5 I6: a thread that frees vanishes at any step, and the others go on")
        .quick({full()})
        .depth(500)
        .broken("waker_does_not_acquire", weaken(kPush, kRelease))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken<WakersTakeALock>("lock_in_the_way", "frees and refills happen under a spin lock")
        .as("LIVELOCK")};

}  // namespace

}  // namespace hakmem::model
