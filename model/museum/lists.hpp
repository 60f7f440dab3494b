#pragma once
/// Exhibits on lists. Each scenario is faulty or sound by its parameter.

#include "lockfree/slot_word.hpp"
#include "lockfree/take_all_list.hpp"
#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

/// A node of the lists below.
struct Item {
  RelacySync::Plain<Item*> next;
  RelacySync::Plain<unsigned> content;
  bool received = false;  ///< the judge's
};
using ItemList = TakeAllList<RelacySync, Item, &Item::next>;

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
  Item items[kThreads];
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

}  // namespace hakmem::model
