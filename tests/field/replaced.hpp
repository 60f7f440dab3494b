#pragma once
/// What programs that replace operator new and delete share: their blocks bear a mark, and are counted.

#include <cstdio>
#include <cstdlib>

namespace hakmem::field {

inline constexpr unsigned long kMagic = 0x1234567890abcdef;
inline long live = 0;  ///< blocks that the replaced operator new has given, and not got back

struct alignas(64) Aligned {
  char bytes[64];
};

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", what);
  std::_Exit(1);
}

/// What the optimiser may not see through.
template <class T>
T* kept(T* p) {
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}

}  // namespace hakmem::field
