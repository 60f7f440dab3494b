/// The table of descriptors, which grows without moving, and the tokens in its marks.

#include "layout/descriptor_table.hpp"

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kNewGroup{"layout/descriptor_table.hpp", "ensure_group", kCompareExchange};
constexpr Place kFindGroup{"layout/descriptor_table.hpp", "find_group", kLoad};
constexpr Place kSetMark{"lockfree/bitmap_word.hpp", "set", kFetchOr};

/// Two threads need descriptors, of groups that do not exist yet, and pass them on as tokens.
struct Descriptors : Scenario {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    SuperSlab<ToyConfig>* made = table.append(os);
    require(made != nullptr, "there is memory");
    made->base.set(index);
    table.set_mark(0, made->index.get());
    if (SuperSlab<ToyConfig>* taken = table.take_marked(0)) {
      taken->base.set(taken->base.get() + 2);
      table.set_mark(0, taken->index.get());
    }
  }
  void after() override {
    require(table.take_marked(0) != table.take_marked(0), "I1 exclusive: a descriptor is out twice");
    require(table.take_marked(0) == nullptr, "I2 conserved: there are more descriptors than were made");
  }
  ToyConfig::Os os;
  DescriptorTable<ToyConfig, SuperSlab<ToyConfig>, 1> table;
};

const Registered descriptors{
    Suite::of<Descriptors>("descriptor_table/append_and_pass", "I1 I2 I5: descriptors are made and passed on as tokens")
        .quick({bound(2), random(20'000)})
        .thorough({bound(4), random(500'000)})
        .depth(6000)
        .broken("mark_is_not_released", weaken(kSetMark, kRelaxed))
        .as("DATA RACE")
        .broken("mark_is_not_acquired", weaken({"lockfree/bitmap_word.hpp", "take", kFetchAnd}, kRelaxed))
        .as("DATA RACE")
        .broken("loser_does_not_acquire", weaken(kNewGroup, kRelease, kRelaxed))
        .broken("group_is_not_acquired", weaken(kFindGroup, kRelaxed))};

}  // namespace

}  // namespace hakmem::model
