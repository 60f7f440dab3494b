#include "api/options.hpp"

#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "api/crash_log.hpp"
#include "api/learning.hpp"
#include "api/process_heap.hpp"
#include "api/statistics.hpp"
#include "learner/control_law.hpp"

namespace hakmem {

namespace {

enum class Kind : std::uint8_t {
  kNumber,
  kFraction,  ///< at most three decimals, kept in thousandths
  kList,      ///< fractions; the option's value is how many
};

struct Description {
  const char* name;
  std::int64_t normal;  ///< the default
  std::int64_t least;
  std::int64_t most;
  Kind kind = Kind::kNumber;
};

constexpr std::int64_t kManyBytes = std::int64_t{1} << 40;
constexpr auto kCachedSuperSlabBytes =
    static_cast<std::int64_t>(FullGeometry::kCachedSuperSlabs * kSuperSlabBytes<FullGeometry>);

/// A heap without thread caches has nothing to switch on.
constexpr std::int64_t kThreadCaches = kCachesByThread<ProcessHeap::Geometry> ? 1 : 0;

/// In the order of Option.
constexpr Description kOptions[] = {
    {"HAKMEM_CACHE_TINY", kThreadCaches, 0, kThreadCaches},
    {"HAKMEM_CACHE_MID", kThreadCaches, 0, kThreadCaches},
    {"HAKMEM_CACHE_LARGE", kThreadCaches, 0, kThreadCaches},
    {"HAKMEM_CACHE_WHALE", 1, 0, 1},
    {"HAKMEM_TINY_REFILL", FullGeometry::kRefillBlocks, 16, 128},
    {"HAKMEM_POOL_REFILL_BATCH", FullGeometry::kRefillBatch, 1, 4},
    {"HAKMEM_TINY_DRAIN_INTERVAL", FullGeometry::kOutboxInterval, 64, 65536},
    {"HAKMEM_SS_LRU_MAX", kCachedSuperSlabBytes, 0, kManyBytes},
    {"HAKMEM_WHALE_MAX", static_cast<std::int64_t>(FullGeometry::kWhaleBytes), 0, kManyBytes},
    {"HAKMEM_PURGE_DELAY_MS", FullGeometry::kPurgeDelayMs, -1, 3'600'000},
    {"HAKMEM_STATS", 0, 0, 2},
    {"HAKMEM_SS_ACQUIRE_DEBUG", 0, 0, 1},
    {"HAKMEM_SS_FREE_DEBUG", 0, 0, 1},
    {"HAKMEM_SS_LRU_DEBUG", 0, 0, 1},
    {"HAKMEM_TINY_SLL_DRAIN_DEBUG", 0, 0, 1},
    {"HAKMEM_CRASH_LOG", 0, 0, 1},
    {"HAKMEM_LEARN", 0, 0, 1},
    {"HAKMEM_LEARN_WINDOW_MS", 1000, 500, 5000},
    {"HAKMEM_LEARN_MIN_SAMPLES", 256, 64, 1024},
    {"HAKMEM_TARGET_HIT_MID", 650, 500, 900, Kind::kFraction},
    {"HAKMEM_CAP_STEP_MID", 4, 1, 16},
    {"HAKMEM_CAP_MIN_MID", 8, 4, 64},
    {"HAKMEM_CAP_MAX_MID", 2048, 128, 4096},
    {"HAKMEM_CAP_DWELL_SEC_MID", 3, 1, 10},
    {"HAKMEM_WMAX_LEARN", 0, 0, 1},
    {"HAKMEM_WMAX_CANARY", 1, 0, 1},
    {"HAKMEM_WMAX_CANDIDATES_MID", 4, 1, WasteSettings::kMaxCandidates, Kind::kList},
    {"HAKMEM_WMAX_TRIAL_SEC", 5, 3, 15},
    {"HAKMEM_WMAX_ADOPT_PCT", 10, 5, 50, Kind::kFraction},
};
static_assert(sizeof kOptions / sizeof *kOptions == static_cast<std::size_t>(Option::kCount));

/// Bounds of a candidate of W_MAX, and the candidates in effect, in thousandths.
constexpr std::int64_t kLeastWaste = 1000, kMostWaste = 16000;
std::atomic<std::uint32_t> waste_candidates[WasteSettings::kMaxCandidates]{1400, 1500, 1600, 1700};

/// What differs from the default.
std::atomic<std::int64_t> changes[static_cast<std::size_t>(Option::kCount)];

void apply(Option which, std::int64_t value) noexcept {
  auto& settings = process_heap.settings();
  auto& whales = process_heap.direct().whales();
  switch (which) {
    case Option::kCacheSmall: return settings.set_caches(PoolKind::kSmall, value != 0);
    case Option::kCacheMid: return settings.set_caches(PoolKind::kMid, value != 0);
    case Option::kCacheLarge: return settings.set_caches(PoolKind::kLarge, value != 0);
    case Option::kCacheWhale:
    case Option::kWhaleMax:
      whales.set_max_bytes(option(Option::kCacheWhale) != 0 ? static_cast<std::size_t>(option(Option::kWhaleMax)) : 0);
      return;
    case Option::kRefill: return settings.set_refill_blocks(static_cast<std::uint32_t>(value));
    case Option::kRefillBatch: return settings.set_refill_batch(static_cast<std::uint32_t>(value));
    case Option::kDrainInterval: return settings.set_drain_interval(static_cast<std::uint32_t>(value));
    case Option::kSuperSlabsMax: return process_heap.pool().set_cached_bytes(static_cast<std::size_t>(value));
    case Option::kPurgeDelay:
      whales.set_purge_delay(value);
      process_heap.pool().set_purge_delay(value);
      return;
    case Option::kAcquireDebug: return ProcessOs::listen(EventLog::kAcquire, value != 0);
    case Option::kFreeDebug: return ProcessOs::listen(EventLog::kFree, value != 0);
    case Option::kLruDebug: return ProcessOs::listen(EventLog::kLru, value != 0);
    case Option::kDrainDebug: return ProcessOs::listen(EventLog::kDrain, value != 0);
    case Option::kCrashLog:
    case Option::kCount: return;
    case Option::kStats:
      if (static_cast<StatsAtExit>(value) != StatsAtExit::kNo) keep_statistics_descriptor();
      return;
    default: return learning_options_changed();
  }
}

/// Reads digits. \param end where they end, which is not where they begin
OptionResult parse_number(const char* text, const char*& end, std::int64_t& value) noexcept {
  const bool negative = *text == '-';
  if (negative) ++text;
  std::int64_t number = 0;
  for (end = text; *end >= '0' && *end <= '9'; ++end) {
    if (number > kManyBytes) return OptionResult::kOutOfRange;
    number = number * 10 + (*end - '0');
  }
  value = negative ? -number : number;
  return end == text ? OptionResult::kNotANumber : OptionResult::kSet;
}

/// Reads a fraction of at most three decimals, in thousandths.
OptionResult parse_fraction(const char* text, const char*& end, std::int64_t& value) noexcept {
  if (*text == '-') return OptionResult::kOutOfRange;
  const OptionResult result = parse_number(text, end, value);
  if (result != OptionResult::kSet) return result;
  if (value > kMostWaste) return OptionResult::kOutOfRange;
  value *= kThousandths;
  if (*end != '.') return result;
  std::int64_t unit = kThousandths / 10;
  for (++end; *end >= '0' && *end <= '9' && unit != 0; ++end, unit /= 10) value += (*end - '0') * unit;
  return result;
}

/// Reads fractions with commas between them, and keeps them when all are right.
OptionResult parse_candidates(const char* text, std::int64_t& count) noexcept {
  std::uint32_t values[WasteSettings::kMaxCandidates];
  for (count = 0;; ++text) {
    std::int64_t value = 0;
    const char* end = text;
    if (const OptionResult result = parse_fraction(text, end, value); result != OptionResult::kSet) return result;
    if (*end != ',' && *end != '\0') return OptionResult::kNotANumber;
    if (value < kLeastWaste || value > kMostWaste || count == WasteSettings::kMaxCandidates) {
      return OptionResult::kOutOfRange;
    }
    values[count++] = static_cast<std::uint32_t>(value);
    text = end;
    if (*text == '\0') break;
  }
  for (std::int64_t i = 0; i < count; ++i) {
    // Relaxed: an option orders nothing.
    waste_candidates[i].store(values[i], std::memory_order_relaxed);
  }
  return OptionResult::kSet;
}

/// Reads a whole number; for HAKMEM_STATS also the words text and json.
OptionResult parse(Option which, const char* text, std::int64_t& value) noexcept {
  const Description& option = kOptions[static_cast<std::size_t>(which)];
  if (which == Option::kStats && std::strcmp(text, "text") == 0) {
    value = static_cast<std::int64_t>(StatsAtExit::kText);
    return OptionResult::kSet;
  }
  if (which == Option::kStats && std::strcmp(text, "json") == 0) {
    value = static_cast<std::int64_t>(StatsAtExit::kJson);
    return OptionResult::kSet;
  }
  if (option.kind == Kind::kList) return parse_candidates(text, value);
  const char* end = text;
  const OptionResult result =
      option.kind == Kind::kFraction ? parse_fraction(text, end, value) : parse_number(text, end, value);
  if (result != OptionResult::kSet) return result;
  if (*end != '\0') return OptionResult::kNotANumber;
  return value < option.least || value > option.most ? OptionResult::kOutOfRange : OptionResult::kSet;
}

/// A path or 1 switches the log on, 0 off.
OptionResult set_crash_log(const char* path, std::int64_t& value) noexcept {
  if (*path == '\0') return OptionResult::kNotANumber;
  value = std::strcmp(path, "0") == 0 ? 0 : 1;
  return hakmem::set_crash_log(path) ? OptionResult::kSet : OptionResult::kCannotBeWritten;
}

void add_value(linux_detail::Line& line, const Description& option, std::int64_t value) noexcept {
  if (value < 0) line << "-";
  const auto size = static_cast<std::size_t>(value < 0 ? -value : value);
  if (option.kind != Kind::kFraction) {
    line << size;
    return;
  }
  constexpr std::size_t kOne = kThousandths;
  line << size / kOne << ".";
  for (std::size_t rest = size % kOne, unit = kOne / 10; unit != 0 && (rest != 0 || unit == kOne / 10); unit /= 10) {
    line << rest / unit;
    rest %= unit;
  }
}

void warn(Option which, const char* text, OptionResult result) noexcept {
  const Description& option = kOptions[static_cast<std::size_t>(which)];
  linux_detail::Line line;
  line << "hakmem: " << option.name << "=" << text;
  if (result == OptionResult::kCannotBeWritten) {
    line << " cannot be opened for writing; give 0, 1 for standard error, or the path of a file; there is no crash log";
    return line.print();
  }
  line << (result == OptionResult::kNotANumber ? " is not a number" : " is out of range") << "; give ";
  if (option.kind == Kind::kList) {
    line << "1 to 8 numbers of 1 to 16 with commas between them; the default 1.4,1.5,1.6,1.7 is used";
    return line.print();
  }
  add_value(line, option, option.least);
  line << " to ";
  add_value(line, option, option.most);
  if (which == Option::kStats) line << ", text or json";
  if (which == Option::kCrashLog) line << " or the path of a file";
  line << "; the default ";
  add_value(line, option, option.normal);
  line << " is used";
  line.print();
}

OptionResult set(Option which, const char* text) noexcept {
  std::int64_t value = 0;
  const OptionResult result = which == Option::kCrashLog ? set_crash_log(text, value) : parse(which, text, value);
  if (result != OptionResult::kSet) return result;
  const auto index = static_cast<std::size_t>(which);
  // Relaxed: an option orders nothing.
  changes[index].store(value - kOptions[index].normal, std::memory_order_relaxed);
  apply(which, value);
  return result;
}

}  // namespace

std::int64_t option(Option which) noexcept {
  const auto index = static_cast<std::size_t>(which);
  // Relaxed: an option orders nothing.
  return kOptions[index].normal + changes[index].load(std::memory_order_relaxed);
}

std::uint32_t waste_candidate(unsigned index) noexcept {
  // Relaxed: an option orders nothing.
  return waste_candidates[index].load(std::memory_order_relaxed);
}

Option find_option(const char* name) noexcept {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Option::kCount); ++i) {
    if (std::strcmp(kOptions[i].name, name) == 0) return static_cast<Option>(i);
  }
  return Option::kCount;
}

OptionResult set_option(const char* name, const char* value) noexcept {
  const Option which = find_option(name);
  return which == Option::kCount ? OptionResult::kUnknown : set(which, value);
}

void read_options_from_environment() noexcept {
  for (std::size_t i = 0; i < static_cast<std::size_t>(Option::kCount); ++i) {
    // Not in a program that has more rights than who has started it: that could make it write to files.
    const char* text = ::secure_getenv(kOptions[i].name);
    if (text == nullptr) continue;
    const auto which = static_cast<Option>(i);
    if (const OptionResult result = set(which, text); result != OptionResult::kSet) warn(which, text, result);
  }
}

}  // namespace hakmem
