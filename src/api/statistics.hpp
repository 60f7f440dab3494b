#pragma once
/// Floor 7. What the process's heap has done so far.

#include "hakmem/hakmem.h"

namespace hakmem {

#pragma GCC visibility push(hidden)

/// Any thread; exact when no other thread allocates.
[[nodiscard]] hak_statistics statistics() noexcept;

/// Statistics are asked for at the end of the process: keeps a way to standard error, which many programs close before.
/// Any thread; the first call counts.
void keep_statistics_descriptor() noexcept;

/// Writes them to a file descriptor, as one line of JSON or as text, without allocating.
/// \return false when a write fails; errno says why.
bool print_statistics(int file_descriptor, bool as_json) noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
