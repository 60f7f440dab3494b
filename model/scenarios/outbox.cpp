/// The outbox: frees that are gathered and sent as chains, against the owner of their slab.

#include "model/scenarios/orders.hpp"
#include "model/scenarios/whole_heap.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPush{"lockfree/remote_word.hpp", "push_chain", kCompareExchange};
constexpr Place kTake{"lockfree/remote_word.hpp", "take_all", kExchange};

/// Slabs of four blocks, chains of two, two chains under way at a time.
struct OutboxGeometry : ToyGeometry {
  static constexpr unsigned kOutboxEntries = 2;
  static constexpr unsigned kOutboxBlocks = 2;
};
using OutboxConfig = Config<RelacySync, SimulatedOs<11>, OutboxGeometry>;
constexpr std::size_t kBytes = 32;
constexpr unsigned kClass = SizeClass<OutboxGeometry>::of(kBytes);
static_assert(SizeClass<OutboxGeometry>::layout(kClass).capacity == 4);
static_assert(SizeClass<OutboxGeometry>::layout(kClass).outbox_blocks == 2);

/// A thread has two slabs, one of them full and asleep. Another thread frees three blocks of the one and one of the
/// other, which fill its outbox, drive each other out of it and go at its exit; meanwhile the owner runs out of blocks.
struct FlushAgainstCollect : WholeHeapOf<OutboxConfig, kBytes> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    set_up();
    for (Context*& context : contexts) context = &attach();
    for (void*& block : blocks) block = allocate(*contexts[0], 1);
  }
  void thread(unsigned index) override {
    Context& context = *contexts[index];
    if (index == 1) {
      for (const unsigned i : {0u, 1u, 4u, 2u}) free(context, blocks[i], 1);
    } else {
      void* fresh[4];
      for (void*& block : fresh) block = allocate(context, 2);
      for (void* block : fresh) free(context, block, 2);
      free(context, blocks[3], 1);
    }
    heap.detach(context);
  }
  Context* contexts[2] = {};
  void* blocks[5] = {};
};

const Registered flush_against_collect{
    Suite::of<FlushAgainstCollect>("outbox/flush_against_collect",
                                   "I1 I2 I3 I5 I8: gathered frees are sent while their owner collects and sleeps")
        .quick({bound(0), random(15'000), pct(3, 10'000)})
        .thorough({bound(1), random(500'000), pct(4, 300'000)})
        .depth(20'000)
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))
        .broken("push_is_not_atomic", split(kPush))};

}  // namespace

}  // namespace hakmem::model
