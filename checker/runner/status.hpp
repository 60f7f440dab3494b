#pragma once
/// The three verdicts, alike for one row and for a whole run. A verdict is about the code: what the machine did not
/// allow is incomplete, and never a failure.

#include <cstdint>
#include <cstdio>

namespace check {

enum class Status : std::uint8_t {
  kPass,
  kFail,        ///< a fault is shown
  kIncomplete,  ///< cut off, interrupted, missing
};

constexpr int kWrongCall = 2;  ///< exit code when nothing was judged, as the call was wrong

/// In a row of a report.
constexpr const char* name_of(Status status) noexcept {
  return status == Status::kPass ? "pass" : status == Status::kFail ? "fail" : "incomplete";
}

/// Of a whole run.
constexpr const char* word_of(Status status) noexcept {
  return status == Status::kPass ? "PASSED" : status == Status::kFail ? "FAILED" : "INCOMPLETE";
}

constexpr int exit_code_of(Status status) noexcept {
  return status == Status::kPass ? 0 : status == Status::kFail ? 1 : 3;
}

/// Of something that has been judged.
constexpr Status judged(bool holds) noexcept { return holds ? Status::kPass : Status::kFail; }

/// Of two together: a fault outweighs what is missing, and that outweighs what holds.
constexpr Status worse(Status one, Status other) noexcept {
  if (one == Status::kFail || other == Status::kFail) return Status::kFail;
  return one == Status::kPass ? other : one;
}

/// Prints the closing line "VERDICT: WORD: what". \return the exit code: that of kIncomplete also when the line, or
/// what was printed before it, cannot be written and all is well otherwise.
int say_verdict(Status status, const char* what, std::FILE* out = stdout);

}  // namespace check
