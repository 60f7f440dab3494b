#pragma once
/// Floor 7. Options: from the environment once, before the heap is used, and by hak_option_set at any time.

#include <cstdint>

#include "api/option_table.hpp"

namespace hakmem {

/// What fractions are counted in.
inline constexpr std::int64_t kThousandths = 1000;

/// How statistics are printed when the process ends: HAKMEM_STATS.
enum class StatsAtExit : std::int64_t { kNo, kText, kJson };

/// What can become of an attempt to set an option.
enum class OptionResult : std::uint8_t { kSet, kUnknown, kNotANumber, kNotAWord, kOutOfRange, kCannotBeWritten };

#pragma GCC visibility push(hidden)

/// Applies what the environment says. A bad value is named in one line on standard error, and the default stays.
/// Called once, by the thread that sets the heap up.
void read_options_from_environment() noexcept;

/// Sets an option by its name in the environment, or a former one. Any thread.
OptionResult set_option(const char* name, const char* value) noexcept;

/// The value of an option in effect, by its name or a former one. Any thread.
/// \return false when there is none; `value` stays as it is then
bool read_option(const char* name, std::int64_t& value) noexcept;

/// The value of an option in effect: of a fraction its thousandths, of a list its length, of words a bit for each. Any
/// thread.
[[nodiscard]] std::int64_t option(Option which) noexcept;

/// A candidate of W_MAX in thousandths. \param index below the length of HAKMEM_WASTE_CANDIDATES_MID
[[nodiscard]] std::uint32_t waste_candidate(unsigned index) noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
