/// Keeps the counts of a process that ends by abort, as the core ends it on corruption: by itself gcov writes them at
/// exit alone.

#include <signal.h>

extern "C" {
#include <gcov.h>
}

namespace {

void keep_counts(int) { __gcov_dump(); }

/// The second abort, after the handler, ends the process as it would have ended.
[[gnu::constructor]] void install() {
  struct sigaction action{};
  action.sa_handler = keep_counts;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  (void)::sigaction(SIGABRT, &action, nullptr);
}

}  // namespace
