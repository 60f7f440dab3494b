/// The exhibits. Each scenario is faulty or sound by its parameter; nothing else differs, and one judge looks at both.

#include "model/museum/exhibit.hpp"

#include "layout/page_map.hpp"
#include "lockfree/remote_word.hpp"
#include "lockfree/slot_word.hpp"
#include "lockfree/take_all_list.hpp"
#include "model/engine/mutex.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr unsigned kTwo = 2;

/// A node of the lists below.
struct Item {
  RelacySync::Plain<Item*> next;
  RelacySync::Plain<unsigned> content;
  bool received = false;  ///< the judge's
};
using ItemList = TakeAllList<RelacySync, Item, &Item::next>;

/// What the scenarios on one slab have in common.
template <unsigned kBlocks>
struct OneSlab : Scenario {
  using Blocks = ToyBlocks<kBlocks>;

  void push(unsigned first, unsigned count, unsigned said) {
    for (unsigned i = first; i < first + count; ++i) blocks.use_and_give_up(i);
    for (unsigned i = first; i + 1 < first + count; ++i) RelacySync::store_link(blocks.at(i), blocks.at(i + 1));
    (void)remote.push_chain(blocks.base(), blocks.at(first), blocks.at(first + count - 1), said);
  }
  void take() {
    const auto chain = remote.take_all(blocks.base());
    require(blocks.receive_chain(chain.head) == chain.count, "I2 conserved: the count is not the chain's length");
  }
  void expect(unsigned count) { require(blocks.received() == count, "I2 conserved: a freed block is lost"); }

  Blocks blocks;
  RemoteWord<RelacySync, Blocks::kGranuleShift> remote;
};

// 1
template <bool kFaulty>
struct NoSynchronisation : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if constexpr (kFaulty) {
      blocks.use_and_give_up(index);
      RelacySync::store_link(blocks.at(index), head.get());
      head.set(blocks.at(index));
    } else {
      push(index, 1, 1);
    }
  }
  void after() override {
    if constexpr (kFaulty) {
      blocks.receive_chain(head.get());
    } else {
      take();
    }
    expect(kTwo);
  }
  RelacySync::Plain<void*> head;
};

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

// 3 and 4: what a bounded list does with one thing too many.
enum class WhenFull { kTakesANodeInUse, kDropsTheOldest, kIsNeverFull };

template <WhenFull kWhenFull>
struct BoundedList : Scenario {
  static constexpr unsigned kThreads = 2;
  static constexpr unsigned kItems = 3;
  static constexpr unsigned kPlaces = 2;
  void thread(unsigned index) override {
    if constexpr (kWhenFull == WhenFull::kIsNeverFull) {
      for (unsigned i = index; i < kItems; i += kThreads) list.push(&items[i]);
    } else if (index == 0) {
      for (Item& item : items) push(&item);
    }
  }
  void push(Item* item) {
    if (count == kPlaces && kWhenFull == WhenFull::kDropsTheOldest) {
      places[0].set(places[1].get());
      places[1].set(item);
      return;
    }
    // The pool of nodes is dry: the fallback gives out the first again.
    places[count == kPlaces ? 0 : count].set(item);
    if (count != kPlaces) ++count;
  }
  void receive(Item* item) {
    require(item != nullptr && !item->received, "I1 exclusive: a slot is found twice");
    item->received = true;
    ++found;
  }
  void after() override {
    if constexpr (kWhenFull == WhenFull::kIsNeverFull) {
      for (Item* item = list.take_all(); item != nullptr; item = item->next.get()) receive(item);
    } else {
      for (unsigned i = 0; i < count; ++i) receive(places[i].get());
    }
    require(found == kItems, "I7 bounded: an EMPTY slot is on no list");
  }
  Item items[kItems];
  ItemList list;
  RelacySync::Plain<Item*> places[kPlaces];
  unsigned count = 0;
  unsigned found = 0;
};

// 5
template <bool kFaulty>
struct PopAssumedToSucceed : OneSlab<1> {
  static constexpr unsigned kThreads = 2;
  void before() override { push(0, 1, 1); }
  void thread(unsigned) override {
    if (!remote.has_chain()) return;
    const auto chain = remote.take_all(blocks.base());
    if (!kFaulty && chain.head == nullptr) return;
    payload_write(chain.head, 1);
  }
};

// 6
template <bool kFaulty>
struct LinkReadAfterHandout : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void before() override { push(0, 2, 2); }
  void thread(unsigned index) override {
    if (index == 1) {
      if (void* block = handed.load(kAcquire)) payload_write(block, 1);
      return;
    }
    const auto chain = remote.take_all(blocks.base());
    void* next = kFaulty ? nullptr : RelacySync::load_link(chain.head);
    handed.store(chain.head, kRelease);
    if (kFaulty) next = RelacySync::load_link(chain.head);
    payload_write(next, 1);
  }
  RelacySync::Atomic<void*> handed;
};

// 7
template <bool kFaulty>
struct PlainReadOfTheHead : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      if (!kFaulty) return list.push(&item);
      // What an atomic write is to a plain read beside it: a write.
      head.set(&item);
      return;
    }
    (void)(kFaulty ? head.get() == nullptr : list.looks_empty());
  }
  void after() override {
    require(kFaulty ? head.get() == &item : list.take_all() == &item, "I2 conserved: a node is lost");
  }
  Item item;
  ItemList list;
  RelacySync::Plain<Item*> head;
};

// 8
template <bool kFaulty>
struct CountDisagrees : OneSlab<3> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      push(0, 2, kFaulty ? 1 : 2);
    } else {
      push(2, 1, 1);
      take();
    }
  }
  void after() override {
    take();
    expect(3);
  }
};

// 11
template <bool kFaulty>
struct RetryLimit : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (!kFaulty) return list.push(&items[index]);
    Item* head = faulty_head.load(kRelaxed);
    for (unsigned tries = 0; tries < 2; ++tries) {
      items[index].next.set(head);
      if (faulty_head.compare_exchange_weak(head, &items[index], kRelease, kRelaxed)) return;
    }
  }
  void after() override {
    unsigned found = 0;
    for (Item* item = kFaulty ? faulty_head.load(kAcquire) : list.take_all(); item != nullptr;
         item = item->next.get()) {
      ++found;
    }
    require(found == kThreads, "I2 conserved: a freed block is lost");
  }
  Item items[kTwo];
  ItemList list;
  RelacySync::Atomic<Item*> faulty_head;
};

// 15
template <bool kFaulty>
struct ListOutlivesSuperSlab : Scenario {
  static constexpr unsigned kThreads = 2;
  static constexpr unsigned kSlots = 2;
  ListOutlivesSuperSlab() { SimulatedMemory::map(base(), kBytes, Where::here()); }
  void before() override {
    word.activate(2);
    (void)word.release(0, 1);
    hints.push(&hint);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      if (word.release(1, 1).retired) SimulatedMemory::unmap(base(), kBytes, Where::here());
      return;
    }
    if (hints.take_all() == nullptr) return;
    if (!kFaulty && !word.claim_at(0, 1)) return;
    payload_write(reinterpret_cast<void*>(base()), 1);
  }
  static std::uintptr_t base() { return SimulatedMemory::page_base(); }
  static constexpr std::size_t kBytes = 256;
  SlotWord<RelacySync, kSlots> word;
  Item hint;
  ItemList hints;
};

// 16
template <bool kFaulty>
struct ArrayMoves : Scenario {
  static constexpr unsigned kThreads = 2;
  static constexpr std::size_t kBytes = 64;
  ArrayMoves() {
    SimulatedMemory::map(base(), kBytes, Where::here());
    payload_write(entry(base()), 1);
    array.store(base(), kRelease);
  }
  void thread(unsigned index) override {
    if (index == 0) return grow();
    require(payload_read(entry(array.load(kAcquire))) == 1, "a descriptor is where it was");
  }
  void grow() {
    const std::uintptr_t larger = base() + SimulatedMemory::kPageBytes / 2;
    SimulatedMemory::map(larger, 2 * kBytes, Where::here());
    if (!kFaulty) return more.store(larger, kRelease);
    payload_write(entry(larger), payload_read(entry(base())));
    array.store(larger, kRelease);
    SimulatedMemory::unmap(base(), kBytes, Where::here());
  }
  static std::uintptr_t base() { return SimulatedMemory::page_base(); }
  static void* entry(std::uintptr_t at) { return reinterpret_cast<void*>(at); }
  RelacySync::Atomic<std::uintptr_t> array;
  RelacySync::Atomic<std::uintptr_t> more;  ///< the second chunk; the first stays where it is
};

// 17
template <bool kFaulty>
struct FreeIntoACachedSlab : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    blocks.use_and_give_up(0);
    RelacySync::store_link(blocks.at(0), nullptr);
    local.set(blocks.at(0));
  }
  void thread(unsigned index) override {
    if (index == 0) {
      // The owner allocates from its slab.
      void* block = local.get();
      if (block == nullptr) return;
      local.set(RelacySync::load_link(block));
      blocks.receive(block);
    } else if (kFaulty) {
      blocks.use_and_give_up(1);
      RelacySync::store_link(blocks.at(1), local.get());
      local.set(blocks.at(1));
    } else {
      push(1, 1, 1);
    }
  }
  void after() override {
    take();
    blocks.receive_chain(local.get());
    expect(kTwo);
  }
  RelacySync::Plain<void*> local;
};

// 18
template <bool kFaulty>
struct OverwrittenSlab : Scenario {
  static constexpr unsigned kThreads = 2;
  /// A slab of two blocks, as its owner sees it.
  struct OwnSlab {
    unsigned free = 2;
    bool listed = false;
    RemoteWord<RelacySync, 4> remote;
  };
  void thread(unsigned index) override {
    if (index == 1) return (void)slabs[0].remote.is_head(0, nullptr);
    --current->free;
    // A size of another kind misses the cache, and another slab becomes current.
    if (!kFaulty) current->listed = true;
    current = &slabs[1];
    --current->free;
  }
  void after() override {
    for (const OwnSlab& slab : slabs) {
      require(slab.free == 0 || slab.listed || current == &slab, "I8 reclaimed: a partly free slab is on no list");
    }
  }
  OwnSlab slabs[2];
  OwnSlab* current = &slabs[0];
};

// 19
template <bool kFaulty>
struct RefillForgetsTheCache : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) return push(0, 2, 2);
    if (void* block = allocate()) blocks.receive(block);
  }
  void* allocate() {
    if (cache == nullptr && !refill()) return nullptr;
    void* block = cache;
    // With an empty cache, this is a read through null.
    cache = RelacySync::load_link(block);
    return block;
  }
  /// \return whether there is something to allocate now
  bool refill() {
    if (!remote.has_chain()) return false;
    bundle = remote.take_all(blocks.base()).head;
    if (!kFaulty) cache = bundle;
    return bundle != nullptr;
  }
  void* cache = nullptr;
  void* bundle = nullptr;
};

// 20b
template <bool kFaulty>
struct ThreadExits : OneSlab<3> {
  static constexpr unsigned kThreads = 2;
  static constexpr unsigned kBatch = 2;
  void thread(unsigned index) override {
    // Frees are gathered and sent by twos; of these threads the second has only one.
    const unsigned first = index * kBatch;
    const unsigned gathered = index == 0 ? kBatch : 1;
    if (gathered == kBatch || !kFaulty) push(first, gathered, gathered);
  }
  void after() override {
    if (remote.has_chain()) take();
    expect(3);
  }
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

// 21
template <bool kFaulty>
struct HeadAndCountApart : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      free_one(0);
      free_one(1);
    } else if (kFaulty) {
      const unsigned said = count.exchange(0, kAcquire);
      void* first = head.exchange(nullptr, kAcquire);
      require(blocks.receive_chain(first) == said, "I2 conserved: the count is not the chain's length");
    } else {
      take();
    }
  }
  void free_one(unsigned block) {
    if (!kFaulty) return push(block, 1, 1);
    blocks.use_and_give_up(block);
    void* seen = head.load(kRelaxed);
    do {
      RelacySync::store_link(blocks.at(block), seen);
    } while (!head.compare_exchange_weak(seen, blocks.at(block), kRelease, kRelaxed));
    count.fetch_add(1u, kRelease);
  }
  RelacySync::Atomic<void*> head;
  RelacySync::Atomic<unsigned> count;
};

// 22
template <bool kFaulty>
struct TagOfFourBits : Scenario {
  static constexpr unsigned kThreads = 2;
  static constexpr unsigned kTag = 0xb;
  static constexpr unsigned kPointers = 16;
  void before() override { map.init(os); }
  void thread(unsigned index) override {
    for (unsigned i = index; i < kPointers; i += kThreads) {
      const void* foreign = reinterpret_cast<const void*>(ToyConfig::Os::address_base() + i * sizeof(void*) * 2);
      // The word before the block, which a foreign block's owner may have filled with anything.
      const unsigned word = i;
      const bool accepted = kFaulty ? (word & 0xf) == kTag : map.find(foreign) != nullptr;
      require(!accepted, "B10: a foreign pointer is taken for a block");
    }
  }
  ToyConfig::Os os;
  PageMap<ToyConfig> map;
};

template <template <bool> class S>
Exhibit pair(Exhibit exhibit) {
  exhibit.faulty = ScenarioType::of<S<true>>();
  exhibit.sound = ScenarioType::of<S<false>>();
  return exhibit;
}

/// Another way in which the bug of a number shows itself.
Exhibit part(char letter, Exhibit exhibit) {
  exhibit.part = letter;
  return exhibit;
}

/// With a guard over the library under LD_PRELOAD.
Exhibit preloaded(const char* guard, Exhibit exhibit) {
  exhibit.preloaded = guard;
  return exhibit;
}

Exhibit bounded(Exhibit exhibit, ScenarioType faulty) {
  exhibit.faulty = faulty;
  exhibit.sound = ScenarioType::of<BoundedList<WhenFull::kIsNeverFull>>();
  return exhibit;
}

Exhibit of_suite(Exhibit exhibit, const char* variant) {
  exhibit.variant = variant;
  return exhibit;
}

Exhibit of_program(Exhibit exhibit, std::string (*program)(bool)) {
  exhibit.program = program;
  return exhibit;
}

const Exhibited all{{
    pair<NoSynchronisation>(
        {1, "No synchronisation at all",
         "The free list was shared as if there were one thread: corruption, and 78 % slower on four "
         "threads.",
         "the list's head is a plain variable", "DATA RACE", "unit_lockfree RemoteWord*"}),
    pair<LocksTwice>({2, "A fallback locks what its caller holds",
                      "Releasing a slab took a lock; its fallback pushed to the free list, which took the same lock: "
                      "deadlock.",
                      "the fallback locks the mutex that is held", "MUTEX", "unit_heap HeapThreadsTest.*"}),
    bounded({3, "A pool of list nodes runs dry",
             "512 nodes per class; at 500 000 iterations none was left and the fallback corrupted memory.",
             "a node in use is given out again when the pool is dry", "I7 bounded",
             "unit_layout DescriptorTableTest.DescriptorsStayWhereTheyAreHoweverManyFollow"},
            ScenarioType::of<BoundedList<WhenFull::kTakesANodeInUse>>()),
    bounded({4, "A full list drops its oldest entry",
             "A list of 256 per class dropped the oldest: the slot stayed EMPTY and was never found again.",
             "the oldest entry makes room for the newest", "I7 bounded", "unit_superslab FreeSlotsTest.HasNoCapacity"},
            ScenarioType::of<BoundedList<WhenFull::kDropsTheOldest>>()),
    pair<PopAssumedToSucceed>({5, "A pop is assumed to succeed",
                               "The list had looked full a moment before; the block that came was null and was used.",
                               "the result is not looked at", "FREED MEMORY", "unit_lockfree RemoteWord*"}),
    pair<LinkReadAfterHandout>({6, "The link of a block that is handed out already",
                                "The next block was found by reading the link once more, after the block had gone out.",
                                "the link is read after the hand-over", "DATA RACE", "unit_heap HeapThreadsTest.*"}),
    pair<PlainReadOfTheHead>({7, "Plain reads of the list's head",
                              "Writers were atomic, readers were not: the compiler may read twice, or once for ever.",
                              "the head is read without an atomic", "DATA RACE", "unit_lockfree TakeAllList*"}),
    pair<CountDisagrees>({8, "A batch whose count is not its length",
                          "A chain of n was pushed with another number; the books never agreed again.",
                          "a chain of two is pushed as one", "I2 conserved", "unit_lockfree RemoteWord*"}),
    of_suite({9, "Empty by a count that says nothing of it",
              "A legacy count decided: shared SuperSlabs were never freed, or freed while a slot was ACTIVE.",
              "an ACTIVE neighbour is not looked at", "",
              "unit_superslab SharedPoolTest.RetiresWithTheLastReleaseExactlyOnce"},
             "slot_word/three_release~overlooks_active_slots"),
    of_suite({10, "A mark is cleared over a fresh push",
              "The non-empty bit went off after another thread had pushed: its blocks became invisible.",
              "the truth is not looked at again after the clear", "I7",
              "unit_lockfree BitmapWord.HintIsRestoredWhenTheTruthHasChangedMeanwhile"},
             "bitmap_word/hints~clears_without_second_look"),
    pair<RetryLimit>({11, "A retry limit that drops the block",
                      "A loop without bound or back-off collapsed under contention; the cure gave up after some tries, "
                      "and the block with it.",
                      "two tries, then silence", "I2 conserved", "unit_lockfree TakeAllList*"}),
    of_program(
        {12, "A limit that swings for ever", "The learner raised and lowered a cap in turns, and never came to rest.",
         "the shipping law forgets after each decision which caps were too small and too large", "never settles",
         "unit_learner Learner.CapsRestOnASteadyLoad"},
        moves_a_cap_to_and_fro),
    part('b', of_program({12, "A waste that swings with it", "W_MAX was adopted and dropped in turns.",
                          "the shipping law, but each trial ends with the rival adopted, whatever its score",
                          "never settles", "unit_learner WasteLaw.*"},
                         moves_the_waste_to_and_fro)),
    of_suite({13, "Compare-and-swap pop over links in blocks",
              "The pop reads the link of a block that another thread may own by then: race, ABA, read after unmap.",
              "one node is taken by compare-and-swap from its link", "DATA RACE", "unit_lockfree TakeAllList*"},
             "take_all_list/two_takers~pops"),
    of_program({14, "An EMPTY slot serves its own class for ever",
                "A run whose sizes drift mapped memory without end; 92.4 % reuse had been first touches.",
                "EMPTY slots are looked for in their last class alone", "grows",
                "unit_superslab SharedPoolTest.EmptySlotsServeAnyClassBeforeANewMapping"},
               keeps_slots_for_their_class),
    pair<ListOutlivesSuperSlab>({15, "A SuperSlab is freed while lists hold its slots",
                                 "The lists of its classes still held the slots: unmapped memory was handed out.",
                                 "the list's word is taken, the slot word is not asked", "FREED MEMORY",
                                 "unit_superslab SharedPoolTest.StaleHintsAreHarmless"}),
    pair<ArrayMoves>({16, "The array of descriptors grows by moving",
                      "A larger copy was made and the old array freed, while others held pointers into it.",
                      "the array is copied and the old one unmapped", "",
                      "unit_layout DescriptorTableTest.DescriptorsStayWhereTheyAreHoweverManyFollow"}),
    pair<FreeIntoACachedSlab>(
        {17, "A free into a slab that another thread works on",
         "A block was freed without a lock into a slab that was some thread's current one: two owners.",
         "the freer uses the owner's own list", "DATA RACE",
         "unit_heap HeapThreadsTest.FreesByAnotherThreadComeBackToTheOwner"}),
    pair<OverwrittenSlab>({18, "A miss overwrites the thread's slab",
                           "The cache missed and took another slab; the old one, partly free, was in no list.",
                           "the old slab is not listed", "I8 reclaimed", "unit_heap ToyHeapTest.*"}),
    pair<RefillForgetsTheCache>(
        {19, "A refill fills the bundle and uses the cache",
         "One branch of the refill filled the bundle but not the cache, then allocated from it.",
         "the bundle is not moved to the cache", "FREED MEMORY", "unit_heap ToyHeapTest.*"}),
    preloaded("edges fork_storm",
              of_program(
                  {20, "Nothing for fork: a lock that nobody releases",
                   "A fork while another thread held the lock left the child with a lock that nobody releases.",
                   "nothing is done around the fork", "for ever", "unit_api HakApi.ChildOfAThreadedProcessCanAllocate"},
                  forgets_the_lock_at_fork)),
    part('b',
         preloaded("edges short_lived_threads",
                   pair<ThreadExits>({20, "Nothing for exit: what a thread has gathered",
                                      "Frees that a thread had gathered, and not yet sent, went with it when it ended.",
                                      "what is gathered at the thread's exit is not sent", "I2 conserved",
                                      "unit_heap HeapThreadsTest.ThreadThatExitsGivesEverythingBack_B11"}))),
    part('c',
         preloaded(
             "conformance Thread.AKeyDestructorMayBeTheFirstCall",
             pair<FirstCallComesBack>(
                 {20, "Nothing for re-entrancy: a first call comes back",
                  "To watch a thread's exit the C library may need memory: the first call of the thread came back in "
                  "the middle of itself and gave it a second context; the first was nobody's.",
                  "the context is put in place after the call that may come back", "I8 reclaimed",
                  "unit_reentrancy Reentrancy.AThreadsFirstCallMayComeBackInTheMiddleOfItself"}))),
    part('d', preloaded("conformance Thread.FirstCall",
                        pair<FirstUseOfAll>(
                            {20, "Nothing for the first use: initialised before threads",
                             "Preloaded into a program, the library was used by two threads before anybody had "
                             "called its initialisation.",
                             "who finds nothing there makes it, without looking whether another does", "DATA RACE",
                             "unit_api HakApi.InitialisationMayBeAskedForByAnyThreadAnyTime"}))),
    pair<HeadAndCountApart>({21, "Head and count in two atomics",
                             "Each was atomic, but not both: between them they could not agree.",
                             "two exchanges instead of one", "I2 conserved", "unit_lockfree RemoteWord*"}),
    pair<TagOfFourBits>({22, "A tag that accepts one foreign pointer in sixteen",
                         "Blocks were known by four bits before them; every sixteenth foreign block had these too.",
                         "the tag decides, not the page map", "B10",
                         "unit_layout PageMapTest.WhatWasNeverMappedIsForeign"}),
}};

}  // namespace

}  // namespace hakmem::model
