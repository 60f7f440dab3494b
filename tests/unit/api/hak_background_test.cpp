/// The thread that gives memory back, through the public C API: while nobody allocates, and across fork.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "hakmem/hakmem.h"
#include "support/patience.hpp"

namespace hakmem::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBlockBytes = 16 << 10;

void set(const char* name, const char* value) { ASSERT_EQ(hak_option_set(name, value), 0) << name << "=" << value; }

/// \return whether something comes true before the time is over
template <class Condition>
bool comes_true(Condition condition, std::chrono::milliseconds time = long_enough()) {
  for (const auto end = std::chrono::steady_clock::now() + time; !condition();) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

std::ptrdiff_t threads_now() {
  using std::filesystem::directory_iterator;
  return std::distance(directory_iterator("/proc/self/task"), directory_iterator());
}

/// The second page of a block lies in no other one. \return whether the system has it in memory
bool is_resident(void* block) {
  const auto page = static_cast<std::uintptr_t>(::getpagesize());
  const std::uintptr_t second = (reinterpret_cast<std::uintptr_t>(block) + page) & ~(page - 1);
  unsigned char seen = 0;
  return ::mincore(reinterpret_cast<void*>(second), page, &seen) == 0 && (seen & 1) != 0;
}

/// Blocks of which few are held, so that no SuperSlab becomes empty, and most were freed.
class HakBackground : public testing::Test {
 protected:
  void SetUp() override { set("HAKMEM_PURGE_DELAY_MS", "100"); }
  void TearDown() override {
    set("HAKMEM_BACKGROUND", "0");
    EXPECT_TRUE(comes_true([&] { return threads_now() == threads_before_; })) << "the thread goes with the option";
    for (void* block : held_) hak_free(block);
    set("HAKMEM_PURGE_DELAY_MS", "1000");
    (void)hak_trim();
  }

  /// A peak, after which nothing is allocated or freed.
  void have_a_peak() {
    constexpr std::size_t kBlocks = 8000, kHeld = 100;
    for (std::size_t i = 0; i < kBlocks; ++i) {
      void* block = hak_alloc(kBlockBytes);
      std::memset(block, 1, kBlockBytes);
      (i % kHeld == 0 ? held_ : freed_).push_back(block);
    }
    for (void* block : freed_) hak_free(block);
  }

  /// Of the blocks that were freed how many are in memory, in percent.
  [[nodiscard]] std::size_t resident_percent() const {
    return static_cast<std::size_t>(std::ranges::count_if(freed_, is_resident)) * 100 / freed_.size();
  }
  [[nodiscard]] bool has_given_back() const {
    return comes_true([this] { return resident_percent() <= 5; });
  }

  std::ptrdiff_t threads_before_ = threads_now();
  std::vector<void*> held_;
  std::vector<void*> freed_;
};

TEST_F(HakBackground, GivesBackWhileNobodyAllocates) {
  set("HAKMEM_BACKGROUND", "1");
  EXPECT_EQ(threads_now(), threads_before_ + 1);
  have_a_peak();
  EXPECT_TRUE(has_given_back()) << resident_percent() << " %";
}

/// What the thread is there for.
TEST_F(HakBackground, WithoutItWhatIsKeptWaitsForTheNextOperation) {
  // However long the frees take, none of them finds that something has waited for long enough.
  set("HAKMEM_PURGE_DELAY_MS", "3600000");
  have_a_peak();
  set("HAKMEM_PURGE_DELAY_MS", "100");
  std::this_thread::sleep_for(2s);
  EXPECT_GE(resident_percent(), 50u);
  EXPECT_EQ(threads_now(), threads_before_) << "no thread is started unasked";
}

TEST_F(HakBackground, ThereIsOneHoweverOftenItIsAskedFor) {
  for (int i = 0; i < 3; ++i) set("HAKMEM_BACKGROUND", "1");
  EXPECT_EQ(threads_now(), threads_before_ + 1);
}

TEST_F(HakBackground, AThreadThatStartsIsNotWorthALine) {
  testing::internal::CaptureStderr();
  set("HAKMEM_BACKGROUND", "1");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

/// It may be on its way out when it is asked for anew.
TEST_F(HakBackground, IsStartedAgain) {
  for (int i = 0; i < 2; ++i) {
    set("HAKMEM_BACKGROUND", "1");
    set("HAKMEM_BACKGROUND", "0");
    ASSERT_TRUE(comes_true([&] { return threads_now() == threads_before_; }));
  }
  set("HAKMEM_BACKGROUND", "1");
  have_a_peak();
  EXPECT_TRUE(has_given_back()) << resident_percent() << " %";
}

// Under these sanitizers the child of a process with threads starts none.
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)

template <class Body>
int exit_code_of_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  if (!comes_true([&] { return ::waitpid(child, &status, WNOHANG) != 0; }, 2 * long_enough())) {
    (void)::kill(child, SIGKILL);
    (void)::waitpid(child, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(HakBackground, AForkedChildHasOneOfItsOwn) {
  set("HAKMEM_BACKGROUND", "1");
  EXPECT_EQ(exit_code_of_child([&] {
              if (threads_now() != 2) return 1;
              have_a_peak();
              return has_given_back() ? 0 : 2;
            }),
            0);
  have_a_peak();
  EXPECT_TRUE(has_given_back()) << "the parent's goes on";
}

/// The learner's thread does not count as one of the program's either.
TEST_F(HakBackground, DoesNotKeepAProcessWhoseOtherThreadsHaveEnded) {
  EXPECT_EQ(exit_code_of_child([] {
              set("HAKMEM_LEARN", "1");
              set("HAKMEM_BACKGROUND", "1");
              (void)::syscall(SYS_exit, 0);
              return 1;
            }),
            0);
}

#ifndef __SANITIZE_ADDRESS__  // it wants memory of its own for each thread, and ends the process where there is none

/// Takes the memory for a thread's stack away, then asks for one.
int ask_without_memory() {
  const rlimit none{1, 1};
  (void)::setrlimit(RLIMIT_AS, &none);
  return hak_option_set("HAKMEM_BACKGROUND", "1");
}

TEST(HakBackgroundDeathTest, AThreadThatIsRefusedIsOneLine) {
  EXPECT_EXIT(::_exit(ask_without_memory()), testing::ExitedWithCode(0),
              "^hakmem: HAKMEM_BACKGROUND=1, but the system refuses a thread; memory is given back by those who "
              "allocate and free\n$");
}

#endif
#endif

}  // namespace
}  // namespace hakmem::test
