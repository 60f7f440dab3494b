#pragma once
/// What keeps a bug of the museum out of what ships: a test, named by the exhibit and run with it.

#include <string>

namespace hakmem::model {

enum class GuardTest { kNone, kPassed, kFailed, kNotBuilt, kLeftOut };

/// In words, such as "guard passes".
const char* name_of(GuardTest guard);

/// Runs a guard. One that names no test counts as failed.
/// \param guard "unit_heap Filter" for a unit test; of the whole library under LD_PRELOAD "preloaded edges NAME" or
///   "preloaded conformance REGEX"; or nothing
/// \param folder of the built tests, beside which the library is; empty: the guard is left out
GuardTest run_guard(const std::string& guard, const std::string& folder);

}  // namespace hakmem::model
