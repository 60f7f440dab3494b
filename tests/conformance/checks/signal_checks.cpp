/// Signal handlers that allocate while nothing else does, and signals that interrupt allocation.

#include <sys/time.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

std::atomic<unsigned> handled{0};
std::atomic<unsigned> failed{0};

void allocate_in_handler(int) {
  for (const auto& member : all_members()) {
    for (const std::size_t size : {40UL, 3'000UL, 60'000UL, 1'200'000UL}) {
      const auto block = filled(member.allocate(size), size, size);
      if (!block.is_whole()) failed.fetch_add(1);
      member.release(block.block);
    }
  }
  handled.fetch_add(1);
}

void count_in_handler(int) { handled.fetch_add(1); }

void install(int signal, void (*handler)(int), int flags = 0) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = flags;
  ASSERT_EQ(::sigaction(signal, &action, nullptr), 0);
}

REQUIRED(Signal, HandlerMayAllocateOutsideOtherCalls, "POSIX 2.4.3") {
  install(SIGUSR1, allocate_in_handler);
  const auto block = filled(std::malloc(1000), 1000, 1);
  for (int i = 0; i < 5; ++i) ::raise(SIGUSR1);
  EXPECT_EQ(handled.load(), 5U);
  EXPECT_EQ(failed.load(), 0U);
  EXPECT_INTACT(block);
  std::free(block.block);
}

REQUIRED(Signal, HandlerMayBeTheFirstToAllocateInAThread, "POSIX 2.4.3") {
  install(SIGUSR1, allocate_in_handler);
  for (int i = 0; i < 5; ++i) std::thread([] { ::raise(SIGUSR1); }).join();
  EXPECT_EQ(handled.load(), 5U);
  EXPECT_EQ(failed.load(), 0U);
}

REQUIRED(Signal, HandlerOnItsOwnStackMayAllocate, "POSIX sigaltstack") {
  install(SIGUSR1, allocate_in_handler, SA_ONSTACK);
  std::vector<char> stack(64 * kKiB);
  stack_t own{};
  own.ss_sp = stack.data();
  own.ss_size = stack.size();
  ASSERT_EQ(::sigaltstack(&own, nullptr), 0);
  for (int i = 0; i < 5; ++i) ::raise(SIGUSR1);
  own.ss_flags = SS_DISABLE;
  ::sigaltstack(&own, nullptr);
  EXPECT_EQ(handled.load(), 5U);
  EXPECT_EQ(failed.load(), 0U);
}

/// A signal every fifth of a millisecond until destroyed.
class Alarm {
 public:
  Alarm() { every({0, 200}); }
  ~Alarm() { every({0, 0}); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  static void every(timeval period) {
    const itimerval timer{period, period};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
};

REQUIRED(Signal, InterruptedCallsSucceed, "POSIX 2.4") {
  install(SIGALRM, count_in_handler);
  const Alarm alarm;
  Random random(1);
  std::array<Filled, 100> live{};
  for (int step = 0; step < 30'000 || handled.load() < 100; ++step) {
    Filled& block = live[random.below(live.size())];
    if (block.block != nullptr) {
      ASSERT_INTACT(block);
    }
    std::free(block.block);
    const std::size_t size = 1 + random.below(step % 10 == 0 ? 2 * kMiB : 5 * kKiB);
    const auto& member = c_members()[random.below(c_members().size())];
    void* memory = member.allocate(size);
    ASSERT_NE(memory, nullptr) << member.name << " of " << size << " bytes, errno " << errno;
    block = filled(memory, std::min(size, 5 * kKiB), random.next());
  }
  for (const auto& block : live) std::free(block.block);
}

}  // namespace
}  // namespace hakmem::conformance
