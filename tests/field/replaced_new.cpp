/// A program that replaces operator new(size_t) and operator delete(void*) alone, with a header before each block: all other
/// default forms must end up in these two ([new.delete.single], [new.delete.array]), and none may meet another heap.

#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "replaced.hpp"

using hakmem::field::Aligned, hakmem::field::expect, hakmem::field::kept, hakmem::field::kMagic, hakmem::field::live;

namespace {

struct alignas(16) Header {
  unsigned long magic;
};

struct HasDestructor {
  ~HasDestructor() { kept(this); }
  int value;
};

}  // namespace

void* operator new(std::size_t size) {
  auto* header = static_cast<Header*>(std::malloc(size + sizeof(Header)));
  if (header == nullptr) throw std::bad_alloc();
  header->magic = kMagic;
  ++live;
  return header + 1;
}

void operator delete(void* block) noexcept {
  if (block == nullptr) return;
  auto* header = static_cast<Header*>(block) - 1;
  expect(header->magic == kMagic, "delete of a block that the replaced operator new has not given");
  header->magic = 0;
  --live;
  std::free(header);
}

int main() {
  const long before = live;
  delete[] kept(new int[10]);
  delete kept(new int);
  delete[] kept(new HasDestructor[40]);
  ::operator delete(kept(::operator new(100)), std::size_t{100});
  ::operator delete[](kept(::operator new[](100)), std::size_t{100});
  ::operator delete(kept(::operator new(100, std::nothrow)), std::nothrow);
  ::operator delete[](kept(::operator new[](100, std::nothrow)), std::nothrow);
  expect(live == before, "not every block has come back");

  char* array = kept(new char[40]);
  expect(live == before + 1, "new[] has not called the replaced operator new");
  delete[] array;
  volatile std::size_t huge = std::size_t{1} << 60;
  expect(::operator new[](huge, std::nothrow) == nullptr, "nothrow new[] of 2^60 bytes gives a block");

  // Aligned forms have a default of their own.
  delete kept(new Aligned);
  delete[] kept(new Aligned[3]);
  expect(live == before, "an aligned form has called a plain one");

  auto text = std::make_shared<std::string>(100, 'x');
  expect(kept(text.get())->size() == 100, "a string is lost");
}
