#pragma once
/// Programs on the command line: `run --program`, and the replay of what it has found.

#include <string>
#include <vector>

#include "model/programs/heap_program.hpp"
#include "model/runner/job.hpp"

namespace hakmem::model {

/// The program that an argument names: a text, "@FILE" with a text in it, or "seed:N" for the one that a stress run
/// with this seed has run. \param problem why there is none
programs::HeapProgram program_from(const std::string& argument, std::string& problem);

/// Searches until one fails; what fails is made smaller until nothing can be left out.
Job job_for(const programs::HeapProgram& program, const std::vector<Search>& searches, std::uint64_t seed);

/// The searches of a program, unless others are asked for.
std::vector<Search> program_searches();

/// Whether the first part of a replay token names a program.
bool is_program_name(const std::string& name);
/// Replays an execution of the program that the token's first part names.
Replayed replay_program(const std::string& name, const Strategy& strategy, const std::string& choices);

}  // namespace hakmem::model
