#pragma once
/// What programs in the field do to a malloc, one case each. They use the C library's names alone, so that any malloc can be
/// put under them by LD_PRELOAD.

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace hakmem::field {

/// Ends the process with exit code 1 and one line unless a condition holds.
[[gnu::format(printf, 2, 3)]] void expect(bool holds, const char* format, ...);
/// Ends the process with exit code 3: here the case can show nothing.
[[noreturn]] void skip(const char* why);

struct Case {
  const char* name;
  const char* what;
  void (*run)();
};

// names.cpp
void names_of_the_c_library();
void figures_of_mallinfo();
void parameters_of_mallopt();
void cancelled_in_statistics();
void alignments_that_cannot_be_had();
void descriptors_of_a_daemon();

}  // namespace hakmem::field
