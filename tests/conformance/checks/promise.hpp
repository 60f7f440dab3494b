#pragma once
/// How a check is declared: one promise of one function, who makes it, and the clause that says so.
///
///     REQUIRED(Calloc, ZeroesEveryByte, "C17 7.22.3.2") { EXPECT_... }
///
/// A check is a GoogleTest test; each runs alone in a process of its own, with the malloc under test preloaded.

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace hakmem::conformance {

enum class Level {
  kRequired,  ///< a standard: C17, C23, POSIX, C++
  kGlibc,     ///< what glibc does or documents and programs have come to depend on
  kHakmem,    ///< what hakmem adds: misuse ends the process with a message
};

struct Promise {
  const char* subject;
  const char* behaviour;
  Level level;
  const char* clause;
  /// RLIMIT_AS that the process starts with, in MiB; 0 is none.
  std::size_t address_space_mib = 0;
  /// The function is newer than many systems: a malloc without it is not at fault.
  bool may_be_absent = false;
};

/// All promises in the order of their declaration.
std::vector<Promise>& promises();

/// \return true, so that a declaration can be a namespace-scope variable.
bool declare(const Promise& promise);

}  // namespace hakmem::conformance

#define CONFORMANCE_CHECK(subject_, behaviour_, level_, clause_, ...)                 \
  [[maybe_unused]] static const bool declared_##subject_##_##behaviour_ =             \
      ::hakmem::conformance::declare({.subject = #subject_,                           \
                                      .behaviour = #behaviour_,                       \
                                      .level = ::hakmem::conformance::Level::level_,  \
                                      .clause = clause_ __VA_OPT__(, ) __VA_ARGS__}); \
  TEST(subject_, behaviour_)

#define REQUIRED(subject, behaviour, ...) CONFORMANCE_CHECK(subject, behaviour, kRequired, __VA_ARGS__)
#define GLIBC(subject, behaviour, ...) CONFORMANCE_CHECK(subject, behaviour, kGlibc, __VA_ARGS__)
#define HAKMEM(subject, behaviour, ...) CONFORMANCE_CHECK(subject, behaviour, kHakmem, __VA_ARGS__)
