/// A static program in C++ that knows nothing of new-handlers, and has no dynamic linker or parts of one (what HAS names):
/// nothrow forms give null.

#include <dlfcn.h>

#include <cstdio>
#include <new>

namespace {

#ifdef HAS
void* const volatile linked[] = {HAS};
#else
void* const volatile linked[] = {nullptr};
#endif
volatile std::size_t huge = std::size_t{1} << 56;

struct alignas(64) Aligned {
  char bytes[64];
};

int problem(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

}  // namespace

int main() {
  (void)linked[0];
  if (new (std::nothrow) char[huge] != nullptr) return problem("2^56 bytes are given");
  if (new (std::nothrow) Aligned[huge / 64] != nullptr) return problem("2^56 aligned bytes are given");
  delete[] new (std::nothrow) char[100];
  delete[] new (std::nothrow) Aligned[10];
  return 0;
}
