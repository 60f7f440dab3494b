#pragma once
/// A trace as JSON, of the form that trace.schema.json describes: how it passes between processes, and to other programs.

#include <nlohmann/json.hpp>
#include <string>

#include "core/event.hpp"

namespace check {

/// Of the form. A reader refuses any other.
inline constexpr unsigned kTraceVersion = 1;

/// {"version": 1, "events": [...]}. Members that an event does not have are left out.
nlohmann::json json_of(const Trace& trace);

/// The same with what is computed from it: title, what the values of words mean, the edges between threads, the sentence
/// about the missing edge and its ends.
nlohmann::json json_with_explanation(const Trace& trace, const std::string& title);

/// What is computed is not looked at.
/// \throws nlohmann::json::exception when it is no trace of this version, or one that contradicts itself
Trace trace_from_json(const nlohmann::json& json);

}  // namespace check
