/// The cache of whole things.

#include "lockfree/pointer_cache.hpp"

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPut{"lockfree/pointer_cache.hpp", "put", kCompareExchange};
constexpr Place kTake{"lockfree/pointer_cache.hpp", "take", kExchange};

struct Thing {
  RelacySync::Plain<unsigned> content;
  bool cached = false;  ///< the judge's
};

/// A cache of one or two places, and three things.
template <std::size_t kPlaces>
struct Things : Scenario {
  /// \return whether the cache has taken it.
  bool put(Thing& thing) {
    thing.content.set(thing.content.get() + 1);
    thing.cached = true;
    if (cache.put(&thing)) return true;
    thing.cached = false;
    thing.content.set(thing.content.get() + 1);
    return false;
  }
  Thing* take() {
    Thing* thing = cache.take();
    if (thing == nullptr) return nullptr;
    require(thing->cached, "I1 exclusive: a thing has two owners");
    thing->cached = false;
    thing->content.set(thing->content.get() + 1);
    return thing;
  }

  PointerCache<RelacySync, Thing, kPlaces> cache;
  Thing things[3];
};

/// Two threads put, a third takes and puts back.
struct PutAndTake : Things<1> {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    if (index < 2) {
      kept += put(things[index]) ? 0u : 1u;
      return;
    }
    Thing* thing = take();
    if (thing != nullptr) kept += put(*thing) ? 0u : 1u;
  }
  void after() override {
    const std::size_t counted = cache.count();
    unsigned found = 0;
    while (take() != nullptr) ++found;
    require(found == counted, "I2 conserved: the count is not what is there");
    require(found + kept == 2, "I2 conserved: a thing is lost");
  }
  unsigned kept = 0;
};

const Registered put_and_take{
    Suite::of<PutAndTake>("pointer_cache/put_and_take", "I1 I2 I5 I7: one place and three users")
        .quick({full()})
        .broken("put_does_not_release", weaken(kPut, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("put_is_not_atomic", split(kPut))
        .broken("put_forgets", lose(kPut))};

/// Two threads take from two full places, and one of them puts back.
struct TwoTakers : Things<2> {
  static constexpr unsigned kThreads = 3;
  void before() override {
    require(put(things[0]) && put(things[1]), "two places take two things");
    require(!put(things[2]), "I7 bounded: a full cache refuses");
  }
  void thread(unsigned index) override {
    Thing* thing = take();
    if (thing == nullptr) return;
    if (index == 0) {
      require(put(*thing), "I7 bounded: there is a place");
    } else {
      ++out;
    }
  }
  void after() override {
    unsigned found = 0;
    while (take() != nullptr) ++found;
    require(found + out == 2, "I2 conserved: a thing is lost");
  }
  unsigned out = 0;
};

const Registered two_takers{Suite::of<TwoTakers>("pointer_cache/two_takers", "I1 I2 I5: three takers of two things")
                                .quick({full()})
                                .broken("take_is_not_atomic", split(kTake))
                                .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
                                .as("DATA RACE")
                                .broken("put_does_not_release", weaken(kPut, kRelaxed))
                                .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
