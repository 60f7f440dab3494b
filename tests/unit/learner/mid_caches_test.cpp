/// E3, E4: the learner over the thread caches of a real heap, on a simulated clock.

#include "learner/mid_caches.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <random>
#include <thread>
#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

using ConfigT = FullHeap::ConfigT;
using Caches = MidCaches<ConfigT>;
using Classes = SizeClass<FullGeometry>;
static_assert(LearnableCache<Caches>);
static_assert(Caches::kClasses == 20 && Caches::block_bytes(Caches::kClasses - 1) == FullGeometry::kMidMax);

unsigned index_of(std::size_t bytes) { return Classes::of(bytes) - Caches::kFirst; }

struct MidCachesTest : testing::Test {
  FullHeap full;
  FullHeap::HeapT& heap = full.heap;
  Settings<ConfigT>& settings = heap.settings();
  FullHeap::Context& context = *heap.attach();
  Caches caches{heap};

  [[nodiscard]] CacheCounters counters(std::size_t bytes) const { return caches.counters(index_of(bytes)); }
};

TEST_F(MidCachesTest, AHitIsAListedBlockAndAMissARefillOverAllThreads) {
  auto& other = *heap.attach();
  for (auto* user : {&context, &other}) {
    void* block = heap.allocate(*user, 8192);
    heap.deallocate(*user, block);
    heap.deallocate(*user, heap.allocate(*user, 8192));
  }
  const CacheCounters now = counters(8192);
  EXPECT_EQ(now.misses, 2u);
  EXPECT_EQ(now.hits, 2u);
  EXPECT_EQ(now.asked_bytes, 2u * 8192);
  EXPECT_EQ(now.served_bytes, now.asked_bytes);
  EXPECT_EQ(counters(10240).misses, 0u);
}

TEST_F(MidCachesTest, CapsGoToTheSettingsOfTheSameClass) {
  EXPECT_EQ(caches.cap(index_of(8192)), 64u);
  caches.set_cap(index_of(8192), 7);
  EXPECT_EQ(settings.cap(Classes::of(8192)), 7);
  EXPECT_EQ(caches.cap(index_of(10240)), Classes::layout(Classes::of(10240)).cache_blocks);
}

TEST_F(MidCachesTest, ACapIsKnownWhileTheCacheIsOff) {
  settings.set_caches(PoolKind::kMid, false);
  EXPECT_EQ(caches.cap(index_of(8192)), 64u);
}

// W_MAX ---------------------------------------------------------------------------------------------------------------

/// A block of 10 KiB that is cached, and the next block for a request.
struct MaxWasteTest : MidCachesTest {
  void* cached = nullptr;
  void SetUp() override {
    settings.set_refill_batch(1);  // no second block comes with the first
    cached = heap.allocate(context, 10240);
    heap.deallocate(context, cached);
  }
};

TEST_F(MaxWasteTest, IsOffByDefault) { EXPECT_NE(heap.allocate(context, 8192), cached); }

TEST_F(MaxWasteTest, ALargerCachedBlockServesWhatItWouldNotWasteTooMuchFor) {
  caches.set_max_waste(1.25);
  EXPECT_NE(heap.allocate(context, 8191), cached) << "10240 > 1.25 * 8191";
  (void)heap.allocate(context, 8192);
  const auto blocks = full.allocate(context, 10240, 1);
  EXPECT_EQ(heap.usable_size(blocks[0]), 10240u);
  EXPECT_NE(blocks[0], cached) << "it is out";
}

TEST_F(MaxWasteTest, TheBlockStaysOfItsOwnClass) {
  caches.set_max_waste(1.5);
  void* block = heap.allocate(context, 8000);
  ASSERT_EQ(block, cached);
  EXPECT_EQ(heap.usable_size(block), 10240u);
  EXPECT_EQ(context.allowances[Classes::of(10240)].length(), 0);
  EXPECT_EQ(heap.reallocate(context, block, 10000), block) << "grows in place";
  heap.deallocate(context, block);
  EXPECT_EQ(context.allowances[Classes::of(10240)].length(), 1);
  EXPECT_EQ(context.allowances[Classes::of(8000)].length(), 0);
  EXPECT_EQ(heap.allocate(context, 10240), cached);
}

TEST_F(MaxWasteTest, IsAHitOfTheRequestsClassAndItsWasteIsCounted) {
  caches.set_max_waste(1.5);
  (void)heap.allocate(context, 8000);
  const CacheCounters now = counters(8000);
  EXPECT_EQ(now.hits, 1u);
  EXPECT_EQ(now.misses, 0u);
  EXPECT_EQ(now.asked_bytes, 8192u);
  EXPECT_EQ(now.served_bytes, 10240u);
  EXPECT_EQ(counters(10240).hits, 0u);
}

TEST_F(MaxWasteTest, AlignedRequestsGetBlocksOfTheirClass) {
  caches.set_max_waste(1.5);
  void* block = heap.allocate_aligned(context, 8192, 8192);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 8192, 0u);
  EXPECT_NE(block, cached);
}

TEST_F(MaxWasteTest, AThreadLeavesNothingBehind) {
  caches.set_max_waste(1.7);
  for (unsigned i = 0; i < 200; ++i) {
    const auto blocks = full.allocate(context, 1100 + i * 97, 1 + i % 30);
    full.deallocate(context, blocks);
  }
  heap.detach(context);
  (void)heap.trim(*heap.attach());
  EXPECT_EQ(full.memory.reservations(), 0u);
}

// Learning ------------------------------------------------------------------------------------------------------------

/// Bursts of blocks of one size by one thread: as many as are freed are allocated. All lengths are equally likely.
struct Bursts {
  Bursts(FullHeap& full_heap, std::size_t size, unsigned longest)
      : full(full_heap), bytes(size), blocks(full.allocate(context, size, longest)) {}
  ~Bursts() {
    full.deallocate(context, blocks);
    full.heap.detach(context);
  }

  void run(unsigned bursts) {
    for (unsigned i = 0; i < bursts; ++i) {
      const std::size_t length = 1 + random() % blocks.size();
      for (std::size_t k = 0; k < length; ++k) full.heap.deallocate(context, blocks[k]);
      for (std::size_t k = 0; k < length; ++k) blocks[k] = full.heap.allocate(context, bytes);
    }
  }

  FullHeap& full;
  FullHeap::Context& context = *full.heap.attach();
  std::size_t bytes;
  std::mt19937 random{11};
  std::vector<void*> blocks;
};

/// The share of hits of a class while `work` runs.
template <class Work>
double hit_rate(const Caches& caches, std::size_t bytes, Work work) {
  const CacheCounters before = caches.counters(index_of(bytes));
  work();
  const CacheCounters after = caches.counters(index_of(bytes));
  const auto hits = static_cast<double>(after.hits - before.hits);
  return hits / (hits + static_cast<double>(after.misses - before.misses));
}

/// E3. Real threads, a simulated clock: each window is a fixed number of bursts of every thread.
TEST(LearnerOverTheHeap, HitRatesReachTheirTargetWhenTheLoadMovesFromClassToClass) {
  FullHeap full;
  full.heap.settings().set_refill_batch(1);  // with more, the rate that even the least cap gives is above the target
  Caches caches(full.heap);
  Learner<Caches> learner(caches, {}, 0);
  std::uint64_t now = 0;
  constexpr unsigned kBurstsOfAWindow = 60;
  for (const std::size_t bytes : {8192u, 12288u, 16384u, 8192u}) {
    std::vector<std::uint32_t> caps;
    double rate = 0;
    const auto run_window = [&](std::deque<Bursts>& loads) {
      std::vector<std::jthread> threads;
      for (Bursts& load : loads) threads.emplace_back([&load] { load.run(kBurstsOfAWindow); });
      threads.clear();
      learner.run_window(now += kSecond);
    };
    std::deque<Bursts> loads;
    for (unsigned i = 0; i < 2; ++i) loads.emplace_back(full, bytes, 300u);
    for (unsigned i = 0; i < 60; ++i) run_window(loads);
    rate = hit_rate(caches, bytes, [&] {
      for (unsigned i = 0; i < 20; ++i) run_window(loads);
    });
    EXPECT_NEAR(rate, 0.65, 0.05) << bytes << " bytes, cap " << caches.cap(index_of(bytes));
    EXPECT_NE(caches.cap(index_of(bytes)), 64u);
  }
  EXPECT_GT(learner.cap_moves(), 8u);
}

/// With two blocks cut at a time, and slabs that are kept with many free blocks in them, even the least cap gives more
/// than the target.
TEST(LearnerOverTheHeap, WhereTheLeastCapExceedsTheTargetItIsTheCap) {
  for (const std::size_t bytes : {5120u, 8192u}) {
    FullHeap full;
    Caches caches(full.heap);
    Learner<Caches> learner(caches, {}, 0);
    Bursts load(full, bytes, 300);
    std::uint64_t now = 0;
    for (unsigned i = 0; i < 60; ++i) {
      load.run(60);
      learner.run_window(now += kSecond);
    }
    EXPECT_EQ(caches.cap(index_of(bytes)), CapSettings{}.min) << bytes;
    EXPECT_GT(hit_rate(caches, bytes, [&] { load.run(1200); }), 0.65) << bytes;
  }
}

/// Negative control of the test of the target: with the caps as they are by default it is missed.
TEST(LearnerOverTheHeap, WithoutItTheSameLoadMissesTheTarget) {
  FullHeap full;
  Caches caches(full.heap);
  Bursts load(full, 8192, 300);
  load.run(500);
  EXPECT_GT(hit_rate(caches, 8192, [&] { load.run(2000); }), 0.75);
}

/// E4. Larger blocks are cached, smaller ones are not: each is a refill, unless a larger one may serve it.
struct WasteLoad {
  static constexpr std::size_t kSmaller = 28672, kLarger = 32768;

  WasteLoad() {
    full.heap.settings().set_cap(Classes::of(kSmaller), 0);
    // All blocks of a slab but one are out, so that a refill brings no second block.
    (void)full.allocate(context, kSmaller, Classes::layout(Classes::of(kSmaller)).capacity - 1u);
  }
  void run(unsigned rounds) {
    for (unsigned i = 0; i < rounds; ++i) {
      for (const std::size_t bytes : {kLarger, kSmaller}) full.deallocate(context, full.allocate(context, bytes, 1));
    }
  }

  FullHeap full;
  FullHeap::Context& context = *full.heap.attach();
};

LearnerSettings waste_of(double first, double second) {
  LearnerSettings settings{.learn_caps = false, .learn_waste = true};
  settings.waste.candidates = {first, second};
  settings.waste.count = 2;
  return settings;
}

TEST(LearnerOverTheHeap, CanaryAdoptsAFactorThatServesMore) {
  WasteLoad load;
  Caches caches(load.full.heap);
  Learner<Caches> learner(caches, waste_of(1.0, 1.5), 0);
  for (std::uint64_t i = 1; i <= 60; ++i) {
    load.run(600);
    learner.run_window(i * kSecond);
  }
  EXPECT_EQ(learner.adoptions(), 1u);
  EXPECT_EQ(learner.waste_state().adopted, 1u);
}

/// The same load, the other way round.
TEST(LearnerOverTheHeap, CanaryRevertsAWorseFactor) {
  WasteLoad load;
  Caches caches(load.full.heap);
  Learner<Caches> learner(caches, waste_of(1.5, 1.0), 0);
  for (std::uint64_t i = 1; i <= 60; ++i) {
    load.run(600);
    learner.run_window(i * kSecond);
  }
  EXPECT_EQ(learner.adoptions(), 0u);
  EXPECT_GE(learner.reverts(), 1u);
  EXPECT_EQ(learner.waste_state().adopted, 0u);
}

/// Caps and W_MAX move as fast as they can while threads use what they bound: no block is lost, none handed out twice.
TEST(LearnerOverTheHeap, CapsAndWasteMayMoveUnderUse) {
  FullHeap full;
  Caches caches(full.heap);
  std::atomic<bool> wrong{false};
  std::atomic<unsigned> busy{2};
  const auto use = [&](unsigned seed) {
    auto& context = *full.heap.attach();
    std::mt19937 random{seed};
    std::vector<unsigned char*> out;
    for (unsigned i = 0; i < 20'000; ++i) {
      if (out.size() < 100 && random() % 2 == 0) {
        const std::size_t bytes = 1025 + random() % (31 << 10);
        out.push_back(static_cast<unsigned char*>(full.heap.allocate(context, bytes)));
        if (full.heap.usable_size(out.back()) < bytes) wrong = true;
        std::memset(out.back(), static_cast<int>(seed), 64);
      } else if (!out.empty()) {
        for (unsigned k = 0; k < 64; ++k) {
          if (out.back()[k] != seed) wrong = true;
        }
        full.heap.deallocate(context, out.back());
        out.pop_back();
      }
    }
    full.deallocate(context, out);
    full.heap.detach(context);
    --busy;
  };
  std::jthread first(use, 1), second(use, 2);
  std::mt19937 random{3};
  while (busy != 0) {
    for (unsigned c = 0; c < Caches::kClasses; ++c) caches.set_cap(c, static_cast<std::uint32_t>(random() % 100));
    caches.set_max_waste(1 + static_cast<double>(random() % 8) / 8);
    (void)caches.counters(0);
  }
  first.join();
  second.join();
  EXPECT_FALSE(wrong);
  (void)full.heap.trim(*full.heap.attach());
  EXPECT_EQ(full.memory.reservations(), 0u);
}

}  // namespace
}  // namespace hakmem::test
