/// fork, vfork, posix_spawn.

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

std::vector<Filled> blocks_of_every_kind() {
  std::vector<Filled> blocks;
  for (const auto& member : c_members()) {
    for (const std::size_t size : {16UL, 100UL, 1000UL, 1500UL, 20'000UL, 50'000UL, 300'000UL}) {
      blocks.push_back(filled(member.allocate(size), size, blocks.size()));
    }
  }
  return blocks;
}

bool all_intact(const std::vector<Filled>& blocks) {
  return std::all_of(blocks.begin(), blocks.end(), [](const Filled& block) { return block.is_whole(); });
}

void free_all(const std::vector<Filled>& blocks) {
  for (const auto& block : blocks) std::free(block.block);
}

/// What a child must be able to do: use and free what its parent has allocated, and allocate.
bool works_on_the_parents_heap(const std::vector<Filled>& parents) {
  if (!all_intact(parents)) return false;
  const auto own = blocks_of_every_kind();
  if (!all_intact(own) || !all_intact(parents)) return false;
  for (std::size_t i = 0; i < parents.size(); i += 2) std::free(parents[i].block);
  const auto more = blocks_of_every_kind();
  const bool intact = all_intact(own) && all_intact(more);
  free_all(own);
  free_all(more);
  return intact;
}

REQUIRED(Fork, ChildHasACopyOfTheHeap, "POSIX fork") {
  const auto blocks = blocks_of_every_kind();
  EXPECT_EQ("", fault_in_child([&blocks] { return works_on_the_parents_heap(blocks); }));
  EXPECT_TRUE(all_intact(blocks)) << "in the parent";
  free_all(blocks);
}

/// Each generation works on the heap, forks the next, and works again.
bool generations_work(const std::vector<Filled>& blocks, int generations) {
  const auto own = blocks_of_every_kind();
  if (!all_intact(blocks)) return false;
  if (generations > 0) {
    const std::string fault = fault_in_child([&] { return generations_work(own, generations - 1); });
    if (!fault.empty()) std::fprintf(stderr, "%d generations before the last: %s\n", generations, fault.c_str());
    if (!fault.empty()) return false;
  }
  const bool intact = all_intact(own);
  free_all(own);
  return intact && works_on_the_parents_heap(blocks);
}

REQUIRED(Fork, ChildMayForkAgain, "POSIX fork") {
  const auto blocks = blocks_of_every_kind();
  EXPECT_EQ("", fault_in_child([&blocks] { return generations_work(blocks, 5); }));
  free_all(blocks);
}

/// Threads that allocate and free without pause until destroyed.
class BusyThreads {
 public:
  explicit BusyThreads(int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, i] { work(static_cast<std::uint64_t>(i)); });
    }
    while (steps_.load() < 1000) std::this_thread::yield();
  }
  ~BusyThreads() {
    stop_.store(true);
    for (auto& thread : threads_) thread.join();
  }
  BusyThreads(const BusyThreads&) = delete;
  BusyThreads& operator=(const BusyThreads&) = delete;

 private:
  void work(std::uint64_t seed) {
    Random random(seed);
    std::array<void*, 64> live{};
    while (!stop_.load(std::memory_order_relaxed)) {
      void*& block = live[random.below(live.size())];
      std::free(block);
      block = std::malloc(1 + random.below(random.below(20) == 0 ? 400'000 : 3'000));
      steps_.fetch_add(1, std::memory_order_relaxed);
    }
    for (void* block : live) std::free(block);
  }

  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> steps_{0};
  std::vector<std::thread> threads_;
};

GLIBC(Fork, ChildOfAThreadedProcessMayAllocate, "glibc fork handlers of malloc") {
  const auto blocks = blocks_of_every_kind();
  {
    const BusyThreads busy(2);
    for (int i = 0; i < 20; ++i) {
      ASSERT_EQ("", fault_in_child([&blocks] { return works_on_the_parents_heap(blocks); })) << "child " << i;
    }
  }
  EXPECT_TRUE(all_intact(blocks));
  free_all(blocks);
}

GLIBC(Fork, ChildOfAThreadedProcessMayForkAgain, "glibc fork handlers of malloc") {
  const auto blocks = blocks_of_every_kind();
  const BusyThreads busy(2);
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ("", fault_in_child([&blocks] { return generations_work(blocks, 3); })) << "child " << i;
  }
  free_all(blocks);
}

GLIBC(Fork, ChildOfAThreadedProcessMayStartThreads, "glibc fork handlers of malloc") {
  const auto blocks = blocks_of_every_kind();
  const BusyThreads busy(2);
  const auto child = [&blocks] {
    const BusyThreads own(2);
    return works_on_the_parents_heap(blocks);
  };
  for (int i = 0; i < 10; ++i) ASSERT_EQ("", fault_in_child(child)) << "child " << i;
  free_all(blocks);
}

std::atomic<int> handler_calls{0};

/// The process's own handler of fork.
void allocate_around_fork() {
  const auto blocks = blocks_of_every_kind();
  if (all_intact(blocks)) handler_calls.fetch_add(1);
  free_all(blocks);
}

GLIBC(Fork, HandlersMayAllocate, "POSIX pthread_atfork") {
  ASSERT_EQ(::pthread_atfork(allocate_around_fork, allocate_around_fork, allocate_around_fork), 0);
  const BusyThreads busy(2);
  for (int i = 0; i < 10; ++i) {
    handler_calls.store(0);
    ASSERT_EQ("", fault_in_child([] { return handler_calls.load() == 2; })) << "child " << i;
    ASSERT_EQ(handler_calls.load(), 2) << "in the parent of child " << i;
  }
}

GLIBC(Fork, VforkAndExecLeaveTheParentsHeapIntact, "vfork(2)") {
  const auto blocks = blocks_of_every_kind();
  const std::string path = std::string(program_folder()) + "conformance_checks";
  const BusyThreads busy(2);
  for (int i = 0; i < 5; ++i) {
    const pid_t pid = ::vfork();
    if (pid == 0) {
      ::close(STDOUT_FILENO);
      ::execl(path.c_str(), path.c_str(), kOrigins, nullptr);
      ::_exit(127);
    }
    ASSERT_EQ("", fault_of_child(pid)) << "child " << i;
    ASSERT_TRUE(all_intact(blocks));
  }
  free_all(blocks);
}

REQUIRED(Fork, SpawnedProgramsStart, "POSIX posix_spawn") {
  const auto blocks = blocks_of_every_kind();
  const BusyThreads busy(2);
  for (int i = 0; i < 5; ++i) ASSERT_EQ("", fault_of_child(start_own_program(kOrigins))) << "child " << i;
  EXPECT_TRUE(all_intact(blocks));
  free_all(blocks);
}

}  // namespace
}  // namespace hakmem::conformance
