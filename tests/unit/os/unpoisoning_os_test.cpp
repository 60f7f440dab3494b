/// Addresses that leave a heap whose free blocks are poisoned: whoever has them next may use them.

#include "os/unpoisoning_os.hpp"

#include <gtest/gtest.h>

#include <array>

namespace hakmem::test {
namespace {

constexpr std::size_t kBytes = 256;
constexpr std::size_t kHalf = kBytes / 2;

/// Says whether a byte is poisoned at the moment that the system is called: later is too late.
struct Asked {
  static bool is_poisoned(const void* byte) noexcept {
#ifdef HAKMEM_ASAN
    return __asan_address_is_poisoned(byte) != 0;
#else
    return byte == nullptr;
#endif
  }
  static inline const char* memory = nullptr;
  static inline bool first_is_poisoned = false;
  static inline bool last_is_poisoned = false;
  static inline int calls = 0;
  static bool call() noexcept {
    first_is_poisoned = is_poisoned(memory);
    last_is_poisoned = is_poisoned(memory + kBytes - 1);
    ++calls;
    return true;
  }
  static void release(void*, std::size_t) noexcept { call(); }
  static bool resize(void*, std::size_t, std::size_t) noexcept { return call(); }
  static bool move(void*, std::size_t, void*, std::size_t) noexcept { return call(); }
};

using Unpoisoning = UnpoisoningOs<Asked>;

class UnpoisoningOsTest : public ::testing::Test {
 protected:
  UnpoisoningOsTest() {
    Asked::memory = memory.data();
    Asked::calls = 0;
    ASAN_POISON_MEMORY_REGION(memory.data(), kBytes);
  }
  ~UnpoisoningOsTest() override { ASAN_UNPOISON_MEMORY_REGION(memory.data(), kBytes); }

  static void expect_usable() {
    EXPECT_EQ(Asked::calls, 1);
    EXPECT_FALSE(Asked::first_is_poisoned);
    EXPECT_FALSE(Asked::last_is_poisoned);
  }

  alignas(16) std::array<char, kBytes> memory{};
};

TEST_F(UnpoisoningOsTest, WhatIsReleasedIsUsableBefore) {
  Unpoisoning::release(memory.data(), kBytes);
  expect_usable();
}

TEST_F(UnpoisoningOsTest, WhatIsMovedAwayFromIsUsableBefore) {
  EXPECT_TRUE(Unpoisoning::move(memory.data(), kBytes, nullptr, 2 * kBytes));
  expect_usable();
}

TEST_F(UnpoisoningOsTest, TheEndThatIsGivenBackIsUsableBeforeAndNothingElse) {
  EXPECT_TRUE(Unpoisoning::resize(memory.data(), kBytes, kHalf));
  EXPECT_FALSE(Asked::last_is_poisoned);
  EXPECT_FALSE(Asked::is_poisoned(memory.data() + kHalf));
#ifdef HAKMEM_ASAN
  EXPECT_TRUE(Asked::is_poisoned(memory.data() + kHalf - 1));
#endif
}

TEST_F(UnpoisoningOsTest, GrowingGivesNothingBack) {
  EXPECT_TRUE(Unpoisoning::resize(memory.data(), kBytes, 2 * kBytes));
  EXPECT_EQ(Asked::calls, 1);
#ifdef HAKMEM_ASAN
  EXPECT_TRUE(Asked::first_is_poisoned);
  EXPECT_TRUE(Asked::last_is_poisoned);
#endif
}

}  // namespace
}  // namespace hakmem::test
