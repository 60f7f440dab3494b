/// What a library in C++ does when memory runs out, in a program in C: exceptions, the new-handler, nothrow forms.

#include <cstdio>
#include <new>
#include <vector>

namespace {

int calls;
void handler() {
  if (++calls == 2) std::set_new_handler(nullptr);
}

struct alignas(64) Aligned {
  char bytes[64];
};

bool throws(void (*allocate)()) {
  try {
    allocate();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

int problem(const char* what) {
  std::fprintf(stderr, "%s\n", what);
  return 1;
}

volatile std::size_t huge = std::size_t{1} << 56;
void* volatile sink;

}  // namespace

extern "C" int work() {
  if (!throws([] { std::vector<char>().reserve(huge); })) return problem("no exception");
  if (!throws([] { sink = new Aligned[huge / 64]; })) return problem("no exception for an aligned type");
  std::set_new_handler(handler);
  if (!throws([] { sink = new char[huge]; }) || calls != 2) return problem("the handler is not called twice");
  calls = 0;
  std::set_new_handler(handler);
  if (new (std::nothrow) char[huge] != nullptr || calls != 2)
    return problem("nothrow: the handler is not called twice");
  calls = 0;
  std::set_new_handler(handler);
  if (new (std::nothrow) Aligned[huge / 64] != nullptr || calls != 2)
    return problem("nothrow and aligned: the handler is not called twice");
  return 0;
}
