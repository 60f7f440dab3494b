#pragma once

#include <unistd.h>

#include <cstring>

namespace hakmem::bench {

/// Prints "FAILED: " and the reason on standard error, and ends the program with 1 at once: where memory is corrupted,
/// neither malloc nor exceptions nor destructors can be trusted. Thread-safe.
[[noreturn]] inline void die(const char* reason) {
  char line[640] = "FAILED: ";
  std::strncat(line, reason, sizeof(line) - std::strlen(line) - 2);
  std::strcat(line, "\n");
  const auto written = ::write(STDERR_FILENO, line, std::strlen(line));
  static_cast<void>(written);
  ::_exit(1);
}

}  // namespace hakmem::bench
