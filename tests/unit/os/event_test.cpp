#include "os/event.hpp"

#include <gtest/gtest.h>

namespace hakmem::test {
namespace {

struct DeafOs {};

struct ListeningOs {
  static inline int told = 0;
  static bool wants(EventKind kind) noexcept { return kind == EventKind::kRetire; }
  static void note(const Event&) noexcept { ++told; }
};

static_assert(!ListensToEvents<DeafOs> && ListensToEvents<ListeningOs>);

TEST(Events, AreDescribedOnlyIfTheyAreWanted) {
  int described = 0;
  const auto describe = [&] {
    ++described;
    return Event{EventKind::kRetire};
  };
  tell<DeafOs>(EventKind::kRetire, describe);
  tell<ListeningOs>(EventKind::kAcquire, describe);
  EXPECT_EQ(described, 0);
  tell<ListeningOs>(EventKind::kRetire, describe);
  EXPECT_EQ(described, 1);
  EXPECT_EQ(ListeningOs::told, 1);
}

TEST(Events, AreNotWantedByAPolicyThatDoesNotListen) {
  EXPECT_FALSE(wants<DeafOs>(EventKind::kRetire));
  EXPECT_TRUE(wants<ListeningOs>(EventKind::kRetire));
}

}  // namespace
}  // namespace hakmem::test
