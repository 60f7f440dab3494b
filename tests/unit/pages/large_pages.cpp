#include "pages/large_pages.hpp"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>

namespace hakmem::test {
namespace {

std::size_t page = 4096;

template <class Function>
Function* of_the_system(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

std::size_t in_pages(std::size_t bytes) { return (bytes + page - 1) & ~(page - 1); }
bool is_page(const void* p) { return (reinterpret_cast<std::uintptr_t>(p) & (page - 1)) == 0; }

void* refuse() {
  errno = EINVAL;
  return MAP_FAILED;
}

}  // namespace

LargePages::LargePages(std::size_t page_bytes) { page = page_bytes; }
LargePages::~LargePages() { page = 4096; }

namespace {

int unmap(void* p, std::size_t bytes) { return of_the_system<int(void*, std::size_t)>("munmap")(p, bytes); }

/// Aligned to the page, with nothing mapped beside it that was not asked for.
void* map_in_pages(std::size_t bytes, int protection, int flags) {
  static auto* const system = of_the_system<void*(void*, std::size_t, int, int, int, off_t)>("mmap");
  char* const wide = static_cast<char*>(system(nullptr, bytes + page, protection, flags, -1, 0));
  if (wide == MAP_FAILED) return wide;
  const std::size_t head = in_pages(reinterpret_cast<std::uintptr_t>(wide)) - reinterpret_cast<std::uintptr_t>(wide);
  if (head != 0) unmap(wide, head);
  if (head != page) unmap(wide + head + bytes, page - head);
  return wide + head;
}

}  // namespace
}  // namespace hakmem::test

// In the place of the C library's, for the whole program.

extern "C" unsigned long getauxval(unsigned long type) noexcept {
  if (type == AT_PAGESZ) return hakmem::test::page;
  return hakmem::test::of_the_system<unsigned long(unsigned long)>("getauxval")(type);
}

extern "C" void* mmap(void* where, std::size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  using namespace hakmem::test;
  if (where == nullptr && file == -1 && bytes != 0) return map_in_pages(in_pages(bytes), protection, flags);
  return of_the_system<void*(void*, std::size_t, int, int, int, off_t)>("mmap")(where, bytes, protection, flags, file,
                                                                                offset);
}

extern "C" int munmap(void* p, std::size_t bytes) noexcept {
  using namespace hakmem::test;
  if (!is_page(p) || bytes == 0) {
    errno = EINVAL;
    return -1;
  }
  return unmap(p, in_pages(bytes));
}

extern "C" int madvise(void* p, std::size_t bytes, int advice) noexcept {
  using namespace hakmem::test;
  if (!is_page(p)) {
    errno = EINVAL;
    return -1;
  }
  return of_the_system<int(void*, std::size_t, int)>("madvise")(p, in_pages(bytes), advice);
}

extern "C" void* mremap(void* p, std::size_t old_bytes, std::size_t new_bytes, int flags, ...) noexcept {
  using namespace hakmem::test;
  va_list list;
  va_start(list, flags);
  void* const target = (flags & MREMAP_FIXED) != 0 ? va_arg(list, void*) : nullptr;
  va_end(list);
  if (!is_page(p) || new_bytes == 0 || !is_page(target)) return refuse();
  static auto* const system = of_the_system<void*(void*, std::size_t, std::size_t, int, ...)>("mremap");
  return system(p, in_pages(old_bytes), in_pages(new_bytes), flags, target);
}
