/// A program that starts on a system whose page size, in bytes, is its argument, and uses the heap.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "hakmem/hakmem.h"
#include "pages/large_pages.hpp"

namespace {

/// Before the library's own start, which asks for the page: the program's arguments are handed to what is called first.
[[gnu::section(".preinit_array"), gnu::used]] void (*choose_page)(int, char**, char**) = [](int count, char** arguments,
                                                                                            char**) {
  static const hakmem::test::LargePages pages(count == 2 ? std::strtoul(arguments[1], nullptr, 10) : 4096);
};

}  // namespace

int main() {
  void* block = hak_alloc(1000);
  if (block == nullptr) return 1;
  std::memset(block, 1, 1000);
  hak_free(block);
  std::puts("served");
  return 0;
}
