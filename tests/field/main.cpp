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

void soil(void* block, std::size_t bytes) {
  constexpr int kSoil = 0xab;
  std::memset(block, kSoil, bytes);
}

std::size_t dirty(const void* block, std::size_t bytes) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < bytes; ++i) count += static_cast<const unsigned char*>(block)[i] != 0 ? 1u : 0u;
  return count;
}

std::size_t kib_of(const char* name) {
  std::size_t kib = 0;
  char line[256];
  std::FILE* file = std::fopen("/proc/self/status", "r");
  while (file != nullptr && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, name, std::strlen(name)) == 0) kib = std::strtoul(line + std::strlen(name) + 1, nullptr, 10);
  }
  if (file != nullptr) std::fclose(file);
  return kib;
}

namespace {

constexpr Case kCases[] = {
    {"zero_after_lock", "calloc of memory that the program has locked", zero_after_lock},
    {"zero_where_all_is_locked", "calloc under mlockall", zero_where_all_is_locked},
    {"zero_where_advice_is_refused", "calloc where a filter refuses madvise", zero_where_advice_is_refused},
    {"resize_where_moves_are_refused", "realloc where a filter refuses mremap", resize_where_moves_are_refused},
    {"resize_of_advised_memory", "realloc of a block with advice about a part of it", resize_of_advised_memory},
    {"address_space_is_limited", "a process limits its own address space", address_space_is_limited},
    {"data_is_limited", "a process limits its own data", data_is_limited},
    {"little_address_space_and_a_thread", "200 MiB of address space and a thread", little_address_space_and_a_thread},
    {"all_memory_is_locked", "mlockall costs a few MiB", all_memory_is_locked},
    {"many_mappings", "66 000 blocks of 1.1 MB, and still a thread", many_mappings},
    {"untouched_zeroes", "calloc that is hardly used", untouched_zeroes},
    {"stands_with_100_mib", "uses 100 MiB until a line comes, to be looked at from outside", stands_with_100_mib},
    {"small_pages_for_few_blocks", "large pages are not for what is hardly used", small_pages_for_few_blocks},
    {"freed_twice_with_others_between", "a double free with other frees between", freed_twice_with_others_between},
    {"freed_but_never_allocated", "a free of memory behind all blocks", freed_but_never_allocated},
    {"names_of_the_c_library", "__libc_malloc and its family are the same heap", names_of_the_c_library},
    {"figures_of_mallinfo", "mallinfo and malloc_info tell what is in use", figures_of_mallinfo},
    {"parameters_of_mallopt", "mallopt accepts what glibc accepts", parameters_of_mallopt},
    {"blocks_of_jemalloc", "mallocx and its family are the same heap", blocks_of_jemalloc},
    {"questions_of_jemalloc", "mallctl knows what programs ask that are built for jemalloc", questions_of_jemalloc},
    {"whole_pages", "pvalloc rounds up to whole pages and no further", whole_pages},
    {"cancelled_in_statistics", "malloc_stats is no cancellation point", cancelled_in_statistics},
    {"alignments_that_cannot_be_had", "errno of memalign", alignments_that_cannot_be_had},
    {"zeroes_to_the_usable_size", "calloc, then all of malloc_usable_size", zeroes_to_the_usable_size},
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
