#pragma once
/// Configurations of the unit tests on simulated memory, and what the shared pool and everything below it work with.

#include <gtest/gtest.h>

#include "layout/descriptors.hpp"
#include "layout/page_map.hpp"
#include "support/test_os.hpp"
#include "support/test_sync.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {

inline constexpr unsigned kToyBits = 24;

inline constexpr unsigned kFullBits = 32;

template <class Geometry, unsigned kBits = kToyBits>
using SimulatedConfig = Config<TestSync, TestOs<kBits>, Geometry>;
using ToyConfig = SimulatedConfig<ToyGeometry>;

/// A clock that the test sets.
class ClockedOs : public TestOs<kToyBits> {
 public:
  using TestOs::TestOs;
  [[nodiscard]] static std::uint64_t milliseconds() noexcept { return now; }
  static inline std::uint64_t now = 0;
};
using ClockedConfig = Config<TestSync, ClockedOs, ToyGeometry>;

/// What the shared pool and everything below it work with.
template <class ConfigT>
struct Surroundings {
  explicit Surroundings(PageMapKind kind = PageMapKind::kFlat) { EXPECT_TRUE(map.init(os, kind)); }

  TestMemory memory{kToyBits};
  typename ConfigT::Os os{memory};
  PageMap<ConfigT> map;
};

}  // namespace hakmem::test
