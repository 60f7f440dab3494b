#pragma once
/// An Os policy that notes what a heap reports and goes on, and an alarm for HardenedSync that does the same.

#include <vector>

#include "support/test_os.hpp"

namespace hakmem::test {

struct Report {
  Corruption what;
  const void* block;
  std::size_t bytes;
  BlockHistory history;
};

/// What was reported since it was last cleared. One thread at a time.
inline std::vector<Report> reports;

template <unsigned kBits>
class CapturingOs : public TestOs<kBits> {
 public:
  using TestOs<kBits>::TestOs;
  static void fatal(Corruption what, const char*, const void*, const void* block, std::size_t bytes,
                    const BlockHistory& history = {}) noexcept {
    reports.push_back({what, block, bytes, history});
  }
};

static_assert(OsPolicy<CapturingOs<24>>);

struct CapturingAlarm {
  static void written_after_free(const void* block) noexcept {
    reports.push_back({Corruption::kWrittenAfterFree, block, 0, {}});
  }
};

}  // namespace hakmem::test
