#include "model/runner/status.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace hakmem::model {

int say_verdict(Status status, const char* what, std::FILE* out) {
  std::fprintf(out, "VERDICT: %s: %s\n", word_of(status), what);
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code_of(status);
  std::fprintf(stderr, "hakmem-check: cannot write to standard output: %s\n", std::strerror(errno));
  return exit_code_of(worse(status, Status::kIncomplete));
}

}  // namespace hakmem::model
