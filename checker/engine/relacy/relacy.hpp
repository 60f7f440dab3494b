#pragma once
/// The engine underneath, with what it records.

#include "core/where.hpp"
#include "engine/relacy/patched.hpp"
#include "engine/relacy/recorder.hpp"

namespace check {

/// A place in the engine's own words.
inline rl::debug_info info_of(const Where& where) { return {where.function, where.file, where.line}; }

}  // namespace check
