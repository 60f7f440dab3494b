/// The remote word: frees by others, sleep and wake, the inbox.

#include "lockfree/remote_word.hpp"

#include "lockfree/inbox.hpp"
#include "model/scenarios/toy.hpp"

namespace hakmem::model {

namespace {

using enum Operation;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;

template <unsigned kBlocks>
using Word = RemoteWord<RelacySync, ToyBlocks<kBlocks>::kGranuleShift>;

constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};
constexpr Place kSleep{"lockfree/remote_word.hpp", "try_sleep", kCompareExchange};
constexpr Place kWake{"lockfree/remote_word.hpp", "try_wake", kCompareExchange};

// Frees, without sleep
// -------------------------------------------------------------------------------------------------

/// Thread 0 frees two blocks one by one; the owner takes them up.
struct OnePusher : Scenario {
  static constexpr unsigned kThreads = 2;

  void thread(unsigned index) override {
    if (index == 0) {
      push(0);
      push(1);
    } else {
      take();
      take();
    }
  }
  void after() override {
    take();
    require(blocks.received() == 2, "I2 conserved: a freed block is lost");
  }

  void push(unsigned block) {
    blocks.use_and_give_up(block);
    require(!word.push_chain(blocks.base(), blocks.at(block), blocks.at(block), 1), "I3 exactly once: nobody slept");
  }
  void take() {
    const auto chain = word.take_all(blocks.base());
    require(blocks.receive_chain(chain.head) == chain.count, "I2 conserved: the count is not the chain's length");
  }

  ToyBlocks<2> blocks;
  Word<2> word;
};

const Registered one_pusher{
    Suite::of<OnePusher>("remote_word/one_pusher", "I1 I2 I5: two frees one by one against two take-alls")
        .quick({full()})
        .broken("push_does_not_release", weaken(kPush, kAcquire))
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .broken("take_is_not_atomic", split(kTake))
        .broken("push_is_not_atomic", split(kPush))};

}  // namespace

}  // namespace hakmem::model
