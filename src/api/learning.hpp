#pragma once
/// Floor 7. The learner of the process's heap: its thread, which exists only while HAKMEM_LEARN is 1.

#include <cstdint>

#include "learner/learner.hpp"

namespace hakmem {

/// What the learner has done since the process began.
struct LearningFigures {
  std::uint64_t windows;
  std::uint64_t cap_moves;
  std::uint64_t adoptions;
  std::uint64_t reverts;
};

#pragma GCC visibility push(hidden)

/// From here on the learner's thread exists when HAKMEM_LEARN is 1. Called once, when the C library is ready.
void allow_learning() noexcept;

/// An option of the learner has changed: its thread starts, goes within a window, or begins anew with the caps that are
/// in force. Any thread. A thread that the system refuses is one line on standard error.
void learning_options_changed() noexcept;

/// What a learner that begins now would be made with. Any thread.
[[nodiscard]] LearnerSettings settings_of_options() noexcept;

/// Any thread.
[[nodiscard]] LearningFigures learning_figures() noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
