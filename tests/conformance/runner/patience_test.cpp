#include "patience.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace hakmem::conformance {
namespace {

using namespace std::chrono_literals;

/// A process with a group of its own, until destroyed.
class Group {
 public:
  explicit Group(void (*work)()) : leader_(::fork()) {
    if (leader_ == 0) {
      ::setpgid(0, 0);
      for (;;) work();
    }
    ::setpgid(leader_, leader_);
  }
  ~Group() {
    ::kill(leader_, SIGKILL);
    ::waitpid(leader_, nullptr, 0);
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  [[nodiscard]] pid_t id() const { return leader_; }

 private:
  pid_t leader_;
};

TEST(Patience, WhoSleepsForLongerHangs) {
  const Group sleeper([] { ::pause(); });
  Patience patience(sleeper.id(), 1s);
  EXPECT_FALSE(patience.is_over());
  while (!patience.is_over()) std::this_thread::sleep_for(50ms);
}

TEST(Patience, TimeInWhichNobodyLookedIsNoSleep) {
  const Group sleeper([] { ::pause(); });
  Patience patience(sleeper.id(), 1s);
  std::this_thread::sleep_for(2s);
  EXPECT_FALSE(patience.is_over());
}

TEST(Patience, WhoHasUsedTheProcessorSinceTheLastLookHasNotSlept) {
  const Group worker([] {
    const auto end = std::chrono::steady_clock::now() + 20ms;
    while (std::chrono::steady_clock::now() < end) {
    }
    std::this_thread::sleep_for(60ms);
  });
  Patience patience(worker.id(), 1s);
  for (int look = 0; look < 30; ++look) {
    std::this_thread::sleep_for(100ms);
    ASSERT_FALSE(patience.is_over()) << look;
  }
}

}  // namespace
}  // namespace hakmem::conformance
