/// The learner's thread through the public C API: started and stopped while the process runs, and across fork.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "api/learning.hpp"
#include "hakmem/hakmem.h"
#include "support/patience.hpp"
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
      EXPECT_TRUE(learns_within(long_enough()));
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
      std::this_thread::sleep_for(200us);  // where the learner never ends a window, to wait for it is no work
    }
  });
  controller.join();
}

void set(const char* name, const char* value) { ASSERT_EQ(hak_option_set(name, value), 0) << name << "=" << value; }

TEST_F(HakLearning, SettingsAreThoseOfTheOptions) {
  set("HAKMEM_CAP_DWELL_SEC_MID", "3");
  set("HAKMEM_WASTE_TRIAL_SEC", "4");
  set("HAKMEM_LEARN_WASTE", "1");
  set("HAKMEM_WASTE_CANARY", "0");
  set("HAKMEM_WASTE_CANDIDATES_MID", "1,2,3,4,5,6,7,8.5");
  const LearnerSettings now = settings_of_options();
  EXPECT_EQ(now.window_ns, 500'000'000u);
  EXPECT_EQ(now.caps.dwell, 6u) << "windows of 500 ms in 3 s";
  EXPECT_EQ(now.waste.trial, 8u);
  EXPECT_TRUE(now.learn_waste);
  EXPECT_FALSE(now.waste.confirm);
  EXPECT_EQ(now.waste.count, 8u);
  EXPECT_EQ(now.waste.candidates[0], 1);
  EXPECT_EQ(now.waste.candidates[7], 8.5);
  set("HAKMEM_LEARN_WINDOW_MS", "5000");
  EXPECT_EQ(settings_of_options().caps.dwell, 1u) << "a part of a window is one";
  EXPECT_EQ(settings_of_options().waste.trial, 2u) << "a trial compares windows";
  set("HAKMEM_LEARN_WINDOW_MS", "800");
  EXPECT_EQ(settings_of_options().caps.dwell, 4u) << "3.75 windows";
  set("HAKMEM_LEARN_WINDOW_MS", "500");
  set("HAKMEM_WASTE_TRIAL_SEC", "5");
  set("HAKMEM_LEARN_WASTE", "0");
  set("HAKMEM_WASTE_CANARY", "1");
  set("HAKMEM_WASTE_CANDIDATES_MID", "1.4,1.5,1.6,1.7");
}

/// A class whose blocks come and go by more than its cap gets a higher one.
TEST_F(HakLearning, ChangesOfCapsAreCounted) {
  const auto moves = [] {
    hak_statistics now;
    hak_statistics_get(&now);
    return now.learner_cap_moves;
  };
  set("HAKMEM_CAP_MAX_MID", "4096");
  const auto before = moves();
  let_learn(true);
  std::vector<void*> blocks(3000);
  for (const auto end = std::chrono::steady_clock::now() + long_enough();
       moves() == before && std::chrono::steady_clock::now() < end;) {
    for (void*& block : blocks) block = hak_alloc(2000);
    for (void* block : blocks) hak_free(block);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_GT(moves(), before);
  let_learn(false);
  set("HAKMEM_CAP_MAX_MID", "2048");
}

/// W_MAX in force in thousandths, as soon as it is `expected`, else after a long time.
std::uint64_t max_waste_once_it_is(std::uint64_t expected) {
  hak_statistics now;
  const auto end = std::chrono::steady_clock::now() + long_enough();
  do {
    std::this_thread::sleep_for(10ms);
    hak_statistics_get(&now);
  } while (now.max_waste != expected && std::chrono::steady_clock::now() < end);
  return now.max_waste;
}

std::ptrdiff_t threads_now() {
  using std::filesystem::directory_iterator;
  return std::distance(directory_iterator("/proc/self/task"), directory_iterator());
}

TEST_F(HakLearning, BeginsAnewWithOptionsThatChange) {
  ASSERT_EQ(hak_option_set("HAKMEM_LEARN_WASTE", "1"), 0);
  ASSERT_EQ(hak_option_set("HAKMEM_WASTE_CANDIDATES_MID", "2,1.5"), 0);
  let_learn(true);
  EXPECT_EQ(max_waste_once_it_is(2000), 2000u) << "the first candidate";
  const auto threads = threads_now();
  ASSERT_EQ(hak_option_set("HAKMEM_WASTE_CANDIDATES_MID", "3"), 0);
  EXPECT_EQ(threads_now(), threads) << "one learner";
  EXPECT_EQ(max_waste_once_it_is(3000), 3000u) << "the new first candidate";
  EXPECT_TRUE(learns_within(long_enough())) << "a learner that has begun anew goes on";
  ASSERT_EQ(hak_option_set("HAKMEM_LEARN_WASTE", "0"), 0);
  EXPECT_EQ(max_waste_once_it_is(1000), 1000u) << "W_MAX is learned no more";
  ASSERT_EQ(hak_option_set("HAKMEM_LEARN_WASTE", "1"), 0);
  EXPECT_EQ(max_waste_once_it_is(3000), 3000u);
  let_learn(false);
  EXPECT_EQ(max_waste_once_it_is(1000), 1000u) << "nothing is learned any more";
  ASSERT_EQ(hak_option_set("HAKMEM_LEARN_WASTE", "0"), 0);
  ASSERT_EQ(hak_option_set("HAKMEM_WASTE_CANDIDATES_MID", "1.4,1.5,1.6,1.7"), 0);
}

TEST_F(HakLearning, IsSilentWithoutTheOption) { EXPECT_FALSE(learns_within(kTwoWindows)); }

// Under these sanitizers the child of a process with threads starts none.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

/// What a child does, as its exit code.
int learn_as_child() {
  if (learns_within(kTwoWindows)) return 1;
  if (hak_option_set("HAKMEM_LEARN", "1") != 0) return 2;
  return learns_within(long_enough()) ? 0 : 3;
}

/// \return the exit code of a child that does `body`; -1 if it has to be ended
template <class Body>
int exit_code_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  for (const auto end = std::chrono::steady_clock::now() + long_enough(); ::waitpid(child, &status, WNOHANG) == 0;) {
    if (std::chrono::steady_clock::now() > end) (void)::kill(child, SIGKILL);
    std::this_thread::sleep_for(10ms);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Ends the calling thread and nothing else, whatever frames it is in.
void end_thread() { (void)::syscall(SYS_exit, 0); }

TEST_F(HakLearning, DoesNotKeepAProcessWhoseOtherThreadsHaveEnded) {
  for (const bool keeps_standard_input : {true, false}) {
    EXPECT_EQ(exit_code_of_child([&] {
                if (!keeps_standard_input) ::close(STDIN_FILENO);
                let_learn(true);
                if (!learns_within(long_enough())) return 1;
                end_thread();
                return 2;
              }),
              0);
  }
}

TEST_F(HakLearning, GoesOnWithoutTheMainThread) {
  EXPECT_EQ(exit_code_of_child([] {
              let_learn(true);
              std::thread([] {
                std::this_thread::sleep_for(kTwoWindows);
                ::_exit(learns_within(long_enough()) ? 0 : 1);
              }).detach();
              end_thread();
              return 2;
            }),
            0);
}

TEST_F(HakLearning, NeedsNoFileToBeOpened) {
  EXPECT_EQ(exit_code_of_child([] {
              const rlimit none{};
              (void)::setrlimit(RLIMIT_NOFILE, &none);
              let_learn(true);
              return learns_within(long_enough()) && learns_within(long_enough()) ? 0 : 1;
            }),
            0);
}

/// Takes the memory for a thread's stack away, then sets an option.
int set_without_memory(const char* name, const char* value) {
  const rlimit none{1, 1};
  (void)::setrlimit(RLIMIT_AS, &none);
  return hak_option_set(name, value);
}

#ifndef __SANITIZE_ADDRESS__  // it wants memory of its own for each thread, and ends the process where there is none
TEST(HakLearningDeathTest, AThreadThatIsRefusedIsOneLine) {
  EXPECT_EXIT(::_exit(set_without_memory("HAKMEM_LEARN", "1")), testing::ExitedWithCode(0),
              "^hakmem: HAKMEM_LEARN=1, but the system refuses a thread; nothing is learned\n$");
}
#endif

TEST(HakLearningDeathTest, NoThreadIsAskedForUnlessItIsToLearn) {
  EXPECT_EXIT(::_exit(set_without_memory("HAKMEM_LEARN_WINDOW_MS", "1000")), testing::ExitedWithCode(0), "^$");
}

TEST_F(HakLearning, AForkedChildLearnsOnceItAsksForIt) {
  let_learn(true);
  ASSERT_TRUE(learns_within(long_enough()));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(learn_as_child());
  ASSERT_GT(child, 0);
  EXPECT_TRUE(learns_within(long_enough())) << "the parent goes on";
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  let_learn(false);
}

#endif

}  // namespace
}  // namespace hakmem::test
