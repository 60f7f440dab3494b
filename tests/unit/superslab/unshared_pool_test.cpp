/// The baseline of D7: a geometry that forbids sharing gives every SuperSlab to one class at a time.

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <vector>

#include "superslab/shared_pool.hpp"
#include "support/surroundings.hpp"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

struct UnsharedGeometry : ToyGeometry {
  static constexpr bool kShareSuperSlabs = false;
};
using UnsharedConfig = SimulatedConfig<UnsharedGeometry>;
using Classes = SizeClass<ToyGeometry>;

/// A policy under which something can happen when a class is looked at next, as if another thread had done it.
struct InterruptedSync : TestSync {
  template <class T>
  struct Atomic : TestSync::Atomic<T> {
    using TestSync::Atomic<T>::Atomic;
    T load(std::memory_order order) const noexcept {
      if (this == watched) {
        watched = nullptr;
        meanwhile();
      }
      return TestSync::Atomic<T>::load(order);
    }
  };
  static inline const void* watched = nullptr;
  static inline std::function<void()> meanwhile;
};
using InterruptedConfig = Config<InterruptedSync, TestOs<kToyBits>, UnsharedGeometry>;

constexpr unsigned kSmall = 0;
constexpr unsigned kOther = 1;
constexpr unsigned kTwoSlots = Classes::of(2048);
constexpr std::array kClasses{kSmall, kOther, 2u, kTwoSlots};

/// SuperSlabs of four slots, one of them cached.
template <class ConfigT>
class Pool {
 public:
  using SlabT = Slab<ConfigT>;

  SlabT* acquire(unsigned size_class) {
    SlabT* slab = pool.acquire_live(toy_.map, size_class);
    if (slab == nullptr) slab = pool.acquire_fresh(toy_.backend, size_class);
    slab->size_class.set(static_cast<std::uint16_t>(size_class));
    return slab;
  }
  void release(SlabT* slab) { pool.release(toy_.backend, *slab); }
  bool extend(SlabT* slab, unsigned size_class) { return pool.extend(toy_.backend, *slab, size_class); }
  void trim() { (void)pool.trim(toy_.backend); }
  std::size_t reservations() { return toy_.memory.reservations(); }

  /// Whether two of these slabs are of different classes and in the same SuperSlab.
  static bool mixed(const std::vector<SlabT*>& held) {
    std::map<SuperSlab<ConfigT>*, unsigned> classes;
    for (SlabT* slab : held) {
      if (classes.try_emplace(slab->superslab.get(), slab->size_class.get()).first->second != slab->size_class.get()) {
        return true;
      }
    }
    return false;
  }

  /// Acquires and releases slabs of all classes. \return whether classes ever shared a SuperSlab.
  bool mixes_classes() {
    std::vector<SlabT*> held;
    bool seen = false;
    for (unsigned i = 0; i < 3000; ++i) {
      const unsigned dice = i * 2654435761u >> 16;
      if (dice % 5 < 3 || held.empty()) {
        held.push_back(acquire(kClasses[dice / 5 % kClasses.size()]));
      } else {
        std::swap(held[dice % held.size()], held.back());
        release(held.back());
        held.pop_back();
      }
      if (held.size() > 40) {
        for (; held.size() > 3; held.pop_back()) release(held.back());
      }
      seen = seen || mixed(held);
    }
    for (SlabT* slab : held) release(slab);
    return seen;
  }

  SharedPool<ConfigT> pool;

 private:
  Surroundings<ConfigT> toy_;
};

TEST(UnsharedPool, ASuperSlabNeverHoldsTwoClasses_D7) {
  Pool<UnsharedConfig> pool;
  EXPECT_FALSE(pool.mixes_classes());
  EXPECT_EQ(pool.pool.acquired(AcquireStage::kMapped) + pool.pool.acquired(AcquireStage::kCached), pool.pool.retired());
  pool.trim();
  EXPECT_EQ(pool.reservations(), 0u);
}

/// The check above can fail.
TEST(UnsharedPool, WhereSharingIsAllowedClassesDoShare) {
  Pool<ToyConfig> pool;
  EXPECT_TRUE(pool.mixes_classes());
}

TEST(UnsharedPool, ARetiredSuperSlabServesAnyClass) {
  Pool<UnsharedConfig> pool;
  auto* first = pool.acquire(kSmall);
  pool.release(first);
  EXPECT_EQ(pool.acquire(kOther), first);
  EXPECT_EQ(pool.pool.superslabs().mapped(), 1u);
}

TEST(UnsharedPool, SearchGoesOnBehindAnotherClasssSuperSlab) {
  Pool<UnsharedConfig> pool;
  (void)pool.acquire(kOther);
  auto* first = pool.acquire(kSmall);
  EXPECT_EQ(pool.acquire(kSmall)->superslab.get(), first->superslab.get());
  EXPECT_EQ(pool.pool.superslabs().mapped(), 2u);
}

/// A class's hints may lead to a SuperSlab that has become another's: the claimed slot is left again.
TEST(UnsharedPool, HintIntoAnotherClasssSuperSlabIsNotFollowed) {
  Pool<UnsharedConfig> pool;
  std::vector<Slab<UnsharedConfig>*> slabs;
  for (int i = 0; i < 4; ++i) slabs.push_back(pool.acquire(kSmall));
  for (auto* slab : slabs) pool.release(slab);
  auto* held = pool.acquire(kOther);
  auto* empty = pool.acquire(kOther);
  ASSERT_EQ(empty, slabs[1]);
  pool.release(empty);
  auto* other = pool.acquire(kSmall);
  EXPECT_NE(other->superslab.get(), held->superslab.get());
  EXPECT_EQ(pool.acquire(kOther), empty) << "still there for its own class";
}

TEST(UnsharedPool, SlabOfAnotherClassNeedsSlotsOfItsOwn) {
  Pool<UnsharedConfig> pool;
  auto* slab = pool.acquire(kTwoSlots);
  EXPECT_FALSE(pool.extend(slab, Classes::of(4096)));
}

/// And when everything else has been released meanwhile, the SuperSlab is the class's from now on.
TEST(UnsharedPool, WhoLeavesTheLastSlotOfAnotherClasssSuperSlabTakesIt) {
  Pool<InterruptedConfig> pool;
  std::vector<Slab<InterruptedConfig>*> slabs;
  for (int i = 0; i < 3; ++i) slabs.push_back(pool.acquire(kSmall));
  for (auto* slab : slabs) pool.release(slab);
  auto* held = pool.acquire(kOther);
  auto* hinted = pool.acquire(kOther);
  ASSERT_EQ(hinted, slabs[1]);
  pool.release(hinted);
  auto& superslab = *held->superslab.get();
  const auto retired = pool.pool.retired();
  // The class is looked at when the hinted slot has been claimed.
  InterruptedSync::meanwhile = [&] { pool.release(held); };
  InterruptedSync::watched = &superslab.size_class;
  auto* taken = pool.acquire(kSmall);
  EXPECT_EQ(InterruptedSync::watched, nullptr);
  EXPECT_EQ(taken->superslab.get(), &superslab);
  EXPECT_EQ(superslab.size_class.load(std::memory_order_relaxed), kSmall);
  EXPECT_EQ(pool.pool.retired(), retired + 1);
  EXPECT_EQ(pool.pool.superslabs().mapped(), 1u);
}

TEST(UnsharedPool, SlabsThatThreadsHoldAreInSuperSlabsOfTheirClass) {
  Pool<UnsharedConfig> pool;
  std::atomic<bool> right{true};
  run_together(3, [&](unsigned thread) {
    std::vector<Slab<UnsharedConfig>*> mine;
    const auto check = [&](Slab<UnsharedConfig>* slab) {
      const auto serves = slab->superslab.get()->size_class.load(std::memory_order_relaxed);
      if (serves != slab->size_class.get()) right = false;
    };
    for (unsigned i = 0; i < 3000; ++i) {
      mine.push_back(pool.acquire(kClasses[(i / 7 + thread) % kClasses.size()]));
      check(mine.back());
      for (; mine.size() > 5; mine.pop_back()) {
        std::swap(mine[i % 5], mine.back());
        check(mine.back());
        pool.release(mine.back());
      }
    }
    for (auto* slab : mine) pool.release(slab);
  });
  EXPECT_TRUE(right);
  EXPECT_EQ(pool.pool.acquired(AcquireStage::kMapped) + pool.pool.acquired(AcquireStage::kCached), pool.pool.retired());
  pool.trim();
  EXPECT_EQ(pool.reservations(), 0u);
}

}  // namespace
}  // namespace hakmem::test
