// Faults for the tools that watch a whole process: one for each argument. Without a fault the program is clean.

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

// Values and pointers that the compiler cannot see through, so that it neither warns of a fault nor removes it.
volatile int one = 1;
int* volatile hidden = nullptr;
int shared_by_threads = 0;

int* block() {
  hidden = static_cast<int*>(std::malloc(4 * sizeof(int)));
  return hidden;
}

struct Fault {
  const char* name;
  void (*commit)();
};

const Fault kFaults[] = {
    {"none",
     [] {
       int* p = block();
       p[0] = one;
       std::printf("%d\n", hidden[0]);
       std::free(hidden);
       hidden = nullptr;
     }},
    {"signed-overflow", [] { std::printf("%d\n", INT_MAX - 1 + 2 * one); }},
    {"shift-too-far", [] { std::printf("%d\n", one << (32 * one)); }},
    {"index-out-of-bounds",
     [] {
       int values[4] = {0, 1, 2, 3};
       std::printf("%d\n", values[4 * one]);
     }},
    {"misaligned",
     [] {
       auto* bytes = reinterpret_cast<char*>(block());
       std::memset(bytes, 0, 4 * sizeof(int));
       hidden = reinterpret_cast<int*>(bytes + one);
       std::printf("%d\n", *hidden);
       std::free(bytes);
     }},
    {"division-by-zero", [] { std::printf("%d\n", one / (one - 1)); }},
    {"overflow",
     [] {
       block();
       hidden[4 * one] = 1;
       std::free(hidden);
     }},
    {"use-after-free",
     [] {
       std::free(block());
       std::printf("%d\n", hidden[0]);
     }},
    {"double-free",
     [] {
       std::free(block());
       std::free(hidden);
     }},
    {"leak",
     [] {
       block();
       hidden = nullptr;
     }},
    {"uninitialised",
     [] {
       block();
       if (hidden[one] == 42) std::puts("by chance");
       std::free(hidden);
     }},
    {"race",
     [] {
       std::thread other([] { shared_by_threads += one; });
       shared_by_threads += one;
       other.join();
       std::printf("%d\n", shared_by_threads);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Fault& fault : kFaults) {
    if (argc != 2 || std::strcmp(fault.name, argv[1]) != 0) continue;
    fault.commit();
    return 0;
  }
  std::fprintf(stderr, "usage: planted FAULT\n");
  return 2;
}
