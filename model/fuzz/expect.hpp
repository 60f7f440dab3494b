#pragma once
/// How a fuzz target of the checker fails.

#include <cstdio>
#include <cstdlib>
#include <string>

namespace hakmem::fuzz {

/// Ends the process, as fuzzers want it, unless `holds`. \param about what it was about, for the line that says so
inline void expect(bool holds, const char* what, const std::string& about) {
  if (holds) return;
  std::fprintf(stderr, "CHECK FAILED: %s: '%s'\n", what, about.c_str());
  std::abort();
}

}  // namespace hakmem::fuzz
