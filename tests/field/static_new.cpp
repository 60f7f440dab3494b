/// A static program in C++ that throws nothing itself: of the runtime it has little, and nobody to ask for more.

#include <cstdio>
#include <new>

namespace {

int calls;
void handler() {
  if (++calls == 2) std::set_new_handler(nullptr);
}

int problem(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

volatile std::size_t huge = std::size_t{1} << 56;

}  // namespace

int main() {
  if (new (std::nothrow) char[huge] != nullptr) return problem("2^56 bytes are given");
  std::set_new_handler(handler);
  if (new (std::nothrow) char[huge] != nullptr || calls != 2) return problem("the handler is not called twice");
  delete[] new (std::nothrow) char[100];
  return 0;
}
