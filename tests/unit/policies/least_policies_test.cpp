/// The core uses nothing of its policies but what their concepts ask for: it compiles over policies that have nothing
/// else, and the heap works over the least geometry that their pages allow.

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "diagnostics/heap_walk.hpp"
#include "learner/mid_caches.hpp"
#include "support/least_sync.hpp"
#include "support/toy_heap.hpp"
#include "variants/guarded_heap.hpp"
#include "variants/locked_heap.hpp"

namespace hakmem {

namespace test {
namespace {

/// One slot of one page is a SuperSlab.
struct LeastOnPages : LeastGeometry {
  static constexpr unsigned kSlotShift = 12;
};
static_assert(kSuperSlabBytes<LeastOnPages> == TestOs<kToyBits>::kPageBytes);

using LeastConfig = Config<LeastSync, TestOs<kToyBits>, LeastOnPages>;
using LeastMids = Config<LeastSync, TestOs<kToyBits>, ToyGeometry>;

struct Cacheless : LeastOnPages {
  static constexpr bool kThreadCaches = false;
};
using LeastShared = Heap<Config<LeastSync, TestOs<kToyBits>, Cacheless>>;

struct NoLock {
  void lock() noexcept {}
  bool try_lock() noexcept { return true; }
  void unlock() noexcept {}
};

static_assert(!HasClock<LeastConfig::Os> && !HasPageSizes<LeastConfig::Os> && !HasSecret<LeastConfig::Os> &&
              !HasConstantBase<LeastConfig::Os> && !HasDivision<LeastConfig::Os> && !ListensToEvents<LeastConfig::Os>);

}  // namespace
}  // namespace test

// Floor by floor, with all members of each.
template class Counter<test::LeastSync>;
template class OwnerCounter<test::LeastSync>;
template class Countdown<test::LeastSync>;
template class Shown<test::LeastSync, std::uint32_t>;
template class Tunable<test::LeastSync, std::int64_t, 1>;
template class BitmapWord<test::LeastSync>;
template class RemoteWord<test::LeastSync, 4>;
template class SlotWord<test::LeastSync, 4>;
template class BoundedCache<test::LeastSync, 2>;
template class PointerCache<test::LeastSync, int, 2>;
template class LocalList<test::LeastSync>;
template struct FreeMark<test::LeastSync>;
template struct Slab<test::LeastMids>;
template struct SuperSlab<test::LeastMids>;
template struct DirectMapping<test::LeastMids>;
template class PageMap<test::LeastMids>;
template struct Backend<test::LeastMids>;
template struct SlotOps<test::LeastMids>;
template class SuperSlabTable<test::LeastMids>;
template class FreeSlots<test::LeastMids>;
template class SuperSlabCache<test::LeastMids>;
template class SharedPool<test::LeastMids>;
template struct SlabOps<test::LeastMids>;
template class ClassList<test::LeastMids>;
template class Outbox<test::LeastMids>;
template struct ThreadContext<test::LeastMids>;
template class ContextPool<test::LeastMids>;
template class Settings<test::LeastMids>;
template class WhaleCache<test::LeastMids>;
template class DirectMappings<test::LeastMids>;
template class Misuse<test::LeastMids>;
template class ThreadCache<test::LeastMids>;
template class Reclaimer<test::LeastMids>;
template class Heap<test::LeastMids>;
template class Heap<test::LeastConfig>;
template class GuardedHeap<Heap<test::LeastMids>, Trailer>;
template class LockedHeap<test::LeastShared, test::NoLock>;
template class HeapWalk<test::LeastMids>;
template class MidCaches<test::LeastMids>;

namespace test {
namespace {

TEST(LeastPolicies, HeapGivesAndTakesBlocksOfEverySize) {
  TestMemory memory{kToyBits};
  {
    Heap<LeastConfig> heap{LeastConfig::Os(memory)};
    heap.init();
    auto* here = heap.attach();
    ASSERT_NE(here, nullptr);
    for (std::size_t bytes = 1; bytes <= 3 * LeastConfig::Os::kPageBytes; bytes += 1 + bytes / 4) {
      std::vector<void*> blocks;
      for (unsigned i = 0; i < 100; ++i) blocks.push_back(heap.allocate(*here, bytes));
      for (void* block : blocks) {
        ASSERT_NE(block, nullptr) << bytes;
        ASSERT_GE(heap.usable_size(block), bytes);
        std::memset(block, 0xee, bytes);
      }
      std::thread([&] {
        auto* there = heap.attach();
        ASSERT_NE(there, nullptr);
        for (unsigned i = 0; i < blocks.size(); i += 2) heap.deallocate(*there, blocks[i]);
        heap.detach(*there);
      }).join();
      for (unsigned i = 1; i < blocks.size(); i += 2) heap.deallocate(*here, blocks[i]);
    }
    (void)heap.trim(*here);
    heap.detach(*here);
    (void)heap.trim(*heap.attach());
    EXPECT_EQ(memory.reservations(), 0u);
  }
}

}  // namespace
}  // namespace test
}  // namespace hakmem
