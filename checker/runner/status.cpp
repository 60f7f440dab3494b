#include "runner/status.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/subject.hpp"

namespace check {

int say_verdict(Status status, const char* what, std::FILE* out) {
  // What was printed before comes first, also where both streams are one pipe.
  const bool told = std::fflush(stdout) == 0;
  std::fprintf(out, "VERDICT: %s: %s\n", word_of(status), what);
  if (told && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code_of(status);
  say_problem(std::string("cannot write to standard output: ") + std::strerror(errno));
  return exit_code_of(worse(status, Status::kIncomplete));
}

}  // namespace check
