/// The class lists of EMPTY slots: hints that may be stale but never hide a slot.

#include "superslab/free_slots.hpp"

#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"
#include "superslab/slot_ops.hpp"

namespace hakmem::model {

namespace {

constexpr Place kOffer{"superslab/free_slots.hpp", "offer", kExchange};
constexpr Place kTakeFlag{"superslab/free_slots.hpp", "take", kExchange};
constexpr Place kPushHint{"lockfree/take_all_list.hpp", "push_chain", kCompareExchange};
constexpr Place kTakeHints{"lockfree/take_all_list.hpp", "take_all", kExchange};
constexpr Place kReleaseSlots{"lockfree/slot_word.hpp", "release", kCompareExchange};

/// One SuperSlab whose slot 1 stays ACTIVE, so that nothing retires; slot 0 goes round through the class list.
struct GoingRound : Scenario {
  void set_up() {
    superslab.word.activate(2);
    for (unsigned slot = 0; slot < 2; ++slot) {
      superslab.slabs[slot].slot.set(slot);
      superslab.slabs[slot].superslab.set(&superslab);
      superslab.slabs[slot].slots.set(1);
    }
  }
  /// Uses slot 0 and gives it back.
  void use_and_give() {
    uses.set(uses.get() + 1);
    (void)SlotOps<ToyConfig>::release(superslab.slabs[0]);
    lists.offer(kToyClass, superslab.slabs[0]);
  }
  bool take() {
    return lists.take(kToyClass, [](auto& hint) { return SlotOps<ToyConfig>::claim_at(hint, 1); }) != nullptr;
  }
  void after() override {
    if (superslab.word.snapshot().state(0) == SlotState::kEmpty) {
      require(take(), "I7 bounded: an EMPTY slot is on no list");
    }
  }

  SuperSlab<ToyConfig> superslab;
  FreeSlots<ToyConfig> lists;
  RelacySync::Plain<int> uses{0};
};

/// A slot is given back while two others look for one.
struct Circulates : GoingRound {
  static constexpr unsigned kThreads = 3;
  void before() override { set_up(); }
  void thread(unsigned index) override {
    if (index == 0 || take()) use_and_give();
  }
};

const Registered circulates{
    Suite::of<Circulates>("free_slots/circulates", "I1 I5 I7: a slot goes through its class list from thread to thread")
        .quick({bound(3), random(100'000)})
        .thorough({bound(5), random(2'000'000)})
        .broken("hint_is_not_released", weaken(kPushHint, kRelaxed))
        .as("DATA RACE")
        .broken("hints_are_not_acquired", weaken(kTakeHints, kRelaxed))
        .as("DATA RACE")};

/// The slot is on the list already. One thread goes through the list; the other claims the slot past it (stage 1b), so
/// the entry is stale, and offers the slot again while the entry may still be there.
struct StaleHint : GoingRound {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    use_and_give();
  }
  void thread(unsigned index) override {
    const bool got = index == 0 ? take() : superslab.word.claim_run(1, SlotChoice::kEmpty) == 0;
    if (got) use_and_give();
  }
};

/// The flag goes off only after the slot has been looked at: an offer in between is lost.
struct LateFlag : GoingRound {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    give();
  }
  void thread(unsigned index) override {
    const bool got = index == 0 ? take_then_clear() : superslab.word.claim_run(1, SlotChoice::kEmpty) == 0;
    if (got) give();
  }
  void after() override {
    if (superslab.word.snapshot().state(0) == SlotState::kEmpty) {
      require(!list.looks_empty(), "I7 bounded: an EMPTY slot is on no list");
    }
  }
  bool take_then_clear() {
    auto* slab = list.take_all();
    if (slab == nullptr) return false;
    const bool claimed = SlotOps<ToyConfig>::claim_at(*slab, 1);
    (void)slab->on_free_slots.exchange(0, std::memory_order_acq_rel);
    return claimed;
  }
  void give() {
    auto& slab = superslab.slabs[0];
    uses.set(uses.get() + 1);
    (void)SlotOps<ToyConfig>::release(slab);
    if (slab.on_free_slots.exchange(1, std::memory_order_acq_rel) == 0) list.push(&slab);
  }
  TakeAllList<RelacySync, Slab<ToyConfig>, &Slab<ToyConfig>::free_slot_next> list;
};

const Registered stale_hint{
    Suite::of<StaleHint>("free_slots/stale_hint", "I3 I5 I7: a stale entry neither hands a slot out twice nor hides it")
        .quick({full(), random(100'000)})
        .broken("slot_is_not_released", weaken(kReleaseSlots, kAcquire))
        .as("DATA RACE")
        .broken("offer_does_not_release", weaken(kOffer, kAcquire))
        .as("I7")
        .broken("offer_does_not_acquire", weaken(kOffer, kRelease))
        .as("DATA RACE")
        .broken("flag_off_does_not_release", weaken(kTakeFlag, kAcquire))
        .broken("flag_off_does_not_acquire", weaken(kTakeFlag, kRelease))
        .broken<LateFlag>("flag_off_too_late", "the flag goes off after the slot has been looked at")
        .as("I7")};

}  // namespace

}  // namespace hakmem::model
