#pragma once
/// How long tests wait for what must come.

#include <chrono>
#include <cstdlib>

namespace hakmem::test {

/// A minute: against hanging, as what is waited for comes at once or never. Who has broken the program and expects it never to
/// come says how many seconds are enough (ci/mutants).
[[nodiscard]] inline std::chrono::milliseconds long_enough() {
  const char* seconds = std::getenv("TEST_PATIENCE_SECONDS");
  return std::chrono::seconds(seconds == nullptr ? 60 : std::atoi(seconds));
}

}  // namespace hakmem::test
