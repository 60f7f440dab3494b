#pragma once
/// A trace as a picture: a lane for each thread, its steps with their sites, arrows where one thread's write has become
/// visible to another, and the edge that is missing.

#include <string>

#include "core/event.hpp"
#include "trace/text.hpp"

namespace check {

/// \param title shown above, and to readers of the file who do not see it
std::string svg_of(const Trace& trace, const std::string& title, const Style& style = {});

/// "5 atomic load acquire #4000 value=1": the operation, its order and its object first, so that what does not fit is cut
/// off at the end.
std::string label_of(const Event& event, const Style& style);

}  // namespace check
