/// Small exchanges between two or three threads, correct ones and ones with an order too weak. Run under
/// ThreadSanitizer, Helgrind or DRD they show that the tool, with this build's Sync policy, reports exactly the wrong
/// ones.
///
/// The atomics live in zero pages that no constructor has run over, like the heap's descriptors.

#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "os/linux_os.hpp"
#include "support/test_sync.hpp"

namespace {

using hakmem::test::TestSync;
using std::memory_order;

struct Shared {
  TestSync::Atomic<std::uint32_t> flag;
  TestSync::Atomic<std::uint32_t> other;
  std::uint64_t data;
};

void wait_for(TestSync::Atomic<std::uint32_t>& flag, std::uint32_t value, memory_order order) {
  // The order under test: what the waiter may rely on is what the case is about.
  while (flag.load(order) != value) std::this_thread::yield();
}

template <class... Bodies>
void run_threads(Bodies... bodies) {
  std::vector<std::thread> threads;
  (threads.emplace_back(bodies), ...);
  for (std::thread& thread : threads) thread.join();
}

void pass_by_store(Shared& shared, memory_order store, memory_order load) {
  run_threads(
      [&] {
        shared.data = 42;
        // The order under test; pairs with the wait below.
        shared.flag.store(1, store);
      },
      [&] {
        wait_for(shared.flag, 1, load);
        shared.data += 1;
      });
}

void pass_by_swap(Shared& shared, memory_order swap) {
  run_threads(
      [&] {
        shared.data = 42;
        std::uint32_t expected = 0;
        // The order under test; pairs with the exchange below.
        (void)shared.flag.compare_exchange_strong(expected, 1, swap, std::memory_order_relaxed);
      },
      [&] {
        // Acquire pairs with the swap above.
        while (shared.flag.exchange(0, std::memory_order_acquire) == 0) std::this_thread::yield();
        shared.data += 1;
      });
}

/// The swap fails, so only its failure order counts: as a receiver, and never as an announcer.
void receive_by_failed_swap(Shared& shared, memory_order failure) {
  run_threads(
      [&] {
        shared.data = 42;
        // Release pairs with the failing swap below.
        shared.flag.store(1, std::memory_order_release);
      },
      [&] {
        wait_for(shared.flag, 1, std::memory_order_relaxed);
        std::uint32_t expected = 2;
        // The failure order is under test.
        (void)shared.flag.compare_exchange_strong(expected, 3, std::memory_order_relaxed, failure);
        shared.data += 1;
      });
}

void announce_by_failed_swap(Shared& shared) {
  run_threads(
      [&] {
        shared.data = 42;
        std::uint32_t expected = 2;
        // Fails: the release belongs to a store that never happens.
        (void)shared.flag.compare_exchange_strong(expected, 3, std::memory_order_release, std::memory_order_relaxed);
        // Relaxed: only lets the other thread go on.
        shared.other.store(1, std::memory_order_relaxed);
      },
      [&] {
        wait_for(shared.other, 1, std::memory_order_relaxed);
        // Acquire of a value that nobody has released.
        (void)shared.flag.load(std::memory_order_acquire);
        shared.data += 1;
      });
}

/// A relaxed read-modify-write in between continues the release sequence.
void pass_through_sequence(Shared& shared) {
  run_threads(
      [&] {
        shared.data = 42;
        // Release pairs with the acquire of the third thread, through the second's addition.
        shared.flag.store(1, std::memory_order_release);
      },
      [&] {
        wait_for(shared.flag, 1, std::memory_order_relaxed);
        // Relaxed: continues the sequence, takes no part in it.
        shared.flag.fetch_add(1, std::memory_order_relaxed);
      },
      [&] {
        wait_for(shared.flag, 2, std::memory_order_acquire);
        shared.data += 1;
      });
}

void plain_race(Shared& shared) {
  const auto add = [&] {
    for (int i = 0; i < 1000; ++i) {
      *static_cast<volatile std::uint64_t*>(&shared.data) = shared.data + 1;
      std::this_thread::yield();
    }
  };
  run_threads(add, add);
}

constexpr struct {
  const char* name;
  void (*run)(Shared&);
} kCases[] = {
    {"store_release_load_acquire",
     [](Shared& s) { pass_by_store(s, std::memory_order_release, std::memory_order_acquire); }},
    {"store_relaxed", [](Shared& s) { pass_by_store(s, std::memory_order_relaxed, std::memory_order_acquire); }},
    {"load_relaxed", [](Shared& s) { pass_by_store(s, std::memory_order_release, std::memory_order_relaxed); }},
    {"swap_release", [](Shared& s) { pass_by_swap(s, std::memory_order_release); }},
    {"swap_relaxed", [](Shared& s) { pass_by_swap(s, std::memory_order_relaxed); }},
    {"failed_swap_acquire", [](Shared& s) { receive_by_failed_swap(s, std::memory_order_acquire); }},
    {"failed_swap_relaxed", [](Shared& s) { receive_by_failed_swap(s, std::memory_order_relaxed); }},
    {"failed_swap_release", announce_by_failed_swap},
    {"release_sequence", pass_through_sequence},
    {"plain_race", plain_race},
};

}  // namespace

int main(int count, char** arguments) {
  const std::string_view wanted = count == 2 ? arguments[1] : "";
  for (const auto& entry : kCases) {
    if (wanted != entry.name) continue;
    Shared* shared = hakmem::LinuxOs::metadata<Shared>(1);
    if (shared == nullptr) {
      std::fprintf(stderr, "order_litmus: no memory\n");
      return 1;
    }
    entry.run(*shared);
    std::printf("%s: data is %llu\n", entry.name, static_cast<unsigned long long>(shared->data));
    return 0;
  }
  std::fprintf(stderr, "order_litmus: name one case\nusage: order_litmus CASE\ncases:");
  for (const auto& entry : kCases) std::fprintf(stderr, " %s", entry.name);
  std::fprintf(stderr, "\n");
  return 2;
}
