#include "os/pthread_lock.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/together.hpp"

namespace hakmem::test {
namespace {

TEST(PthreadLock, IsHeldByOneAtATime) {
  PthreadLock lock;
  bool is_free = true;
  const auto try_elsewhere = [&] {
    std::thread([&] {
      is_free = lock.try_lock();
      if (is_free) lock.unlock();
    }).join();
    return is_free;
  };
  ASSERT_TRUE(try_elsewhere());
  lock.lock();
  EXPECT_FALSE(try_elsewhere());
  lock.unlock();
  EXPECT_TRUE(try_elsewhere());
}

TEST(PthreadLock, ThreadsThatCountTogetherLoseNothing) {
  PthreadLock lock;
  unsigned count = 0;
  run_together(3, [&](unsigned) {
    for (int i = 0; i < 1000; ++i) {
      lock.lock();
      ++count;
      lock.unlock();
    }
  });
  EXPECT_EQ(count, 3000u);
}

}  // namespace
}  // namespace hakmem::test
