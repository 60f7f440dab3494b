/// The public C API on its edges: every function as a thread's first, caches switched under load, last rounds of a
/// thread's destructors, many threads.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr unsigned kShare = 8;  // of the work that is done without a sanitizer
#else
constexpr unsigned kShare = 1;
#endif

hak_statistics statistics() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now;
}

/// Nothing is mapped any more: everything was freed.
void expect_nothing_left() {
  (void)hak_trim();
  const hak_statistics now = statistics();
  EXPECT_EQ(now.superslabs_mapped, now.superslabs_unmapped);
  EXPECT_EQ(now.direct_mapped, now.direct_unmapped);
}

// First calls --------------------------------------------------------------------------------------------------------

struct FirstCall {
  const char* name;
  /// \param block another thread's, of 2000 bytes
  /// \return the block to be freed, or nullptr
  void* (*call)(void* block);
};

constexpr FirstCall kFirstCalls[] = {
    {"alloc", [](void* block) { return hak_free(block), hak_alloc(50); }},
    {"alloc of a mid block", [](void* block) { return hak_free(block), hak_alloc(5'000); }},
    {"alloc of a large block", [](void* block) { return hak_free(block), hak_alloc(500'000); }},
    {"alloc of a mapping", [](void* block) { return hak_free(block), hak_alloc(5'000'000); }},
    {"free", [](void* block) { return hak_free(block), static_cast<void*>(nullptr); }},
    {"calloc", [](void* block) { return block = (hak_free(block), hak_calloc(10, 10)); }},
    {"realloc of nothing", [](void* block) { return hak_free(block), hak_realloc(nullptr, 70); }},
    {"realloc", [](void* block) { return hak_realloc(block, 90'000); }},
    {"aligned_alloc", [](void* block) { return hak_free(block), hak_aligned_alloc(4096, 10); }},
    {"usable_size", [](void* block) { return hak_usable_size(block) >= 2000 ? block : nullptr; }},
    {"trim", [](void* block) { return (void)hak_trim(), block; }},
    {"statistics_get", [](void* block) { return (void)statistics(), block; }},
    {"option_set", [](void* block) { return hak_option_set("HAKMEM_CACHE_MID", "1") == 0 ? block : nullptr; }},
    {"option_get",
     [](void* block) {
       std::int64_t value = 0;
       return hak_option_get("HAKMEM_CACHE_MID", &value) == 0 ? block : nullptr;
     }},
    {"statistics_print",
     [](void* block) {
       const int nowhere = ::open("/dev/null", O_WRONLY);
       const int result = hak_statistics_print(nowhere, 1);
       ::close(nowhere);
       return result == 0 ? block : nullptr;
     }},
    {"init", [](void* block) { return hak_init() == 0 ? block : nullptr; }},
};

TEST(HakEdges, AThreadsFirstCallMayBeAnyFunction) {
  for (const FirstCall& first : kFirstCalls) {
    SCOPED_TRACE(first.name);
    void* block = hak_alloc(2000);
    std::memset(block, 7, 2000);
    void* left = nullptr;
    std::thread([&] { left = first.call(block); }).join();
    EXPECT_EQ(left == nullptr, std::string(first.name) == "free");
    hak_free(left);
  }
  expect_nothing_left();
}

TEST(HakEdges, ABlockThatIsNotFreedIsNoticed) {
  void* block = hak_alloc(2000);
  (void)hak_trim();
  EXPECT_NE(statistics().superslabs_mapped, statistics().superslabs_unmapped);
  hak_free(block);
  expect_nothing_left();
}

// Caches that come and go --------------------------------------------------------------------------------------------

struct Marked {
  unsigned char* block = nullptr;
  std::size_t bytes = 0;
  unsigned char mark = 0;

  static Marked take(std::size_t bytes, unsigned char mark) {
    auto* block = static_cast<unsigned char*>(hak_alloc(bytes));
    if (block == nullptr) return {};
    std::memset(block, mark, std::min<std::size_t>(bytes, 128));
    block[bytes - 1] = mark;
    return {block, bytes, mark};
  }
  [[nodiscard]] bool is_whole() const {
    if (block == nullptr) return true;
    for (std::size_t i = 0; i < std::min<std::size_t>(bytes, 128); ++i) {
      if (block[i] != mark) return false;
    }
    return block[bytes - 1] == mark;
  }
};

/// Allocates and frees blocks of every pool, and passes some on. \return whether all of them were whole
bool exchange_blocks(unsigned seed, unsigned steps, std::array<std::atomic<Marked*>, 16>& places) {
  std::array<Marked, 64> live{};
  std::uint32_t random = seed * 2654435761u + 1;
  bool whole = true;
  for (unsigned i = 0; i < steps; ++i) {
    random = random * 1664525u + 1013904223u;
    const std::uint32_t draw = random >> 8;
    Marked& mine = live[draw % live.size()];
    if (draw % 7 == 0) {
      Marked* other = places[draw / 64 % places.size()].exchange(new Marked(mine));
      mine = other == nullptr ? Marked{} : *other;
      delete other;
    }
    whole &= mine.is_whole();
    hak_free(mine.block);
    constexpr std::size_t kMost[] = {1024, 1024, 1024, 1024, 32'768, 32'768, 1'048'576, 3'000'000};
    mine = Marked::take(1 + random % kMost[draw / 512 % 8], static_cast<unsigned char>(draw));
    whole &= mine.block != nullptr;
  }
  for (const Marked& block : live) {
    whole &= block.is_whole();
    hak_free(block.block);
  }
  return whole;
}

/// The options that the heap follows while it is in use: no reports, and not the learner.
std::vector<hak_option> settings_of_the_heap() {
  std::vector<hak_option> found;
  for (std::size_t i = 0; const hak_option* row = hak_option_describe(i); ++i) {
    const std::string topic = row->topic;
    if (topic != "Looking inside" && topic != "The learner") found.push_back(*row);
  }
  return found;
}

/// Every cache is switched off and on again, and limits are moved, as often as can be until told to stop.
void switch_settings(const std::atomic<bool>& stop, std::atomic<unsigned>& switched) {
  const std::vector<hak_option> settings = settings_of_the_heap();
  ASSERT_GE(settings.size(), 10u);
  while (!stop.load()) {
    for (const hak_option& setting : settings) {
      ASSERT_EQ(hak_option_set(setting.name, std::to_string(setting.least).c_str()), 0) << setting.name;
      std::this_thread::yield();
      ASSERT_EQ(hak_option_set(setting.name, std::to_string(setting.most).c_str()), 0) << setting.name;
      std::this_thread::yield();
      ASSERT_EQ(hak_option_set(setting.name, setting.normal), 0) << setting.name;
      ++switched;
    }
  }
}

/// B6: caches are switched while threads use them, and nothing is lost.
TEST(HakEdges, CachesMayBeSwitchedUnderLoad) {
  std::atomic<bool> stop{false};
  std::atomic<unsigned> switched{0};
  std::thread switching([&] { switch_settings(stop, switched); });
  std::array<std::atomic<Marked*>, 16> places{};
  std::atomic<unsigned> damaged{0};
  run_together(4, [&](unsigned i) {
    for (unsigned round = 0; round < 8 || switched < 200; ++round) {
      if (!exchange_blocks(i * 100 + round, 8'000 / kShare, places)) ++damaged;
    }
  });
  stop = true;
  switching.join();
  for (auto& place : places) {
    Marked* left = place.load();
    if (left == nullptr) continue;
    EXPECT_TRUE(left->is_whole());
    hak_free(left->block);
    delete left;
  }
  EXPECT_EQ(damaged, 0u);
  expect_nothing_left();
}

/// The former switches of the logs are words of one option: no thread takes back what another has switched.
TEST(HakEdges, WordsOfOneLogMayBeSwitchedByManyThreads) {
  constexpr std::array kSwitches{"HAKMEM_SS_ACQUIRE_DEBUG", "HAKMEM_SS_FREE_DEBUG", "HAKMEM_SS_LRU_DEBUG",
                                 "HAKMEM_TINY_SLL_DRAIN_DEBUG"};
  run_together(kSwitches.size(), [&](unsigned i) {
    for (unsigned round = 0; round < 2000; ++round) {
      for (const std::int64_t on : {1, 0}) {
        std::int64_t value = -1;
        EXPECT_EQ(hak_option_set(kSwitches[i], on == 1 ? "1" : "0"), 0);
        EXPECT_EQ(hak_option_get(kSwitches[i], &value), 0);
        EXPECT_EQ(value, on);
      }
    }
  });
}

TEST(HakEdges, ADamagedBlockIsNoticed) {
  Marked block = Marked::take(300, 9);
  EXPECT_TRUE(block.is_whole());
  block.block[299] ^= 1;
  EXPECT_FALSE(block.is_whole());
  hak_free(block.block);
}

// Ends of threads ----------------------------------------------------------------------------------------------------

#if defined(__SANITIZE_THREAD__) && (defined(__clang__) || __GNUC__ > 12)
// Its runtime crashes in the last one: it knows the thread no more. Only that of g++ 12 does.
constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS - 1;
#else
constexpr int kRounds = PTHREAD_DESTRUCTOR_ITERATIONS;
#endif
pthread_key_t every_round_key;
std::atomic<int> rounds{0};

/// Sets its own value again, so that it is called in every round that there is.
void live_on(void* block) {
  thread_local int round = 0;
  ++rounds;
  hak_free(block);
  hak_free(hak_realloc(hak_calloc(3, 1000), 70'000));
  if (++round < kRounds) {
    EXPECT_EQ(::pthread_setspecific(every_round_key, hak_alloc(300)), 0);
  }
}

/// B11: long after the thread's context has gone.
TEST(HakEdges, DestructorsMayAllocateInEveryRound) {
  ASSERT_EQ(hak_init(), 0);
  std::atomic<void*> last{nullptr};
  constexpr int kThreads = 10;
  ASSERT_EQ(::pthread_key_create(&every_round_key, live_on), 0);
  for (int i = 0; i < kThreads; ++i) {
    std::thread([&] {
      hak_free(last.exchange(hak_alloc(100)));
      EXPECT_EQ(::pthread_setspecific(every_round_key, hak_alloc(10)), 0);
    }).join();
  }
  ::pthread_key_delete(every_round_key);
  hak_free(last);
  EXPECT_EQ(rounds, kThreads * kRounds);
  expect_nothing_left();
}

/// B11: contexts are bounded by the threads at one time, not by their number.
TEST(HakEdges, ManyShortThreadsShareContexts) {
  constexpr unsigned kAtATime = 8;
  std::atomic<void*> handed_over{nullptr};
  run_together(kAtATime, [&](unsigned) {
    for (unsigned i = 0; i < 400 / kShare; ++i) {
      std::thread([&] {
        for (const std::size_t bytes : {20u, 2'000u, 40'000u}) hak_free(hak_alloc(bytes));
        hak_free(handed_over.exchange(hak_alloc(100)));
      }).join();
    }
  });
  hak_free(handed_over);
  EXPECT_LE(statistics().thread_contexts, 4 * kAtATime + 1);
}

/// What exited threads have left is given back by others at once, while still others take it over.
TEST(HakEdges, ExitedThreadsAreSweptWhileOthersStart) {
  ASSERT_EQ(hak_option_set("HAKMEM_PURGE_DELAY_MS", "0"), 0);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  std::atomic<void*> handed_over{nullptr};
  run_together(4, [&](unsigned seed) {
    for (std::size_t bytes = 100 + seed; std::chrono::steady_clock::now() < end; bytes = bytes * 7 % 50'021) {
      std::thread([&] {
        void* blocks[40];
        for (void*& block : blocks) block = hak_alloc(bytes + 1);
        for (void* block : blocks) hak_free(handed_over.exchange(block));
      }).join();
    }
  });
  hak_free(handed_over);
  ASSERT_EQ(hak_option_set("HAKMEM_PURGE_DELAY_MS", "1000"), 0);
  expect_nothing_left();
}

}  // namespace
}  // namespace hakmem::test
