#pragma once
/// The options of the process's heap, its learner's thread, and children that are born while it works.

#include <memory>

#include "tuner.hpp"

namespace hakmem::stress {

[[nodiscard]] std::unique_ptr<Tuner> make_api_tuner();

}  // namespace hakmem::stress
