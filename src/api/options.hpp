#pragma once
/// Floor 7. Options: from the environment once, before the heap is used, and by hak_option_set at any time.

#include <cstdint>

namespace hakmem {

/// All options, in the order of the table in options.cpp.
enum class Option : std::uint8_t {
  kCacheSmall,
  kCacheMid,
  kCacheLarge,
  kCacheWhale,
  kRefill,
  kRefillBatch,
  kDrainInterval,
  kSuperSlabsMax,
  kWhaleMax,
  kPurgeDelay,
  kStats,
  kAcquireDebug,
  kFreeDebug,
  kLruDebug,
  kDrainDebug,
  kCrashLog,
  kCount,
};

/// How statistics are printed when the process ends.
enum class StatsAtExit : std::int64_t { kNo, kText, kJson };

/// What can become of an attempt to set an option.
enum class OptionResult : std::uint8_t { kSet, kUnknown, kNotANumber, kOutOfRange, kCannotBeWritten };

#pragma GCC visibility push(hidden)

/// Applies what the environment says. A bad value is named in one line on standard error, and the default stays.
/// Called once, by the thread that sets the heap up.
void read_options_from_environment() noexcept;

/// Sets an option by its name in the environment. Any thread.
OptionResult set_option(const char* name, const char* value) noexcept;

/// The value of an option in effect. Any thread.
[[nodiscard]] std::int64_t option(Option which) noexcept;

/// Finds an option by its name. \return Option::kCount when there is none.
[[nodiscard]] Option find_option(const char* name) noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
