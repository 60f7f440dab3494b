/// The safety lock (B1): no two operations overlap, and nothing is cached by threads.

#include "variants/locked_heap.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "os/pthread_lock.hpp"
#include "support/together.hpp"
#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

struct CachelessToy : ToyGeometry {
  static constexpr bool kThreadCaches = false;
};
using Toy = Heap<SimulatedConfig<CachelessToy>>;

struct NoLock {
  void lock() noexcept {}
  [[nodiscard]] bool try_lock() noexcept { return true; }
  void unlock() noexcept {}
};

/// Stands for a heap and counts how many threads are inside at once.
class ProbeHeap {
 public:
  using Sync = TestSync;
  using Os = TestOs<kToyBits>;
  using Geometry = CachelessToy;
  struct Context {};

  void init() noexcept { is_set_up_ = visit(true); }
  Context* attach() noexcept { return &context_; }
  void* allocate(Context&, std::size_t) noexcept { return visit(this); }
  void* allocate_zeroed(Context&, std::size_t) noexcept { return visit(this); }
  void* allocate_aligned(Context&, std::size_t, std::size_t) noexcept { return visit(this); }
  void* reallocate(Context&, void*, std::size_t) noexcept { return visit(this); }
  void deallocate(Context&, void*) noexcept { visit(0); }
  std::size_t usable_size(const void*) noexcept { return visit(std::size_t{1}); }
  bool owns(const void*) noexcept { return visit(true); }
  bool trim(Context&) noexcept { return visit(true); }
  void purge() noexcept { purges_ += visit(1); }

  [[nodiscard]] int purges() const noexcept { return purges_; }
  [[nodiscard]] bool overlapped() const noexcept { return overlapped_; }
  [[nodiscard]] bool is_set_up() const noexcept { return is_set_up_; }

 private:
  template <class T>
  T visit(T result) noexcept {
    if (inside_.fetch_add(1) != 0) overlapped_ = true;
    std::this_thread::yield();
    inside_.fetch_sub(1);
    return result;
  }

  Context context_;
  bool is_set_up_ = false;
  std::atomic<int> purges_{0};
  std::atomic<int> inside_{0};
  std::atomic<bool> overlapped_{false};
};

/// One of the operations that may meet in any combination.
template <class HeapT>
void operate(HeapT& heap, typename HeapT::Context& context, unsigned which) {
  int target = 0;
  switch (which % 8) {
    case 0: EXPECT_NE(heap.allocate(context, 1), nullptr); break;
    case 1: EXPECT_NE(heap.allocate_zeroed(context, 1), nullptr); break;
    case 2: EXPECT_NE(heap.allocate_aligned(context, 1, 1), nullptr); break;
    case 3: EXPECT_NE(heap.reallocate(context, &target, 1), nullptr); break;
    case 4: heap.deallocate(context, &target); break;
    case 5: EXPECT_EQ(heap.usable_size(&target), 1u); break;
    case 6: heap.purge(); break;
    default: EXPECT_TRUE(heap.owns(&target) && heap.trim(context)); break;
  }
}

template <class Lock>
bool overlaps(unsigned rounds) {
  LockedHeap<ProbeHeap, Lock> heap;
  heap.init();
  auto& context = *heap.attach();  // the same for all; without a lock they would race for its making
  for (unsigned round = 0; round < rounds && !heap.core().overlapped(); ++round) {
    run_together(4, [&](unsigned thread) {
      for (unsigned i = 0; i < 80; ++i) operate(heap, context, thread * 3 + i);
    });
  }
  return heap.core().overlapped();
}

TEST(LockedHeap, SetsUpTheHeapBehindTheLock) {
  LockedHeap<ProbeHeap, NoLock> heap;
  EXPECT_FALSE(heap.core().is_set_up());
  heap.init();
  EXPECT_TRUE(heap.core().is_set_up());
}

TEST(LockedHeap, PurgesTheHeapBehindTheLock) {
  LockedHeap<ProbeHeap, NoLock> heap;
  heap.purge();
  EXPECT_EQ(heap.core().purges(), 1);
}

TEST(LockedHeap, NoTwoOperationsOverlap_B1) { EXPECT_FALSE(overlaps<PthreadLock>(20)); }

/// The check above can fail.
TEST(LockedHeap, WithoutALockOperationsDoOverlap) { EXPECT_TRUE(overlaps<NoLock>(5000)); }

class LockedToyHeapTest : public testing::Test {
 protected:
  void SetUp() override { heap_.init(); }

  TestMemory memory_{kToyBits};
  LockedHeap<Toy, PthreadLock> heap_{TestOs<kToyBits>(memory_)};
};

TEST_F(LockedToyHeapTest, ThreadsExchangeBlocksThatKeepTheirContents) {
  std::atomic<unsigned char*> exchange[8]{};
  std::atomic<bool> intact{true};
  run_together(3, [&](unsigned thread) {
    auto* context = heap_.attach();
    for (unsigned i = 0; i < 1000; ++i) {
      const std::size_t bytes = 64 * (1 + (i * (thread + 3)) % 24);
      auto* mine = static_cast<unsigned char*>(heap_.allocate(*context, bytes));
      std::memset(mine, static_cast<int>(bytes / 64), bytes);
      unsigned char* theirs = exchange[i % 8].exchange(mine);
      if (theirs == nullptr) continue;
      for (std::size_t byte = 0; byte < std::size_t{theirs[0]} * 64; ++byte)
        intact = intact && theirs[byte] == theirs[0];
      heap_.deallocate(*context, theirs);
    }
    heap_.detach(*context);
  });
  EXPECT_TRUE(intact);
  for (auto& place : exchange) heap_.deallocate(*heap_.attach(), place.load());
  (void)heap_.trim(*heap_.attach());
  EXPECT_EQ(memory_.reservations(), 0u);
  EXPECT_EQ(heap_.contexts().size(), 1u) << "one context for all threads";
}

/// Every block but those in use is back in its slab, and the switch cannot be turned on.
TEST_F(LockedToyHeapTest, NothingIsCachedByThreads) {
  for (const PoolKind pool : {PoolKind::kSmall, PoolKind::kMid, PoolKind::kLarge}) {
    heap_.settings().set_caches(pool, true);
    EXPECT_FALSE(heap_.settings().caches(pool));
  }
  auto* context = heap_.attach();
  void* block = heap_.allocate(*context, 64);
  EXPECT_EQ(heap_.try_allocate(*context, 64), nullptr);
  heap_.contexts().visit_all([](const auto& core) {
    for (const auto& head : core.heads) EXPECT_TRUE(head.empty());
  });
  heap_.deallocate(*context, block);
  EXPECT_EQ(heap_.pool().released(), 1u) << "an empty slab is not retained";
}

TEST_F(LockedToyHeapTest, FirstThreadsContextIsEveryones) {
  memory_.refuse(OsCall::kMetadata);
  EXPECT_EQ(heap_.attach(), nullptr) << "there is no memory for it";
  auto* context = heap_.attach();
  ASSERT_NE(context, nullptr);
  EXPECT_TRUE(context->attached.get());
  EXPECT_EQ(heap_.attach(), context);
}

/// A program may free null before its heap is set up.
TEST_F(LockedToyHeapTest, NullTakesNoLock) {
  LockedHeap<Toy, PthreadLock>::Context nobody;
  const auto before = heap_.lock_acquisitions();
  heap_.deallocate(nobody, nullptr);
  EXPECT_EQ(heap_.lock_acquisitions(), before);
}

/// A lock that another thread always holds at first.
struct ContendedLock : NoLock {
  [[nodiscard]] bool try_lock() noexcept { return false; }
};

template <class Lock>
auto waits_of_a_block() {
  TestMemory memory{kToyBits};
  LockedHeap<Toy, Lock> heap{TestOs<kToyBits>(memory)};
  heap.init();
  auto& context = *heap.attach();
  heap.deallocate(context, heap.allocate(context, 64));
  EXPECT_EQ(heap.lock_acquisitions(), 4u) << "with its initialisation and the context";
  return heap.lock_waits();
}

TEST(LockedHeap, AWaitIsCountedWhenTheLockIsTaken) {
  EXPECT_EQ(waits_of_a_block<PthreadLock>(), 0u);
  EXPECT_EQ(waits_of_a_block<ContendedLock>(), 4u);
}

TEST(LockedHeap, ForeignPointerIsNamedAlsoBeforeTheHeapIsSetUp) {
  TestMemory memory{kToyBits};
  LockedHeap<Toy, PthreadLock> heap{TestOs<kToyBits>(memory)};
  LockedHeap<Toy, PthreadLock>::Context nobody;
  int foreign = 0;
  EXPECT_DEATH(heap.deallocate(nobody, &foreign), "foreign pointer");
  EXPECT_DEATH(heap.deallocate(*heap.attach(), &foreign), "foreign pointer");
  EXPECT_FALSE(heap.trim(nobody));
}

}  // namespace
}  // namespace hakmem::test
