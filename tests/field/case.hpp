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

/// Fills a block, so that what is left of it later is seen.
void soil(void* block, std::size_t bytes);
/// \return bytes of a block that are not zero
[[nodiscard]] std::size_t dirty(const void* block, std::size_t bytes);
/// KiB that the kernel tells under a name such as VmRSS.
[[nodiscard]] std::size_t kib_of(const char* name);

struct Case {
  const char* name;
  const char* what;
  void (*run)();
};

// refusals.cpp
void zero_after_lock();
void zero_where_all_is_locked();
void zero_where_advice_is_refused();
void resize_where_moves_are_refused();
void resize_of_advised_memory();

// limits.cpp
void address_space_is_limited();
void data_is_limited();
void little_address_space_and_a_thread();
void all_memory_is_locked();
void many_mappings();
void untouched_zeroes();
void stands_with_100_mib();

void small_pages_for_few_blocks();

// misuse.cpp
void freed_twice_with_others_between();
void freed_but_never_allocated();

// jemalloc.cpp
void blocks_of_jemalloc();
void questions_of_jemalloc();

// names.cpp
void names_of_the_c_library();
void figures_of_mallinfo();
void parameters_of_mallopt();
void whole_pages();
void cancelled_in_statistics();
void alignments_that_cannot_be_had();
void zeroes_to_the_usable_size();
void descriptors_of_a_daemon();

}  // namespace hakmem::field
