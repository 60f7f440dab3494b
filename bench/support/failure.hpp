#pragma once

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdio>

namespace hakmem::bench {

/// Prints "FAILED: " and the reason on standard error, and ends the program with 1 at once: where memory is corrupted,
/// neither malloc nor exceptions nor destructors can be trusted. Threads that stumble over the same memory meanwhile wait
/// for that end, so that it is this one that is seen. Thread-safe.
[[noreturn]] inline void die(const char* reason) {
  for (const int crash : {SIGSEGV, SIGBUS, SIGABRT}) {
    std::signal(crash, [](int) {
      for (;;) ::pause();
    });
  }
  char line[640];
  const int length = std::snprintf(line, sizeof(line), "FAILED: %.600s\n", reason);
  const auto written = ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
  static_cast<void>(written);
  ::_exit(1);
}

}  // namespace hakmem::bench
