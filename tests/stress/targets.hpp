#pragma once
/// The allocators that the program knows.

#include <memory>
#include <string>

#include "allocator.hpp"
#include "options.hpp"

namespace hakmem::stress {

/// \throws Failure when there is no memory, or when the build does not have the target.
[[nodiscard]] std::unique_ptr<Allocator> make_target(Target target, Fault fault);

/// What follows a scenario's name in reports; empty for the full geometry, which is what ships.
[[nodiscard]] std::string suffix_of(Target target);

}  // namespace hakmem::stress
