/// Scenarios that are wrong, each in its own way: the checker has to say so. faults_test.py knows what it has to say.

#include <unistd.h>

#include "engine/graph/native.hpp"
#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"
#include "model/system/simulated_os.hpp"
#include "model/tests/planted_spin.hpp"

namespace hakmem::model {

namespace {

using Os = SimulatedOs<10>;
constexpr std::size_t kBytes = 64;

/// Makes a suite of one full search out of a scenario, in one line.
template <class S>
Suite faulty(const char* name, Search search = full()) {
  return Suite::of<S>(std::string("faults/") + name, "planted").quick({search}).depth(300);
}

// Races and lifetimes -----------------------------------------------------------------------------------------------

struct RaceOnVariable : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      variable.set(1);
    } else {
      (void)variable.get();
    }
  }
  RelacySync::Plain<int> variable;
};
const Registered race_on_variable{faulty<RaceOnVariable>("race_on_variable")};

/// One thread holds a block, another believes it to be free and reads its link.
struct RaceOnLink : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override {
    block = os.reserve(kBytes, kBytes);
    RelacySync::store_link(block, nullptr);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      payload_write(block, 5);
    } else {
      (void)RelacySync::load_link(block);
    }
  }
  Os os;
  void* block = nullptr;
};
const Registered race_on_link{faulty<RaceOnLink>("race_on_link")};

struct Object {
  RelacySync::Atomic<int> atomic;
  RelacySync::Plain<int> variable;
};

template <bool kOfAtomic>
struct UseAfterFree : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { object = new Object; }
  void thread(unsigned index) override {
    if (index == 0) {
      delete object;
      freed.store(1, kRelease);
    } else if (freed.load(kAcquire) == 1) {
      if (kOfAtomic) {
        (void)object->atomic.load(kRelaxed);
      } else {
        (void)object->variable.get();
      }
    }
  }
  RelacySync::Atomic<int> freed;
  Object* object = nullptr;
};
const Registered use_after_free_of_atomic{faulty<UseAfterFree<true>>("use_after_free_of_atomic")};
const Registered use_after_free_of_variable{faulty<UseAfterFree<false>>("use_after_free_of_variable")};

struct DoubleFree : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { memory = new int(1); }
  void thread(unsigned) override { delete memory; }
  int* memory = nullptr;
};
const Registered double_free{faulty<DoubleFree>("double_free")};

struct Leak : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) kept = new int(1);
  }
  int* volatile kept = nullptr;
};
const Registered leak{faulty<Leak>("leak")};

/// An atomic is built while others may look at it already, or store to it.
template <bool kStores>
struct UnpublishedAtomic : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) return place.store(os.metadata<Object>(1), kRelaxed);
    Object* object = place.load(kRelaxed);
    if (object == nullptr) return;
    if (kStores) {
      object->atomic.store(1, kRelaxed);
    } else {
      (void)object->atomic.load(kRelaxed);
    }
  }
  Os os;
  RelacySync::Atomic<Object*> place;
};
const Registered load_of_unpublished{faulty<UnpublishedAtomic<false>>("load_of_unpublished_atomic")};
const Registered store_to_unpublished{faulty<UnpublishedAtomic<true>>("store_to_unpublished_atomic")};

// Pages -------------------------------------------------------------------------------------------------------------

struct UnwrittenMemory : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) (void)RelacySync::load_link(os.reserve(kBytes, kBytes));
  }
  Os os;
};
const Registered unwritten_memory{faulty<UnwrittenMemory>("unwritten_memory")};

/// What one thread does with a mapping while the other has a block there.
template <void (*kGiveBack)(Os&, void*)>
struct TouchAfter : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override {
    memory = os.reserve(kBytes, kBytes);
    payload_write(memory, 1);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      kGiveBack(os, memory);
      given_back.store(1, kRelease);
    } else if (given_back.load(kAcquire) == 1) {
      (void)payload_read(memory);
    }
  }
  RelacySync::Atomic<int> given_back;
  Os os;
  void* memory = nullptr;
};
void release(Os& os, void* memory) { os.release(memory, kBytes); }
void release_twice(Os& os, void* memory) {
  os.release(memory, kBytes);
  os.release(memory, kBytes);
}
void decommit(Os& os, void* memory) { (void)os.decommit(memory, kBytes); }
const Registered touch_after_release{faulty<TouchAfter<release>>("touch_after_release")};
const Registered touch_after_decommit{faulty<TouchAfter<decommit>>("touch_after_decommit")};
const Registered double_release{faulty<TouchAfter<release_twice>>("double_release")};

/// The mapping goes while the other thread works in it, unordered.
struct ReleaseAgainstTouch : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { memory = os.reserve(kBytes, kBytes); }
  void thread(unsigned index) override {
    if (index == 0) {
      os.release(memory, kBytes);
    } else {
      payload_write(memory, 1);
    }
  }
  Os os;
  void* memory = nullptr;
};
const Registered release_against_touch{faulty<ReleaseAgainstTouch>("release_against_touch")};

struct TouchOutside : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { payload_write(this, 1); }
};
const Registered touch_outside{faulty<TouchOutside>("touch_outside")};

// Progress ----------------------------------------------------------------------------------------------------------

struct Deadlock : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    Mutex& first = index == 0 ? a : b;
    Mutex& second = index == 0 ? b : a;
    first.lock();
    second.lock();
    second.unlock();
    first.unlock();
  }
  Mutex a;
  Mutex b;
};
const Registered deadlock{faulty<Deadlock>("deadlock")};

struct LockTwice : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    mutex.lock();
    mutex.lock();
  }
  Mutex mutex;
};
const Registered lock_twice{faulty<LockTwice>("lock_twice")};

struct Livelock : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    while (never.load(kRelaxed) == 0) RelacySync::pause();
  }
  RelacySync::Atomic<int> never;
};
const Registered livelock{faulty<Livelock>("livelock")};

/// A thread vanishes with a spin lock in its hand.
struct LockHolderVanishes : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { Faults::may_vanish(0b01); }
  void thread(unsigned) override {
    while (locked.exchange(1, kAcquire) != 0) RelacySync::pause();
    locked.store(0, kRelease);
  }
  RelacySync::Atomic<int> locked{0};
};
const Registered lock_holder_vanishes{faulty<LockHolderVanishes>("lock_holder_vanishes")};

/// A thread forks while another one has a mutex, and then needs it.
struct ForksUnderAMutex : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) Faults::fork();
    mutex.lock();
    counter.fetch_add(1, kRelaxed);
    mutex.unlock();
  }
  Mutex mutex;
  RelacySync::Atomic<int> counter{0};
};
const Registered forks_under_a_mutex{faulty<ForksUnderAMutex>("forks_under_a_mutex")};

/// What a thread that vanishes half-way leaves behind is taken for whole.
struct HalfWritten : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { Faults::may_vanish(0b01); }
  void thread(unsigned index) override {
    if (index == 1) return;
    first.store(1, kRelaxed);
    second.store(1, kRelaxed);
  }
  void after() override { require(first.load(kRelaxed) == second.load(kRelaxed), "both or none"); }
  RelacySync::Atomic<int> first{0};
  RelacySync::Atomic<int> second{0};
};
const Registered half_written{faulty<HalfWritten>("half_written")};

/// The system refuses where nobody has thought of it.
struct RefusalIsIgnored : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { os.may_fail(1); }
  void thread(unsigned index) override {
    if (index == 0) require(os.reserve(kBytes, kBytes) != nullptr, "there is memory");
  }
  Os os;
};
const Registered refusal_is_ignored{faulty<RefusalIsIgnored>("refusal_is_ignored")};

struct InvariantBroken : Scenario {
  static constexpr unsigned kThreads = 2;
  void invariant() override { require(counter.debug_value() < 2, "fewer than two"); }
  void thread(unsigned) override { counter.fetch_add(1, kRelaxed); }
  RelacySync::Atomic<int> counter;
};
const Registered invariant_broken{faulty<InvariantBroken>("invariant_broken")};

// What harms the process --------------------------------------------------------------------------------------------

struct Crash : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { *nowhere = 1; }
  volatile int* volatile nowhere = nullptr;
};
const Registered crash{faulty<Crash>("crash")};

struct StackOverflow : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { (void)deeper(1); }
  static unsigned deeper(unsigned n) {
    volatile char bytes[256];
    bytes[0] = static_cast<char>(n);
    return n == 0 ? 0 : deeper(n + 1) + static_cast<unsigned>(bytes[0]);
  }
};
const Registered stack_overflow{faulty<StackOverflow>("stack_overflow")};

struct Exits : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { ::_exit(0); }
};
const Registered exits{faulty<Exits>("exits")};

struct Hangs : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    // Relaxed: only so that there is an operation to be named.
    (void)begun.load(std::memory_order_relaxed);
    while (forever) {
    }
  }
  RelacySync::Atomic<int> begun{0};
  volatile bool forever = true;
};
const Registered hangs{faulty<Hangs>("hangs")};

/// A list that bites its tail.
struct WalksInACircle : Scenario {
  static constexpr unsigned kThreads = 2;
  void before() override { next.set(1); }
  void thread(unsigned index) override {
    while (index == 0 && next.get() != 0) {
    }
  }
  RelacySync::Plain<int> next;
};
const Registered walks_in_a_circle{faulty<WalksInACircle>("walks_in_a_circle")};

struct TakesAllMemory : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    for (;;) kept = new char[std::size_t{64} << 20];
  }
  char* volatile kept = nullptr;
};
const Registered takes_all_memory{faulty<TakesAllMemory>("takes_all_memory")};

// What the engines see differently --------------------------------------------------------------------------------------

/// Tells which engine runs it, and behaves by that. With orders of its own for the one atomic that there is, so that the
/// engine which finds nothing has the blind spots that these make, and no others.
template <bool kGraphsFind, std::memory_order kOrder>
struct OneEngineAlone : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    require((check::graph::Native::running != nullptr) != kGraphsFind, "by one engine");
    counter.fetch_add(1, kOrder);
  }
  RelacySync::Atomic<int> counter{0};
};
template <bool kGraphsFind, std::memory_order kOrder>
Suite one_alone(const char* name) {
  return Suite::of<OneEngineAlone<kGraphsFind, kOrder>>(name, "planted: one engine finds what the other does not")
      .quick({full()});
}
const Registered by_graphs_alone{one_alone<true, std::memory_order_seq_cst>("one_engine_alone/graphs")};
const Registered by_searches_alone{one_alone<false, std::memory_order_seq_cst>("one_engine_alone/searches")};
const Registered blind_to_load_buffering{one_alone<false, kRelaxed>("one_engine_alone/blind_to_load_buffering")};
const Registered blind_to_2_2w{one_alone<true, kRelaxed>("one_engine_alone/excused")};

/// Right, but for that a thread which stops with the lock in its hand stops the other one.
struct SpinLock : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    lock.lock();
    counter.set(counter.get() + 1);
    lock.unlock();
  }
  void after() override { require(counter.get() == 2, "both are counted"); }
  PlantedSpin lock;
  RelacySync::Plain<unsigned> counter;
};
const Registered spin_lock{Suite::of<SpinLock>("spin_lock", "planted: a loop that waits").quick({full()})};

// What would prove nothing ------------------------------------------------------------------------------------------

/// Executions differ in how many steps they have. A store is done at once; an update is half done where another one may
/// come before it.
template <bool kUpdates>
struct OtherSteps : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    static unsigned runs = 0;
    for (unsigned i = ++runs % 3; i != 0; --i) {
      if (kUpdates) {
        counter.fetch_add(1, kRelaxed);
      } else {
        counter.store(1, kRelaxed);
      }
    }
  }
  RelacySync::Atomic<int> counter;
};
const Registered other_steps{faulty<OtherSteps<true>>("other_steps")};
const Registered other_stores{faulty<OtherSteps<false>>("other_stores")};

/// Executions have the same steps, but not the same values.
struct OtherValues : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override {
    static int runs = 0;
    counter.store(++runs, kRelaxed);
    (void)counter.load(kRelaxed);
  }
  RelacySync::Atomic<int> counter;
};
const Registered other_values{faulty<OtherValues>("other_values")};

/// Far too large for its plan.
struct TooLarge : Scenario {
  static constexpr unsigned kThreads = 4;
  void thread(unsigned) override {
    for (unsigned i = 0; i < 10; ++i) counter.fetch_add(1, kRelaxed);
  }
  RelacySync::Atomic<int> counter;
};
const Registered too_large{faulty<TooLarge>("too_large", at_most(100'000, full()))};

// Broken variants that prove nothing --------------------------------------------------------------------------------

/// Nothing is wrong here.
struct Healthy : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned) override { counter.fetch_add(1, kRelaxed); }
  void after() override { require(counter.load(kRelaxed) == 2, "both are counted"); }
  RelacySync::Atomic<int> counter;
};
constexpr Place kAdd{"tests/faults.cpp", "thread", kFetchAdd};
const Registered healthy{Suite::of<Healthy>("healthy", "what is right passes")
                             .quick({full()})
                             .broken("counter_is_not_atomic", split(kAdd))
                             .as("both are counted")
                             .broken("not_broken", weaken(kAdd, kRelaxed))
                             .broken("wrong_reason", split(kAdd))
                             .as("DATA RACE")
                             .broken("no_such_site", weaken({"tests/faults.cpp", "thread", kFetchSub}, kRelaxed))};

}  // namespace

}  // namespace hakmem::model
