/// The slot word: claims of one slot and of runs, releases, and the one retirement.

#include "lockfree/slot_word.hpp"

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

namespace {

constexpr unsigned kSlots = 4;
using Word = SlotWord<RelacySync, kSlots>;

constexpr Place kClaim{"lockfree/slot_word.hpp", "try_claim", kCompareExchange};
constexpr Place kFree{"lockfree/slot_word.hpp", "release", kCompareExchange};
constexpr Place kActivate{"lockfree/slot_word.hpp", "activate", kStore};

/// Retires in a second step: looks whether something is active after its release is done.
struct TwoStepRetire : Word {
  Released release(unsigned first, unsigned count) {
    const std::uint32_t mine = Snapshot::run_mask(first, count);
    Snapshot seen = snapshot();
    while (!word_.compare_exchange_weak(seen.bits, Snapshot::of(seen.assigned(), seen.free() | mine).bits, kAcqRel,
                                        kRelaxed)) {
      RelacySync::pause();
    }
    if (Snapshot{word_.load(kAcquire)}.active() != 0) return {false, seen.free() == 0};
    word_.store(0, kRelease);
    return {true, false};
  }
};

/// Forgets to look whether other slots are active: the original judged by a count that said nothing of them.
struct RetireWhileActive : Word {
  Released release(unsigned first, unsigned count) {
    const std::uint32_t mine = Snapshot::run_mask(first, count);
    Snapshot seen = snapshot();
    for (;;) {
      Snapshot next = Snapshot::of(seen.assigned(), seen.free() | mine);
      const bool retires = (next.assigned() & ~next.free() & ~(mine >> 1)) == 0;
      if (retires) next = Snapshot{};
      if (word_.compare_exchange_weak(seen.bits, next.bits, kAcqRel, kRelaxed)) return {retires, seen.free() == 0};
      RelacySync::pause();
    }
  }
};

/// A SuperSlab's word and what its slots hold. Who holds a slot writes to it; who retires writes to all.
template <class W>
struct Slots : Scenario {
  /// The user of active slots works in them and gives them back. \return whether that has retired the whole.
  bool use_and_release(unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; ++i) {
      contents[i].set(contents[i].get() + 1);
      require(held[i], "I3 exactly once: a slot is released that nobody holds");
      held[i] = false;
    }
    const bool retired = word.release(first, count).retired;
    if (retired) retire();
    return retired;
  }

  /// The caller has been told that the whole SuperSlab is its own.
  void retire() {
    ++retirements;
    for (unsigned i = 0; i < kSlots; ++i) {
      require(!held[i], "I3 exactly once: retired while a slot is active");
      contents[i].set(0);
    }
  }

  /// Claims a run if there is one. \return its first slot or -1.
  int claim(unsigned count, SlotChoice choice) {
    const int first = word.claim_run(count, choice);
    if (first >= 0) hold(static_cast<unsigned>(first), count);
    return first;
  }

  void hold(unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; ++i) {
      require(!held[i], "I1 exclusive: a slot has two holders");
      held[i] = true;
      contents[i].set(contents[i].get() + 1);
    }
  }

  /// Brings it to life with slots [0, count) held.
  void activate(unsigned count) {
    word.activate(count);
    for (unsigned i = 0; i < count; ++i) held[i] = true;
  }

  W word;
  RelacySync::Plain<unsigned> contents[kSlots];
  bool held[kSlots] = {};
  unsigned retirements = 0;
};

// Releases ----------------------------------------------------------------------------------------------------------

/// Three holders release: the last of them, and nobody else, retires and sees what all have written.
template <class W>
struct ThreeRelease : Slots<W> {
  static constexpr unsigned kThreads = 3;
  void before() override { this->activate(3); }
  void thread(unsigned index) override { this->use_and_release(index, 1); }
  void after() override {
    require(this->retirements == 1, "I3 exactly once: not one retirement");
    require(this->word.snapshot().retired(), "I3 exactly once: the word does not say that it is retired");
  }
};

const Registered three_release{
    Suite::of<ThreeRelease<Word>>("slot_word/three_release",
                                  "I3 I5: of three releases one retires, and sees all writes")
        .quick({full()})
        .broken("release_does_not_acquire", weaken(kFree, kRelease))
        .as("DATA RACE")
        .broken("release_does_not_release", weaken(kFree, kAcquire))
        .as("DATA RACE")
        .broken("release_is_not_atomic", split(kFree))
        .broken<ThreeRelease<TwoStepRetire>>("retires_in_two_steps", "release first, then look whether all is free")
        .broken<ThreeRelease<RetireWhileActive>>("overlooks_active_slots", "an active neighbour is not looked at")};

// Claims ------------------------------------------------------------------------------------------------------------

/// A late claimer against the release of the only active slot: it gets a slot of a live SuperSlab or none at all.
template <class W>
struct LateClaim : Slots<W> {
  static constexpr unsigned kThreads = 3;
  void before() override { this->activate(1); }
  void thread(unsigned index) override {
    if (index == 0) return (void)this->use_and_release(0, 1);
    const int slot = this->claim(1, index == 1 ? SlotChoice::kUnused : SlotChoice::kAny);
    if (slot >= 0) this->use_and_release(static_cast<unsigned>(slot), 1);
  }
  void after() override {
    require(this->retirements == 1, "I3 exactly once: not one retirement");
    require(this->claim(1, SlotChoice::kAny) < 0, "I3 exactly once: a retired SuperSlab gives out a slot");
  }
};

const Registered late_claim{
    Suite::of<LateClaim<Word>>("slot_word/late_claim",
                               "I1 I3 I5: claims against the last release; retired never while active")
        .quick({full()})
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))
        .broken<LateClaim<TwoStepRetire>>("retires_in_two_steps", "release first, then look whether all is free")};

/// One claimer against one releaser, exhaustively.
struct ClaimAgainstRelease : Slots<Word> {
  static constexpr unsigned kThreads = 2;
  void before() override { activate(2); }
  void thread(unsigned index) override {
    if (index == 0) {
      use_and_release(0, 1);
      use_and_release(1, 1);
      return;
    }
    const int slot = claim(1, SlotChoice::kEmpty);
    if (slot >= 0) use_and_release(static_cast<unsigned>(slot), 1);
  }
  void after() override { require(retirements == 1, "I3 exactly once: not one retirement"); }
};

const Registered claim_against_release{
    Suite::of<ClaimAgainstRelease>("slot_word/claim_against_release", "I1 I3 I5: an EMPTY slot goes to its next user")
        .quick({full()})
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("release_does_not_release", weaken(kFree, kAcquire))
        .as("DATA RACE")
        .broken("claim_is_not_atomic", split(kClaim))};

/// Two threads want runs of two, while slots beside the only free one are released one by one.
struct Runs : Slots<Word> {
  static constexpr unsigned kThreads = 3;
  void before() override {
    activate(4);
    use_and_release(2, 1);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      use_and_release(1, 1);
      use_and_release(3, 1);
      return;
    }
    (void)claim(2, SlotChoice::kAny);
  }
  void after() override {
    // Slot 0 is still held, and so is the run of whoever did not come too early.
    for (unsigned i = 0; i < kSlots; ++i) {
      if (held[i]) use_and_release(i, 1);
    }
    require(retirements == 1, "I3 exactly once: not one retirement");
  }
};

const Registered runs{Suite::of<Runs>("slot_word/runs", "I1 I3 I5: runs of two adjacent slots are claimed whole")
                          .quick({full()})
                          .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
                          .as("DATA RACE")
                          .broken("claim_is_not_atomic", split(kClaim))
                          .broken("release_is_not_atomic", split(kFree))};

/// Two threads follow the same hint to an EMPTY slot, while its neighbour is released.
struct SameHint : Slots<Word> {
  static constexpr unsigned kThreads = 3;
  void before() override {
    activate(2);
    use_and_release(0, 1);
  }
  void thread(unsigned index) override {
    if (index == 0) return (void)use_and_release(1, 1);
    if (!word.claim_at(0, 1)) return;
    hold(0, 1);
    use_and_release(0, 1);
  }
  void after() override { require(retirements == 1, "I3 exactly once: not one retirement"); }
};

const Registered same_hint{
    Suite::of<SameHint>("slot_word/same_hint", "I1 I3: of two claims at one hint one gets the slot")
        .quick({full()})
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")};

/// A holder wants the slots behind its own as well, one EMPTY and one UNUSED, while another thread claims whatever is free.
struct Grows : Slots<Word> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    activate(2);
    use_and_release(1, 1);
  }
  void thread(unsigned index) override {
    if (index == 1) {
      const int slot = claim(1, SlotChoice::kAny);
      if (slot >= 0) use_and_release(static_cast<unsigned>(slot), 1);
      return;
    }
    const bool grown = word.claim_at(1, 2, SlotChoice::kAny);
    if (grown) hold(1, 2);
    use_and_release(0, grown ? 3 : 1);
  }
  void after() override { require(retirements >= 1, "I8 reclaimed: all is free, nothing retired"); }
};

const Registered grows{
    Suite::of<Grows>("slot_word/grows", "I1 I3 I5: a run that grows takes the slots behind it whole, or none of them")
        .quick({full()})
        .broken("claim_is_not_atomic", split(kClaim))
        .broken("release_is_not_atomic", split(kFree))
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")};

/// The retirer gives the SuperSlab a new life with another mapping; a claimer that comes across sees the new one.
struct SecondLife : Slots<Word> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    mapping.set(1);
    activate(1);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      if (!use_and_release(0, 1)) return;  // then the late comer retires it
      mapping.set(2);
      activate(1);
      use_and_release(0, 1);
    } else {
      const int slot = claim(1, SlotChoice::kAny);
      if (slot < 0) return;
      const unsigned life = mapping.get();
      require(life == 1 + retirements, "I4 mapped: the slot of another life");
      use_and_release(static_cast<unsigned>(slot), 1);
    }
  }
  void after() override { require(word.snapshot().retired(), "I8 reclaimed: all is free, nothing retired"); }

  RelacySync::Plain<unsigned> mapping;
};

const Registered second_life{
    Suite::of<SecondLife>("slot_word/second_life", "I3 I4 I5: retired, mapped anew, and claimed by a late comer")
        .quick({full()})
        .broken("activate_does_not_release", weaken(kActivate, kRelaxed))
        .as("DATA RACE")
        .broken("claim_does_not_acquire", weaken(kClaim, kRelaxed))
        .as("DATA RACE")
        .broken("release_does_not_release", weaken(kFree, kAcquire))
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
