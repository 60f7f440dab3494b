/// The learner's thread through the public C API: started and stopped while the process runs, and across fork.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "hakmem/hakmem.h"
#include "support/together.hpp"

namespace hakmem::test {
namespace {

using namespace std::chrono_literals;

std::uint64_t windows() {
  hak_statistics now;
  hak_statistics_get(&now);
  return now.learner_windows;
}

/// \return whether a window of the learner ends before the time is over
bool learns_within(std::chrono::milliseconds time) {
  const std::uint64_t before = windows();
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (windows() != before) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

/// The shortest window that the options allow is 500 ms.
constexpr auto kLongEnough = 60s;
constexpr auto kTwoWindows = 1200ms;

void let_learn(bool on) { ASSERT_EQ(hak_option_set("HAKMEM_LEARN", on ? "1" : "0"), 0); }

class HakLearning : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(hak_option_set("HAKMEM_LEARN_WINDOW_MS", "500"), 0);
    ASSERT_EQ(hak_option_set("HAKMEM_LEARN_MIN_SAMPLES", "64"), 0);
  }
};

TEST_F(HakLearning, IsStartedAndStoppedWhileThreadsAllocate) {
  std::atomic<bool> stop{false};
  std::thread controller([&] {
    for (int round = 0; round < 2; ++round) {
      let_learn(true);
      EXPECT_TRUE(learns_within(kLongEnough));
      let_learn(false);
      // The window that is under way ends without being counted.
      EXPECT_FALSE(learns_within(kTwoWindows));
    }
    stop = true;
  });
  run_together(2, [&](unsigned thread) {
    for (std::size_t i = thread; !stop; ++i) {
      void* blocks[40];
      for (void*& block : blocks) block = hak_alloc(1'100 + 700 * (i % 40));
      for (void* block : blocks) hak_free(block);
    }
  });
  controller.join();
}

/// W_MAX in force in thousandths, as soon as it is `expected`, else after a long time.
std::uint64_t max_waste_once_it_is(std::uint64_t expected) {
  hak_statistics now;
  const auto end = std::chrono::steady_clock::now() + kLongEnough;
  do {
    std::this_thread::sleep_for(10ms);
    hak_statistics_get(&now);
  } while (now.max_waste != expected && std::chrono::steady_clock::now() < end);
  return now.max_waste;
}

TEST_F(HakLearning, BeginsAnewWithOptionsThatChange) {
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_LEARN", "1"), 0);
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_CANDIDATES_MID", "2,1.5"), 0);
  let_learn(true);
  EXPECT_EQ(max_waste_once_it_is(2000), 2000u) << "the first candidate";
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_CANDIDATES_MID", "3"), 0);
  EXPECT_EQ(max_waste_once_it_is(3000), 3000u) << "the new first candidate";
  EXPECT_TRUE(learns_within(kLongEnough)) << "a learner that has begun anew goes on";
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_LEARN", "0"), 0);
  EXPECT_EQ(max_waste_once_it_is(1000), 1000u) << "W_MAX is learned no more";
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_LEARN", "1"), 0);
  EXPECT_EQ(max_waste_once_it_is(3000), 3000u);
  let_learn(false);
  EXPECT_EQ(max_waste_once_it_is(1000), 1000u) << "nothing is learned any more";
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_LEARN", "0"), 0);
  ASSERT_EQ(hak_option_set("HAKMEM_WMAX_CANDIDATES_MID", "1.4,1.5,1.6,1.7"), 0);
}

TEST_F(HakLearning, IsSilentWithoutTheOption) { EXPECT_FALSE(learns_within(kTwoWindows)); }

// ThreadSanitizer starts no threads in the child of a process with threads.
#ifndef __SANITIZE_THREAD__

/// What a child does, as its exit code.
int learn_as_child() {
  if (learns_within(kTwoWindows)) return 1;
  if (hak_option_set("HAKMEM_LEARN", "1") != 0) return 2;
  return learns_within(kLongEnough) ? 0 : 3;
}

TEST_F(HakLearning, AForkedChildLearnsOnceItAsksForIt) {
  let_learn(true);
  ASSERT_TRUE(learns_within(kLongEnough));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(learn_as_child());
  ASSERT_GT(child, 0);
  EXPECT_TRUE(learns_within(kLongEnough)) << "the parent goes on";
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  let_learn(false);
}

#endif

}  // namespace
}  // namespace hakmem::test
