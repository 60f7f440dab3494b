/// The exhibits. Each scenario is faulty or sound by its parameter; nothing else differs, and one judge looks at both.

#include "model/museum/descriptors.hpp"
#include "model/museum/exhibit.hpp"
#include "model/museum/lists.hpp"
#include "model/museum/one_slab.hpp"
#include "model/museum/threads.hpp"

namespace hakmem::model {

namespace {

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
