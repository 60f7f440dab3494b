/// The slot word against a plain reference, an array of states. Every operation is tried in every situation, also
/// where it must refuse; its result and all states must be the reference's (D1, D4, I1, I2, I3).

#include "lockfree/slot_word.hpp"

#include <rapidcheck/state.h>

#include <ostream>
#include <vector>

#include "support/draw.hpp"
#include "support/property.hpp"
#include "support/test_sync.hpp"

namespace hakmem::test {
namespace {

std::string name(SlotState state) {
  switch (state) {
    case SlotState::kRetired: return "RETIRED";
    case SlotState::kUnused: return "UNUSED";
    case SlotState::kActive: return "ACTIVE";
    case SlotState::kEmpty: return "EMPTY";
  }
  return "?";
}

std::string name(SlotChoice choice) {
  switch (choice) {
    case SlotChoice::kEmpty: return "claim EMPTY";
    case SlotChoice::kUnused: return "claim UNUSED";
    case SlotChoice::kAny: return "claim any";
  }
  return "?";
}

bool accepts(SlotChoice choice, SlotState state) {
  return (state == SlotState::kEmpty && choice != SlotChoice::kUnused) ||
         (state == SlotState::kUnused && choice != SlotChoice::kEmpty);
}

// The reference -------------------------------------------------------------------------------------------------------

struct Slots {
  std::vector<SlotState> states;
  unsigned activations = 0;
  unsigned retirements = 0;

  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(states.size()); }

  [[nodiscard]] unsigned count(SlotState state) const {
    return static_cast<unsigned>(std::count(states.begin(), states.end(), state));
  }

  [[nodiscard]] bool retired() const { return count(SlotState::kRetired) == size(); }
  [[nodiscard]] bool full() const { return count(SlotState::kActive) == size(); }

  [[nodiscard]] bool all(unsigned first, unsigned run, SlotState state) const {
    return std::all_of(states.begin() + first, states.begin() + first + run, [&](SlotState s) { return s == state; });
  }
  [[nodiscard]] bool all(unsigned first, unsigned run, SlotChoice choice) const {
    return std::all_of(states.begin() + first, states.begin() + first + run,
                       [&](SlotState s) { return accepts(choice, s); });
  }

  /// First slot of the lowest run that `choice` accepts, or -1.
  [[nodiscard]] int find_run(unsigned run, SlotChoice choice) const {
    for (unsigned first = 0; first + run <= size(); ++first) {
      const auto begin = states.begin() + first;
      if (std::all_of(begin, begin + run, [&](SlotState s) { return accepts(choice, s); })) {
        return static_cast<int>(first);
      }
    }
    return -1;
  }

  void fill(unsigned first, unsigned run, SlotState state) { std::fill_n(states.begin() + first, run, state); }
};

/// A word as the operations see it, whatever its type: each would cost the compiler all of RapidCheck's commands.
class AnyWord {
 public:
  struct Seen {
    std::vector<SlotState> states;
    bool retired;
    std::uint32_t stray;  ///< bits of slots that are not there
  };
  struct Released {
    bool retired;
    bool was_full;
  };

  AnyWord() = default;
  virtual ~AnyWord() = default;
  AnyWord(const AnyWord&) = delete;
  AnyWord& operator=(const AnyWord&) = delete;

  [[nodiscard]] virtual Seen snapshot() const = 0;
  virtual void activate(unsigned count) = 0;
  [[nodiscard]] virtual int claim_run(unsigned count, SlotChoice choice) = 0;
  [[nodiscard]] virtual bool claim_at(unsigned first, unsigned count, SlotChoice choice) = 0;
  [[nodiscard]] virtual std::uint32_t claim_empty() = 0;
  [[nodiscard]] virtual Released release(unsigned first, unsigned count) = 0;
  [[nodiscard]] virtual Released discard(std::uint32_t mask) = 0;
};

template <class Word, unsigned kSlots>
class WordOf : public AnyWord {
 public:
  Seen snapshot() const override {
    const auto seen = word_.snapshot();
    Seen all{.states = {}, .retired = seen.retired(), .stray = (seen.assigned() | seen.free()) & ~Word::Snapshot::kAll};
    for (unsigned slot = 0; slot < kSlots; ++slot) all.states.push_back(seen.state(slot));
    return all;
  }
  void activate(unsigned count) override { word_.activate(count); }
  int claim_run(unsigned count, SlotChoice choice) override { return word_.claim_run(count, choice); }
  bool claim_at(unsigned first, unsigned count, SlotChoice choice) override {
    return word_.claim_at(first, count, choice);
  }
  std::uint32_t claim_empty() override { return word_.claim_empty(); }
  Released release(unsigned first, unsigned count) override { return of(word_.release(first, count)); }
  Released discard(std::uint32_t mask) override { return of(word_.discard(mask)); }

 private:
  template <class Result>
  static Released of(const Result& result) {
    return {.retired = result.retired, .was_full = result.was_full};
  }

  Word word_{};
};

struct Subject {
  Coverage& coverage;
  AnyWord& word;
  unsigned retirements = 0;
};

/// Compares all states, and counts which state went over into which by an operation.
void compare(const std::string& operation, const Slots& before, const Slots& after, Subject& subject) {
  const auto seen = subject.word.snapshot();
  for (unsigned slot = 0; slot < after.size(); ++slot) {
    RC_ASSERT(seen.states[slot] == after.states[slot]);
    if (before.states[slot] == after.states[slot]) continue;
    subject.coverage.hit(operation + ": " + name(before.states[slot]) + " -> " + name(after.states[slot]));
  }
  RC_ASSERT(seen.retired == after.retired());
  RC_ASSERT(seen.stray == 0u);
  RC_ASSERT(subject.retirements == after.retirements);
}

// The operations ------------------------------------------------------------------------------------------------------

using Command = rc::state::Command<Slots, Subject>;

struct Activate : Command {
  unsigned count;

  explicit Activate(const Slots& slots) : count(draw::in_range(1u, slots.size() + 1)) {}
  void checkPreconditions(const Slots& slots) const override { RC_PRE(slots.retired()); }
  void apply(Slots& slots) const override {
    slots.fill(0, slots.size(), SlotState::kUnused);
    slots.fill(0, count, SlotState::kActive);
    ++slots.activations;
  }
  void run(const Slots& before, Subject& subject) const override {
    subject.word.activate(count);
    compare("activate", before, this->nextState(before), subject);
  }
  void show(std::ostream& out) const override { out << "activate " << count; }
};

struct ClaimRun : Command {
  unsigned count;
  SlotChoice choice;

  explicit ClaimRun(const Slots& slots)
      : count(draw::in_range(1u, slots.size() + 1)),
        choice(draw::element({SlotChoice::kEmpty, SlotChoice::kUnused, SlotChoice::kAny})) {}
  void apply(Slots& slots) const override {
    const int first = slots.find_run(count, choice);
    if (first >= 0) slots.fill(static_cast<unsigned>(first), count, SlotState::kActive);
  }
  void run(const Slots& before, Subject& subject) const override {
    const int first = subject.word.claim_run(count, choice);
    RC_ASSERT(first == before.find_run(count, choice));
    if (first < 0) subject.coverage.hit(name(choice) + " refused: " + why(before));
    compare(name(choice), before, this->nextState(before), subject);
  }
  [[nodiscard]] std::string why(const Slots& before) const {
    if (before.retired()) return "RETIRED";
    if (before.full()) return "full";
    const unsigned claimable = static_cast<unsigned>(
        std::count_if(before.states.begin(), before.states.end(), [&](SlotState s) { return accepts(choice, s); }));
    return claimable == 0 ? "other states only" : claimable < count ? "too few" : "fragmented";
  }
  void show(std::ostream& out) const override { out << name(choice) << ", run of " << count; }
};

struct ClaimAt : Command {
  unsigned first;
  unsigned count;
  SlotChoice choice;

  explicit ClaimAt(const Slots& slots)
      : first(draw::in_range(0u, slots.size())),
        count(draw::in_range(1u, slots.size() - first + 1)),
        choice(draw::element({SlotChoice::kEmpty, SlotChoice::kEmpty, SlotChoice::kAny})) {}
  void apply(Slots& slots) const override {
    if (slots.all(first, count, choice)) slots.fill(first, count, SlotState::kActive);
  }
  void run(const Slots& before, Subject& subject) const override {
    const bool claimed = subject.word.claim_at(first, count, choice);
    RC_ASSERT(claimed == before.all(first, count, choice));
    if (!claimed) subject.coverage.hit("claim at refused: " + name(before.states[first]));
    compare("claim at", before, this->nextState(before), subject);
  }
  void show(std::ostream& out) const override { out << name(choice) << " at " << first << ", run of " << count; }
};

/// Only ACTIVE slots can be released: nobody else holds a slot.
struct Release : Command {
  unsigned first;
  unsigned count;

  explicit Release(const Slots& slots)
      : first(draw::in_range(0u, slots.size())), count(draw::in_range(1u, slots.size() - first + 1)) {}
  void checkPreconditions(const Slots& slots) const override { RC_PRE(slots.all(first, count, SlotState::kActive)); }
  void apply(Slots& slots) const override {
    slots.fill(first, count, SlotState::kEmpty);
    if (slots.count(SlotState::kActive) != 0) return;
    slots.fill(0, slots.size(), SlotState::kRetired);
    ++slots.retirements;
  }
  void run(const Slots& before, Subject& subject) const override {
    const Slots after = this->nextState(before);
    const auto released = subject.word.release(first, count);
    RC_ASSERT(released.retired == after.retired());
    RC_ASSERT(released.was_full == before.full());
    if (released.retired) ++subject.retirements;
    compare("release", before, after, subject);
  }
  void show(std::ostream& out) const override { out << "release " << first << ", run of " << count; }
};

struct ClaimEmpty : Command {
  void apply(Slots& slots) const override {
    std::replace(slots.states.begin(), slots.states.end(), SlotState::kEmpty, SlotState::kActive);
  }
  void run(const Slots& before, Subject& subject) const override {
    const std::uint32_t claimed = subject.word.claim_empty();
    for (unsigned slot = 0; slot < before.size(); ++slot) {
      RC_ASSERT((claimed >> slot & 1) == (before.states[slot] == SlotState::kEmpty));
    }
    if (claimed == 0) subject.coverage.hit("claim all EMPTY refused");
    compare("claim all EMPTY", before, this->nextState(before), subject);
  }
  void show(std::ostream& out) const override { out << "claim all EMPTY"; }
};

/// Any ACTIVE slots, adjacent or not.
struct Discard : Command {
  std::uint32_t mask = 0;

  explicit Discard(const Slots& slots) {
    for (unsigned slot = 0; slot < slots.size(); ++slot) {
      if (slots.states[slot] == SlotState::kActive && draw::boolean()) mask |= 1u << slot;
    }
  }
  void checkPreconditions(const Slots& slots) const override {
    RC_PRE(mask != 0u);
    for (unsigned slot = 0; slot < slots.size(); ++slot) {
      RC_PRE((mask >> slot & 1) == 0u || slots.states[slot] == SlotState::kActive);
    }
  }
  void apply(Slots& slots) const override {
    for (unsigned slot = 0; slot < slots.size(); ++slot) {
      if ((mask >> slot & 1) != 0) slots.states[slot] = SlotState::kUnused;
    }
    if (slots.count(SlotState::kActive) != 0) return;
    slots.fill(0, slots.size(), SlotState::kRetired);
    ++slots.retirements;
  }
  void run(const Slots& before, Subject& subject) const override {
    const Slots after = this->nextState(before);
    const auto released = subject.word.discard(mask);
    RC_ASSERT(released.retired == after.retired());
    RC_ASSERT(released.was_full == before.full());
    if (released.retired) ++subject.retirements;
    compare("discard", before, after, subject);
  }
  void show(std::ostream& out) const override { out << "discard mask " << mask; }
};

template <template <class, unsigned> class WordT, unsigned kSlots>
auto matches_reference(Coverage& coverage) {
  return [&coverage] {
    WordOf<WordT<TestSync, kSlots>, kSlots> word;
    Subject subject{.coverage = coverage, .word = word};
    const Slots retired{.states = std::vector<SlotState>(kSlots, SlotState::kRetired)};
    compare("start", retired, retired, subject);
    rc::state::check(retired, subject,
                     rc::state::gen::execOneOfWithArgs<Activate, ClaimRun, ClaimRun, ClaimAt, Release, Release,
                                                       ClaimEmpty, Discard>());
    coverage.end_case();
  };
}

TEST(SlotWordProperty, WordOfOneSlotMatchesReference) {
  Coverage coverage;
  EXPECT_TRUE(holds(matches_reference<SlotWord, 1>(coverage), 20));
  EXPECT_TRUE(coverage.reaches({"activate: RETIRED -> ACTIVE", "release: ACTIVE -> RETIRED"}, 100));
}

/// The counted coverage of state x operation: the first block is every legal transition, the second every refusal.
TEST(SlotWordProperty, WordOfFourSlotsMatchesReferenceInEveryTransitionAndRefusal) {
  Coverage coverage;
  EXPECT_TRUE(holds(matches_reference<SlotWord, 4>(coverage), 20));
  EXPECT_TRUE(coverage.reaches({"activate: RETIRED -> ACTIVE",   "activate: RETIRED -> UNUSED",
                                "claim EMPTY: EMPTY -> ACTIVE",  "claim UNUSED: UNUSED -> ACTIVE",
                                "claim any: EMPTY -> ACTIVE",    "claim any: UNUSED -> ACTIVE",
                                "claim at: EMPTY -> ACTIVE",     "release: ACTIVE -> EMPTY",
                                "release: ACTIVE -> RETIRED",    "release: EMPTY -> RETIRED",
                                "release: UNUSED -> RETIRED",    "claim all EMPTY: EMPTY -> ACTIVE",
                                "discard: ACTIVE -> UNUSED",     "discard: ACTIVE -> RETIRED",
                                "discard: EMPTY -> RETIRED",

                                "claim all EMPTY refused",       "claim EMPTY refused: RETIRED",
                                "claim EMPTY refused: full",     "claim EMPTY refused: other states only",
                                "claim EMPTY refused: too few",  "claim UNUSED refused: RETIRED",
                                "claim UNUSED refused: full",    "claim UNUSED refused: other states only",
                                "claim UNUSED refused: too few", "claim any refused: RETIRED",
                                "claim any refused: full",       "claim any refused: too few",
                                "claim any refused: fragmented", "claim at refused: RETIRED",
                                "claim at refused: UNUSED",      "claim at refused: ACTIVE"},
                               5));
}

TEST(SlotWordProperty, WordOf32SlotsMatchesReference) {
  Coverage coverage;
  EXPECT_TRUE(holds(matches_reference<SlotWord, 32>(coverage), 20));
  EXPECT_TRUE(coverage.reaches({"claim any: EMPTY -> ACTIVE", "claim any: UNUSED -> ACTIVE", "release: ACTIVE -> EMPTY",
                                "release: UNUSED -> RETIRED", "claim any refused: fragmented"},
                               8));
}

// Negative controls: faults of the kinds that the history knows (D4, G6) ---------------------------------------------

template <class Sync, unsigned kSlots>
struct RetiresWhileOneIsActive : SlotWord<Sync, kSlots> {
  auto release(unsigned first, unsigned count) noexcept {
    auto released = SlotWord<Sync, kSlots>::release(first, count);
    released.retired = std::popcount(this->snapshot().active()) <= 1;
    return released;
  }
};

template <class Sync, unsigned kSlots>
struct NeverSeesTheLastRelease : SlotWord<Sync, kSlots> {
  auto release(unsigned first, unsigned count) noexcept {
    auto released = SlotWord<Sync, kSlots>::release(first, count);
    released.retired = false;
    return released;
  }
};

template <class Sync, unsigned kSlots>
struct ForgetsThatItWasFull : SlotWord<Sync, kSlots> {
  auto release(unsigned first, unsigned count) noexcept {
    auto released = SlotWord<Sync, kSlots>::release(first, count);
    released.was_full = false;
    return released;
  }
};

template <class Sync, unsigned kSlots>
struct ClaimsTheLastSlotTwice : SlotWord<Sync, kSlots> {
  int claim_run(unsigned count, SlotChoice choice) noexcept {
    const bool alive = !this->snapshot().retired();
    const int first = SlotWord<Sync, kSlots>::claim_run(count, choice);
    return first < 0 && alive && count == 1 ? static_cast<int>(kSlots) - 1 : first;
  }
};

template <class Sync, unsigned kSlots>
struct TakesUnusedSlotsByHint : SlotWord<Sync, kSlots> {
  bool claim_at(unsigned first, unsigned count, SlotChoice) noexcept {
    const auto wanted = SlotSnapshot<kSlots>::run_mask(first, count);
    return (this->snapshot().free() & wanted) == wanted &&
           SlotWord<Sync, kSlots>::claim_run(count, SlotChoice::kAny) >= 0;
  }
};

template <class Sync, unsigned kSlots>
struct LosesEmptySlots : SlotWord<Sync, kSlots> {
  int claim_run(unsigned count, SlotChoice choice) noexcept {
    return SlotWord<Sync, kSlots>::claim_run(count, choice == SlotChoice::kAny ? SlotChoice::kUnused : choice);
  }
};

template <class Sync, unsigned kSlots>
struct DiscardedStaysAssigned : SlotWord<Sync, kSlots> {
  auto discard(std::uint32_t mask) noexcept {
    auto released = typename SlotWord<Sync, kSlots>::Released{};
    for (unsigned slot = 0; slot < kSlots; ++slot) {
      if ((mask >> slot & 1) != 0) released = this->release(slot, 1);
    }
    return released;
  }
};

TEST(SlotWordProperty, RefutesPlantedFaults) {
  Coverage unused;
  EXPECT_TRUE(is_refuted(matches_reference<RetiresWhileOneIsActive, 4>(unused), "released.retired", 6));
  EXPECT_TRUE(is_refuted(matches_reference<NeverSeesTheLastRelease, 4>(unused), "released.retired", 2));
  EXPECT_TRUE(is_refuted(matches_reference<ForgetsThatItWasFull, 4>(unused), "released.was_full", 6));
  EXPECT_TRUE(is_refuted(matches_reference<ClaimsTheLastSlotTwice, 4>(unused), "find_run", 6));
  EXPECT_TRUE(is_refuted(matches_reference<TakesUnusedSlotsByHint, 4>(unused), "claimed", 6));
  EXPECT_TRUE(is_refuted(matches_reference<LosesEmptySlots, 4>(unused), "find_run", 6));
  EXPECT_TRUE(is_refuted(matches_reference<DiscardedStaysAssigned, 4>(unused), "states", 6));
}

TEST(SlotWordProperty, CoverageReportsWhatWasNotReached) {
  Coverage coverage;
  for (std::uint64_t i = 0; i < Coverage::kEnough; ++i) {
    coverage.hit("often");
    if (i % 50 == 0) coverage.hit("seldom");
    coverage.end_case();
  }
  EXPECT_TRUE(coverage.reaches({"often"}, 100));
  EXPECT_FALSE(coverage.reaches({"often", "seldom"}, 3));
  EXPECT_FALSE(coverage.reaches({"never"}, 1));
}

}  // namespace
}  // namespace hakmem::test
