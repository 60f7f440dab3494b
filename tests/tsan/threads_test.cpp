/// Threads that hand blocks to each other, exit and look on, through the public API: what one has written the next one
/// reads without any synchronisation but the hand-over and the allocator's own.

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kSizes[] = {16, 64, 500, 1500, 9000, 40'000};

/// A place for one block. Putting releases and taking acquires; nothing flows the other way.
class Place {
 public:
  bool put(void* block) noexcept {
    void* none = nullptr;
    // Release pairs with take.
    return block_.compare_exchange_strong(none, block, std::memory_order_release, std::memory_order_relaxed);
  }
  void* take() noexcept {
    // Acquire pairs with put.
    return block_.exchange(nullptr, std::memory_order_acquire);
  }

 private:
  std::atomic<void*> block_{nullptr};
};

/// Plain writes of the whole block: if its memory has come here unordered, they race with its last holder's.
void* filled_block(std::size_t i) {
  const std::size_t bytes = kSizes[i % std::size(kSizes)];
  void* block = hak_alloc(bytes);
  if (block != nullptr) std::memset(block, static_cast<int>(i), bytes);
  return block;
}

TEST(TsanThreads, MemoryComesBackInOrder) {
  constexpr std::size_t kBlocks = 4000;
  Place places[8];
  run_together(4, [&](unsigned thread) {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      Place& place = places[(i * 7 + thread) % std::size(places)];
      if (thread % 2 == 0) {
        void* block = filled_block(i);
        if (!place.put(block)) hak_free(block);
      } else {
        hak_free(place.take());
      }
    }
  });
  for (Place& place : places) hak_free(place.take());
}

/// The owner exits while another thread frees its blocks; the next owner of its context writes into them.
TEST(TsanThreads, ExitRacesWithFreesByOthers) {
  for (unsigned round = 0; round < 40; ++round) {
    Place places[64];
    std::thread owner([&] {
      for (std::size_t i = 0; i < std::size(places); ++i) (void)places[i].put(filled_block(i + round));
    });
    std::thread other([&] {
      for (std::size_t looks = 0; looks < 20; ++looks) {
        for (Place& place : places) hak_free(place.take());
      }
    });
    std::thread heir([] {
      for (std::size_t i = 0; i < 64; ++i) hak_free(filled_block(i));
    });
    owner.join();
    other.join();
    heir.join();
    for (Place& place : places) hak_free(place.take());
  }
}

/// Destructors of thread-local variables and of keys run before and after the allocator has seen the thread's exit.
TEST(TsanThreads, DestructorsOfExitingThreadsRaceWithFreesByOthers) {
  static Place places[16];
  struct Last {
    ~Last() {
      for (std::size_t i = 0; i < std::size(places); ++i) {
        hak_free(places[i].take());
        void* block = filled_block(i);
        if (!places[i].put(block)) hak_free(block);
      }
    }
  };
  pthread_key_t key;
  ASSERT_EQ(pthread_key_create(&key, [](void* block) { hak_free(hak_realloc(block, 3000)); }), 0);
  for (unsigned round = 0; round < 10; ++round) {
    run_together(4, [&](unsigned thread) {
      static thread_local Last last;
      (void)&last;
      (void)pthread_setspecific(key, filled_block(thread));
    });
  }
  (void)pthread_key_delete(key);
  for (Place& place : places) hak_free(place.take());
}

/// Who looks on or changes settings synchronises with nobody.
TEST(TsanThreads, LookingOnAndSettingRaceWithAllocations) {
  std::atomic<bool> over{false};
  std::thread onlooker([&] {
    unsigned turn = 0;
    // Relaxed: a wish to end.
    while (!over.load(std::memory_order_relaxed)) {
      hak_statistics now;
      hak_statistics_get(&now);
      EXPECT_EQ(hak_option_set("HAKMEM_CACHE_SMALL", ++turn % 2 == 0 ? "1" : "0"), 0);
      EXPECT_EQ(hak_option_set("HAKMEM_LEARN", turn % 3 == 0 ? "1" : "0"), 0);
      (void)hak_trim();
    }
  });
  run_together(3, [](unsigned thread) {
    std::vector<void*> kept;
    for (std::size_t i = 0; i < 6000; ++i) {
      kept.push_back(filled_block(i + thread));
      if (kept.size() < 50) continue;
      for (void* block : kept) hak_free(block);
      kept.clear();
    }
    for (void* block : kept) hak_free(block);
  });
  // Relaxed: see above.
  over.store(true, std::memory_order_relaxed);
  onlooker.join();
  EXPECT_EQ(hak_option_set("HAKMEM_LEARN", "0"), 0);
  EXPECT_EQ(hak_option_set("HAKMEM_CACHE_SMALL", "1"), 0);
}

}  // namespace
}  // namespace hakmem::test
