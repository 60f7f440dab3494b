#pragma once
/// A HeapProgram as a scenario of the checker.

#include <cstddef>

#include "model/check.hpp"
#include "model/programs/heap_program.hpp"

namespace hakmem::model {

/// The program of the next search: scenarios are built without arguments.
inline const programs::HeapProgram* program_under_test = nullptr;

/// Operations per execution before a program's run counts as a livelock.
inline constexpr unsigned kProgramDepth = 20'000;

/// The scenario's type for a program of two to four threads, over the heap that ships. Null in a checker that is built
/// without that scenario.
inline ScenarioType (*program_scenario)(const programs::HeapProgram& program) = nullptr;

}  // namespace hakmem::model
