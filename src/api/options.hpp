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
  kLearn,
  kLearnWindow,
  kLearnMinSamples,
  kTargetHit,
  kCapStep,
  kCapMin,
  kCapMax,
  kCapDwell,
  kWasteLearn,
  kWasteCanary,
  kWasteCandidates,
  kWasteTrial,
  kWasteAdopt,
  kCount,
};

/// What fractions are counted in.
inline constexpr std::int64_t kThousandths = 1000;

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

/// The value of an option in effect: of a fraction its thousandths, of a list its length. Any thread.
[[nodiscard]] std::int64_t option(Option which) noexcept;

/// A candidate of W_MAX in thousandths. \param index below the length of HAKMEM_WMAX_CANDIDATES_MID
[[nodiscard]] std::uint32_t waste_candidate(unsigned index) noexcept;

/// Finds an option by its name. \return Option::kCount when there is none.
[[nodiscard]] Option find_option(const char* name) noexcept;

#pragma GCC visibility pop

}  // namespace hakmem
