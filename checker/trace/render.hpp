#pragma once
/// A trace in the form that a file's name asks for.

#include <string>

#include "core/event.hpp"

namespace check {

using Renderer = std::string (*)(const Trace& trace, const std::string& title);

/// By the file's suffix: .svg, .dot or .json; null for any other.
Renderer renderer_for(const std::string& file);

}  // namespace check
