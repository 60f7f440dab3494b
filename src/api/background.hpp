#pragma once
/// Floor 7. A thread that gives memory back while nobody allocates; it exists only while HAKMEM_BACKGROUND is 1.

namespace hakmem {

#pragma GCC visibility push(hidden)

/// From here on the thread exists when HAKMEM_BACKGROUND is 1. Called once, when the C library is ready.
void allow_background() noexcept;

/// HAKMEM_BACKGROUND has changed: the thread starts, or goes within two seconds. Any thread. A thread that the system
/// refuses is one line on standard error.
void background_option_changed() noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
