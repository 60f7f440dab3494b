/// A program that replaces operator new and delete of aligned types alone: all other forms for them must end up in these two
/// ([new.delete.single], [new.delete.array]), and the plain forms must not.

#include <cstdlib>
#include <new>

#include "replaced.hpp"

using hakmem::field::Aligned, hakmem::field::expect, hakmem::field::kept, hakmem::field::kMagic, hakmem::field::live;

namespace {

constexpr std::align_val_t kAlignment{64};

struct alignas(64) Header {
  unsigned long magic;
};

/// \return p, the only live block that the replaced operator new has given
template <class T>
T* counted(T* p) {
  expect(live == 1, "the replaced operator new has not been called");
  return kept(p);
}

}  // namespace

void* operator new(std::size_t size, std::align_val_t) {
  const std::size_t whole = (size + 2 * sizeof(Header) - 1) / sizeof(Header) * sizeof(Header);
  auto* header = static_cast<Header*>(std::aligned_alloc(alignof(Header), whole));
  if (header == nullptr) throw std::bad_alloc();
  header->magic = kMagic;
  ++live;
  return header + 1;
}

void operator delete(void* block, std::align_val_t) noexcept {
  if (block == nullptr) return;
  auto* header = static_cast<Header*>(block) - 1;
  expect(header->magic == kMagic, "delete of a block that the replaced operator new has not given");
  header->magic = 0;
  --live;
  std::free(header);
}

int main() {
  delete counted(new Aligned);
  delete[] counted(new Aligned[3]);
  ::operator delete(counted(::operator new(100, kAlignment)), std::size_t{100}, kAlignment);
  ::operator delete[](counted(::operator new[](100, kAlignment)), std::size_t{100}, kAlignment);
  ::operator delete(counted(::operator new(100, kAlignment, std::nothrow)), kAlignment, std::nothrow);
  ::operator delete[](counted(::operator new[](100, kAlignment, std::nothrow)), kAlignment, std::nothrow);
  expect(live == 0, "not every block has come back");
  volatile std::size_t huge = std::size_t{1} << 60;
  expect(::operator new[](huge, kAlignment, std::nothrow) == nullptr, "nothrow new[] of 2^60 bytes gives a block");
  delete[] new char[40];
  delete new int;
}
