/// A suite that holds, and that never ends when one operation of a shipping header has lost its effect.

#include "lockfree/remote_word.hpp"
#include "model/check.hpp"
#include "model/scenarios/toy.hpp"

namespace hakmem::model {

namespace {

/// What the model checker cannot end: a loop without an atomic operation in it.
void spin_while(bool there_is_something) {
  volatile bool going = there_is_something;
  while (going) {
  }
}

struct TakesUntilEmpty : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    blocks.use_and_give_up(index);
    (void)remote.push_chain(blocks.base(), blocks.at(index), blocks.at(index), 1);
  }
  void after() override {
    const auto chain = remote.take_all(blocks.base());
    spin_while(remote.has_chain());
    require(blocks.receive_chain(chain.head) == chain.count, "I2 conserved: the count is not the chain's length");
  }
  ToyBlocks<2> blocks;
  RemoteWord<RelacySync, ToyBlocks<2>::kGranuleShift> remote;
};
const Registered takes_until_empty{
    Suite::of<TakesUntilEmpty>("hanging/takes_until_empty", "what the audit says of a suite that does not end")
        .quick({full()})};

}  // namespace

}  // namespace hakmem::model
