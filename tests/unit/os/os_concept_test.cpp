/// What an Os policy must have is asked for, and what it may have is not. The compiler judges most of it; that the core
/// needs no more is shown by policies/least_policies_test.cpp.

#include "os/os_concept.hpp"

#include <gtest/gtest.h>

#include "os/linux_os.hpp"
#include "support/test_os.hpp"

namespace hakmem::test {
namespace {

/// It has what OsPolicy asks for, and none of the parts that a policy may have.
using LeastOs = TestOs<24>;

// What must be there --------------------------------------------------------------------------------------------------

struct NoDefault : LeastOs {
  explicit NoDefault(TestMemory& memory);
};
struct NoReserve : LeastOs {
  void* reserve(std::size_t, std::size_t) = delete;
};
struct NoRelease : LeastOs {
  void release(void*, std::size_t) = delete;
};
struct NoDecommit : LeastOs {
  bool decommit(void*, std::size_t) = delete;
};
struct NoResize : LeastOs {
  bool resize(void*, std::size_t, std::size_t) = delete;
};
struct NoMove : LeastOs {
  bool move(void*, std::size_t, void*, std::size_t) = delete;
};
struct NoMetadata : LeastOs {
  template <class T>
  T* metadata(std::size_t) = delete;
};
struct NoFatal : LeastOs {
  static void fatal(Corruption, const char*, const void*, const void*, std::size_t, const BlockHistory& = {}) = delete;
};
struct NoHistory : LeastOs {
  static void fatal(Corruption, const char*, const void*, const void*, std::size_t) noexcept;
};
struct NoBase : LeastOs {
  std::uintptr_t address_base() const = delete;
};
struct NoBits : LeastOs {
 private:
  using LeastOs::kAddressBits;
};
struct BitsOfTheDay : LeastOs {
  static inline unsigned kAddressBits = 24;
};
struct NoPage : LeastOs {
 private:
  using LeastOs::kPageBytes;
};
struct PageOfNoSize : LeastOs {
  std::size_t page_bytes() const = delete;
};
struct OddPage : LeastOs {
  static constexpr std::size_t kPageBytes = 3000;
};
struct ThrowingReserve : LeastOs {
  void* reserve(std::size_t bytes, std::size_t alignment);
};
struct SilentDecommit : LeastOs {
  void decommit(void* p, std::size_t bytes) noexcept;
};

static_assert(OsPolicy<LeastOs>);
static_assert(!OsPolicy<NoDefault>);
static_assert(!OsPolicy<NoReserve> && !OsPolicy<NoRelease> && !OsPolicy<NoDecommit> && !OsPolicy<NoResize>);
static_assert(!OsPolicy<NoMove> && !OsPolicy<NoMetadata> && !OsPolicy<NoFatal> && !OsPolicy<NoHistory>);
static_assert(!OsPolicy<NoBase> && !OsPolicy<NoBits> && !OsPolicy<BitsOfTheDay> && !OsPolicy<NoPage> &&
              !OsPolicy<PageOfNoSize>);
static_assert(!OsPolicy<OddPage> && !OsPolicy<ThrowingReserve> && !OsPolicy<SilentDecommit>);

// What may be there ---------------------------------------------------------------------------------------------------

static_assert(!HasPageSizes<LeastOs> && !HasClock<LeastOs> && !HasSecret<LeastOs> && !HasConstantBase<LeastOs>);

struct KeepingPagesSmall : LeastOs {
  static void keep_pages_small(void* p, std::size_t bytes) noexcept;
};
struct Advised : KeepingPagesSmall {
  static void let_pages_be_large(void* p, std::size_t bytes) noexcept;
};

static_assert(OsPolicy<Advised> && HasPageSizes<Advised>);
static_assert(OsPolicy<KeepingPagesSmall> && !HasPageSizes<KeepingPagesSmall>, "half of a part is none");

struct Clocked : LeastOs {
  static std::uint64_t milliseconds() noexcept { return 7; }
};
struct ClockOfSigns : LeastOs {
  static std::int64_t milliseconds() noexcept { return -1; }
};

static_assert(OsPolicy<Clocked> && HasClock<Clocked>);
static_assert(OsPolicy<ClockOfSigns> && !HasClock<ClockOfSigns>);

struct Secretive : LeastOs {
  static std::uint64_t secret() noexcept;
};

static_assert(OsPolicy<Secretive> && HasSecret<Secretive>);

struct Based : LeastOs {
  static constexpr std::uintptr_t kAddressBase = 0;
};
struct BasedLater : LeastOs {
  static inline std::uintptr_t kAddressBase = 0;
};

static_assert(OsPolicy<Based> && HasConstantBase<Based>);
static_assert(OsPolicy<BasedLater> && !HasConstantBase<BasedLater>, "it is no constant");

/// What ships has all of them.
static_assert(HasPageSizes<LinuxOs> && HasClock<LinuxOs> && HasSecret<LinuxOs> && HasConstantBase<LinuxOs>);
static_assert(LinuxOs::kAddressBase == LinuxOs::address_base());

TEST(OsConcept, ClockStandsStillWhereThereIsNone) {
  LeastOs without;
  Clocked with;
  ClockOfSigns of_another_kind;
  EXPECT_EQ(milliseconds(without), 0u);
  EXPECT_EQ(milliseconds(with), 7u);
  EXPECT_EQ(milliseconds(of_another_kind), 0u);
}

}  // namespace
}  // namespace hakmem::test
