#pragma once
/// A failed execution as a picture: a lane for each thread, time downwards, and what is missing.

#include <string>

namespace hakmem::model {

/// An SVG document of a trace as replays print it. A line is a step on shared memory, with decoded values and its place
/// in the source; arrows go from the write of a value to the read by another thread, and are solid where they
/// synchronise. Of a data race the pair that nothing orders is marked, with the edge that would have ordered it.
/// \param trace the steps, one per line. \param problem what the execution has shown, "DATA RACE (...)".
/// \param title what is shown, such as the suite's name.
std::string picture_of(const std::string& trace, const std::string& problem, const std::string& title);

}  // namespace hakmem::model
