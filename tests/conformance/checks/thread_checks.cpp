/// Threads: races, frees by others, first and last moments of a thread.

#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <functional>
#include <thread>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

/// Damage seen by threads, which may not assert themselves.
std::atomic<unsigned> damaged{0};

void check_and_free(const Filled& block) {
  if (!block.is_whole()) damaged.fetch_add(1);
  std::free(block.block);
}

/// Runs a function in a thread made without the C++ library, so that nothing of it is the thread's first call.
template <class Body>
void run_in_thread(Body body, std::size_t stack_bytes = 0) {
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  if (stack_bytes != 0) {
    ASSERT_EQ(::pthread_attr_setstacksize(&attributes, stack_bytes), 0);
  }
  pthread_t thread;
  const auto enter = [](void* body_of_thread) -> void* {
    (*static_cast<Body*>(body_of_thread))();
    return nullptr;
  };
  ASSERT_EQ(::pthread_create(&thread, &attributes, enter, &body), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ::pthread_attr_destroy(&attributes);
}

// Several threads at once --------------------------------------------------------------------------------------------

/// Allocates, resizes and frees at random, and looks for damage.
void churn(std::uint64_t seed, int steps) {
  Random random(seed);
  std::array<Filled, 200> live{};
  for (int step = 0; step < steps; ++step) {
    Filled& block = live[random.below(live.size())];
    if (block.block != nullptr && !block.is_whole()) damaged.fetch_add(1);
    const std::size_t size = 1 + random.below(step % 50 == 0 ? 300 * kKiB : 2 * kKiB);
    if (random.below(4) == 0) {
      const std::size_t kept = std::min(block.bytes, size);
      const Filled moved{std::realloc(block.block, size), kept, block.seed};
      if (!moved.is_whole()) damaged.fetch_add(1);
      block = filled(moved.block, size, random.next());
    } else {
      std::free(block.block);
      const auto& member = c_members()[random.below(c_members().size())];
      block = filled(member.allocate(size), size, random.next());
    }
  }
  for (const auto& block : live) check_and_free(block);
}

REQUIRED(Thread, ConcurrentCallsGiveDisjointBlocks, "C17 7.22.3; POSIX 2.9.1") {
  std::vector<std::thread> threads;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) threads.emplace_back(churn, seed, 20'000);
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(damaged.load(), 0U);
}

/// Hands blocks from producers to consumers, one slot each.
class Exchange {
 public:
  void put(const Filled& block) {
    auto* parcel = new Filled(block);
    for (Filled* expected = nullptr; !slot_.compare_exchange_weak(expected, parcel); expected = nullptr) {
      std::this_thread::yield();
    }
  }
  Filled take() {
    Filled* parcel = nullptr;
    while ((parcel = slot_.exchange(nullptr)) == nullptr) std::this_thread::yield();
    const Filled block = *parcel;
    delete parcel;
    return block;
  }

 private:
  std::atomic<Filled*> slot_{nullptr};
};

REQUIRED(Thread, BlocksMayBeFreedByAnotherThread, "C17 7.22.3; POSIX 2.9.1") {
  Exchange exchange;
  constexpr int kBlocks = 5'000;
  const auto size_of = [](int i) {
    return i % 100 == 0 ? 2 * kMiB + 1 : kSizesOfEveryKind[static_cast<unsigned>(i) % 16];
  };
  std::thread producer([&] {
    for (int i = 0; i < kBlocks; ++i) {
      exchange.put(filled(std::malloc(size_of(i)), size_of(i), static_cast<std::uint64_t>(i)));
    }
  });
  for (int i = 0; i < kBlocks; ++i) check_and_free(exchange.take());
  producer.join();
  EXPECT_EQ(damaged.load(), 0U);
}

REQUIRED(Thread, SpaceFreedByAnotherThreadIsUsedAgain, "C17 7.22.3.3") {
  for (const std::size_t size : {2'000UL, 20'000UL, 300'000UL, 3'000'000UL}) {
    Exchange exchange;
    const std::size_t blocks = 256 * kMiB / (size + 10'000);
    std::thread producer([&] {
      for (std::size_t i = 0; i < blocks; ++i) exchange.put({std::malloc(size), 0, 0});
    });
    const std::size_t before = address_space();
    for (std::size_t i = 0; i < blocks; ++i) std::free(exchange.take().block);
    producer.join();
    // A new thread may cost an arena or a heap of its own.
    EXPECT_LE(address_space(), before + 128 * kMiB) << size << " bytes";
  }
}

REQUIRED(Thread, BlocksOutliveTheirThread, "C17 7.22.3") {
  std::vector<Filled> blocks;
  blocks.reserve(10'000);
  for (int thread = 0; thread < 50; ++thread) {
    run_in_thread([&blocks] {
      for (const std::size_t size : kSizesOfEveryKind) blocks.push_back(filled(std::malloc(size), size, blocks.size()));
    });
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_INTACT(blocks[i]) << blocks[i].bytes << " bytes";
    if (i % 2 == 0) std::free(blocks[i].block);
  }
  run_in_thread([&blocks] {
    for (std::size_t i = 1; i < blocks.size(); i += 2) check_and_free(blocks[i]);
  });
  EXPECT_EQ(damaged.load(), 0U);
}

// The first call of a thread -----------------------------------------------------------------------------------------

REQUIRED(Thread, FirstCallMayBeAnyAllocation, "POSIX 2.9.1") {
  for (const auto& member : all_members()) {
    for (const std::size_t size : kSizesOfEveryKind) {
      Filled block;
      run_in_thread([&] { block = filled(member.allocate(size), size, size); });
      ASSERT_NE(block.block, nullptr) << member.name << " of " << size << " bytes";
      ASSERT_INTACT(block) << member.name << " of " << size << " bytes";
      member.release(block.block);
    }
  }
}

REQUIRED(Thread, FirstCallMayBeAnyRelease, "POSIX 2.9.1") {
  for (const auto& member : all_members()) {
    for (const std::size_t size : kSizesOfEveryKind) {
      const auto block = filled(member.allocate(size), size, size);
      const auto other = filled(member.allocate(size), size, size + 1);
      run_in_thread([&] { member.release(block.block); });
      ASSERT_INTACT(other) << member.name << " of " << size << " bytes";
      member.release(other.block);
    }
  }
}

REQUIRED(Thread, FirstCallMayBeRealloc, "POSIX 2.9.1") {
  for (const std::size_t from : kSizesOfEveryKind) {
    for (const std::size_t to : {from / 2 + 1, from + 1, 2 * from, 40 * from}) {
      const auto before = filled(std::malloc(from), from, to);
      Filled after{nullptr, std::min(from, to), to};
      run_in_thread([&] { after.block = std::realloc(before.block, to); });
      ASSERT_NE(after.block, nullptr);
      ASSERT_INTACT(after) << "from " << from << " to " << to << " bytes";
      std::free(after.block);
    }
  }
}

GLIBC(Thread, FirstCallMayAskTheAllocator, "malloc_usable_size(3), malloc_trim(3), glibc manual 3.2.3.9") {
  const auto block = filled(std::malloc(5000), 5000, 1);
  std::size_t usable = 0;
  run_in_thread([&] { usable = ::malloc_usable_size(block.block); });
  EXPECT_GE(usable, 5000U);
  run_in_thread([] { ::malloc_trim(0); });
  run_in_thread([] { static_cast<void>(::mallinfo2()); });
  EXPECT_INTACT(block);
  std::free(block.block);
}

GLIBC(Thread, SmallestStackSuffices, "POSIX pthread_attr_setstacksize") {
  const auto smallest = static_cast<std::size_t>(PTHREAD_STACK_MIN);
  for (const auto& member : c_members()) {
    for (const std::size_t size : kSizesOfEveryKind) {
      run_in_thread(
          [&] {
            void* block = std::realloc(member.allocate(size), size + 1000);
            if (block == nullptr) damaged.fetch_add(1);
            std::free(block);
          },
          smallest);
      ASSERT_EQ(damaged.load(), 0U) << member.name << " of " << size << " bytes";
    }
  }
}

// The last moments of a thread ---------------------------------------------------------------------------------------

/// Holds blocks of every kind and lets go of them, after a try-out of the allocator, in its destructor.
struct Holder {
  Holder() {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      blocks[i] = filled(std::malloc(kSizesOfEveryKind[i]), kSizesOfEveryKind[i], i);
    }
  }
  ~Holder() {
    for (auto& block : blocks) {
      const auto other = filled(std::malloc(block.bytes), block.bytes, 99);
      check_and_free(block);
      check_and_free(other);
    }
    destroyed.fetch_add(1);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  static std::atomic<unsigned> destroyed;
  std::array<Filled, kSizesOfEveryKind.size()> blocks{};
};

std::atomic<unsigned> Holder::destroyed{0};

REQUIRED(Thread, ThreadLocalDestructorsMayAllocateAndFree, "C++ [basic.stc.thread]") {
  constexpr unsigned kThreads = 100;
  for (unsigned i = 0; i < kThreads; ++i) {
    run_in_thread([] {
      thread_local Holder holder;
      static_cast<void>(opaque(&holder));
    });
  }
  EXPECT_EQ(Holder::destroyed.load(), kThreads);
  EXPECT_EQ(damaged.load(), 0U);
}

pthread_key_t round_key;
std::atomic<int> rounds{0};

/// Sets its key again, so that it is called to the last round, when every other destructor has run.
void release_in_round(void* value) {
  auto* parcel = static_cast<Filled*>(value);
  check_and_free(*parcel);
  *parcel = filled(std::malloc(parcel->bytes), parcel->bytes, parcel->seed + 1);
  if (rounds.fetch_add(1) + 1 < PTHREAD_DESTRUCTOR_ITERATIONS) {
    ::pthread_setspecific(round_key, parcel);
  } else {
    check_and_free(*parcel);
  }
}

REQUIRED(Thread, KeyDestructorsMayAllocateAndFreeToTheLastRound, "POSIX pthread_key_create") {
  ASSERT_EQ(::pthread_key_create(&round_key, release_in_round), 0);
  for (const std::size_t size : kSizesOfEveryKind) {
    rounds.store(0);
    Filled parcel;
    run_in_thread([&] {
      parcel = filled(std::malloc(size), size, size);
      ::pthread_setspecific(round_key, &parcel);
    });
    ASSERT_EQ(rounds.load(), PTHREAD_DESTRUCTOR_ITERATIONS);
    ASSERT_EQ(damaged.load(), 0U) << size << " bytes";
  }
  ::pthread_key_delete(round_key);
}

pthread_key_t only_key;

REQUIRED(Thread, AKeyDestructorMayBeTheFirstCall, "POSIX pthread_key_create") {
  static std::atomic<unsigned> calls{0};
  ASSERT_EQ(::pthread_key_create(&only_key,
                                 [](void*) {
                                   check_and_free(filled(std::malloc(1000), 1000, 1));
                                   calls.fetch_add(1);
                                 }),
            0);
  for (int i = 0; i < 100; ++i) {
    run_in_thread([] { ::pthread_setspecific(only_key, &only_key); });
  }
  EXPECT_EQ(calls.load(), 100U);
  EXPECT_EQ(damaged.load(), 0U);
  ::pthread_key_delete(only_key);
}

REQUIRED(Thread, SpaceUsedInLastMomentsIsUsedAgain, "C17 7.22.3.3") {
  static pthread_key_t key;
  const auto use = [](void*) {
    for (const std::size_t size : {24UL, 3'000UL, 50'000UL, 300'000UL})
      check_and_free(filled(std::malloc(size), size, 1));
  };
  ASSERT_EQ(::pthread_key_create(&key, use), 0);
  const auto start = [] { ::pthread_setspecific(key, &key); };
  for (int i = 0; i < 100; ++i) run_in_thread(start);
  const std::size_t before = address_space();
  for (int i = 0; i < 2'000; ++i) run_in_thread(start);
  EXPECT_LE(address_space(), before + 64 * kMiB);
  EXPECT_EQ(damaged.load(), 0U);
  ::pthread_key_delete(key);
}

REQUIRED(Thread, ShortLivedThreadsLeaveNothingBehind, "C17 7.22.3.3") {
  const auto live = [] {
    for (const std::size_t size : {24UL, 200UL, 3'000UL, 50'000UL}) {
      check_and_free(filled(std::malloc(size), size, size));
    }
  };
  for (int i = 0; i < 500; ++i) run_in_thread(live);
  const std::size_t resident = resident_memory();
  const std::size_t space = address_space();
  for (int i = 0; i < 10'000; ++i) run_in_thread(live);
  EXPECT_LE(resident_memory(), resident + 8 * kMiB);
  EXPECT_LE(address_space(), space + 64 * kMiB);
  EXPECT_EQ(damaged.load(), 0U);
}

void* end_process_after_main_thread(void* main_thread) {
  ::pthread_join(*static_cast<pthread_t*>(main_thread), nullptr);
  churn(1, 5'000);
  ::_exit(damaged.load() == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

REQUIRED(Thread, MayGoOnWithoutTheMainThread, "POSIX pthread_exit") {
  EXPECT_EQ("", fault_of_child(start_own_program(kWithoutMainThread)));
}

}  // namespace

int go_on_without_main_thread() {
  static pthread_t main_thread;
  main_thread = ::pthread_self();
  pthread_t thread;
  if (::pthread_create(&thread, nullptr, end_process_after_main_thread, &main_thread) != 0) return EXIT_FAILURE;
  std::free(opaque(std::malloc(100)));
  ::pthread_exit(nullptr);
}

}  // namespace hakmem::conformance
