/// Marks: tokens that one thread takes, and hints that never hide.

#include "lockfree/bitmap_word.hpp"

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

namespace {

constexpr Place kSet{"lockfree/bitmap_word.hpp", "set", kFetchOr};
constexpr Place kTakeToken{"lockfree/bitmap_word.hpp", "take", kFetchAnd};
constexpr Place kClear{"lockfree/bitmap_word.hpp", "clear_unless", kFetchAnd};

using Marks = BitmapWord<RelacySync>;

/// Three threads take a token of two, work with the thing, and give it back.
struct Tokens : Scenario {
  static constexpr unsigned kThreads = 3;
  static constexpr unsigned kThings = 2;

  void before() override {
    for (unsigned i = 0; i < kThings; ++i) marks.set(i);
  }
  void thread(unsigned) override {
    const int bit = marks.take_any();
    if (bit < 0) return;
    require(bit < static_cast<int>(kThings) && !held[bit], "I1 exclusive: a token has two owners");
    held[bit] = true;
    things[bit].set(things[bit].get() + 1);
    held[bit] = false;
    marks.set(static_cast<unsigned>(bit));
  }
  void after() override {
    for (unsigned i = 0; i < kThings; ++i) require(marks.take(i), "I2 conserved: a token is lost");
  }

  Marks marks;
  RelacySync::Plain<unsigned> things[kThings];
  bool held[kThings] = {};
};

const Registered tokens{Suite::of<Tokens>("bitmap_word/tokens", "I1 I2 I5: three threads share two tokens")
                            .quick({full()})
                            .broken("set_does_not_release", weaken(kSet, kRelaxed))
                            .as("DATA RACE")
                            .broken("take_does_not_acquire", weaken(kTakeToken, kRelaxed))
                            .as("DATA RACE")
                            .broken("take_is_not_atomic", split(kTakeToken))
                            .broken("set_is_not_atomic", split(kSet))};

/// Clears a hint and does not look again.
struct HidingMarks : Marks {
  template <class Truth>
  void clear_unless(unsigned bit, Truth) {
    (void)word_.fetch_and(~mask(bit), kAcquire);
  }
};

/// The truth is that something is there; two threads put something there and set the mark, a third finds nothing and
/// clears it. In the end the mark is set if there is something.
template <class M>
struct Hints : Scenario {
  static constexpr unsigned kThreads = 3;

  void before() override { marks.set(0); }
  void thread(unsigned index) override {
    if (index < 2) {
      truth.fetch_add(1u, kRelaxed);
      marks.set(0);
      return;
    }
    for (unsigned i = 0; i < 2; ++i) look();
  }
  void look() {
    if ((marks.load() & 1) == 0) return;
    const auto worth = [this] { return truth.load(kRelaxed) != 0; };
    if (!worth()) marks.clear_unless(0, worth);
  }
  void after() override { require((marks.load() & 1) != 0, "I7 bounded: a mark hides what is there"); }

  M marks;
  RelacySync::Atomic<unsigned> truth;
};

const Registered hints{
    Suite::of<Hints<Marks>>("bitmap_word/hints", "I7: a hint never hides what it speaks of")
        .quick({full()})
        .broken("set_does_not_release", weaken(kSet, kRelaxed))
        .as("I7")
        .broken("clear_does_not_acquire", weaken(kClear, kRelaxed))
        .as("I7")
        .broken("set_is_lost", lose(kSet))
        .as("I7")
        .broken<Hints<HidingMarks>>("clears_without_second_look", "the truth is not looked at again after the clear")
        .as("I7")};

}  // namespace

}  // namespace hakmem::model
