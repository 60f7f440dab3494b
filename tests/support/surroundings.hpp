#pragma once
/// Configurations of the unit tests on simulated memory, and what the shared pool and everything below it work with.

#include <gtest/gtest.h>

#include "layout/backend.hpp"
#include "layout/descriptors.hpp"
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

/// A system that notes which advice about the size of pages it was given last.
class AdvisedOs : public TestOs<kToyBits> {
 public:
  using TestOs::TestOs;
  enum class Pages : unsigned char { kUnknown, kSmall, kLarge };
  static void keep_pages_small(void* p, std::size_t bytes) noexcept { note(p, bytes, Pages::kSmall); }
  static void let_pages_be_large(void* p, std::size_t bytes) noexcept { note(p, bytes, Pages::kLarge); }

  static inline Pages pages = Pages::kUnknown;
  static inline void* where = nullptr;
  static inline std::size_t range_bytes = 0;
  static inline int advices = 0;

 private:
  static void note(void* p, std::size_t size, Pages now) noexcept {
    pages = now;
    where = p;
    range_bytes = size;
    ++advices;
  }
};
using AdvisedConfig = Config<TestSync, AdvisedOs, ToyGeometry>;

/// What the shared pool and everything below it work with.
template <class ConfigT>
struct Surroundings {
  Surroundings() { backend.init(); }

  TestMemory memory{kToyBits};
  Backend<ConfigT> backend{typename ConfigT::Os(memory)};
  typename ConfigT::Os& os = backend.os;
  PageMap<ConfigT>& map = backend.map;
};

}  // namespace hakmem::test
