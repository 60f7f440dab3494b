/// field NAME: runs one case. Exit code 0: it holds; 1: it does not; 2: wrong call; 3: it shows nothing here.

#include <cstdarg>
#include <cstring>

#include "case.hpp"

namespace hakmem::field {

void expect(bool holds, const char* format, ...) {
  if (holds) return;
  va_list values;
  va_start(values, format);
  std::vfprintf(stderr, format, values);
  va_end(values);
  std::fputs("\n", stderr);
  std::_Exit(1);
}

void skip(const char* why) {
  std::fprintf(stderr, "shows nothing here: %s\n", why);
  std::_Exit(3);
}

namespace {

constexpr Case kCases[] = {
    {"names_of_the_c_library", "__libc_malloc and its family are the same heap", names_of_the_c_library},
    {"figures_of_mallinfo", "mallinfo and malloc_info tell what is in use", figures_of_mallinfo},
    {"parameters_of_mallopt", "mallopt accepts what glibc accepts", parameters_of_mallopt},
    {"cancelled_in_statistics", "malloc_stats is no cancellation point", cancelled_in_statistics},
    {"alignments_that_cannot_be_had", "errno of memalign", alignments_that_cannot_be_had},
    {"descriptors_of_a_daemon", "statistics go to standard error or nowhere", descriptors_of_a_daemon},
};

int wrong_call(const char* word) {
  std::fprintf(stderr, "field: there is no case '%s'; give one of these\n", word);
  for (const Case& one : kCases) std::fprintf(stderr, "  %-36s%s\n", one.name, one.what);
  return 2;
}

}  // namespace

}  // namespace hakmem::field

int main(int count, char** arguments) {
  using namespace hakmem::field;
  if (count != 2) return wrong_call(count < 2 ? "" : arguments[2]);
  for (const Case& one : kCases) {
    if (std::strcmp(one.name, arguments[1]) != 0) continue;
    one.run();
    return 0;
  }
  return wrong_call(arguments[1]);
}
