#include "api/options.hpp"

#include <atomic>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "api/crash_log.hpp"
#include "api/process_heap.hpp"

namespace hakmem {

namespace {

struct Description {
  const char* name;
  std::int64_t normal;  ///< the default
  std::int64_t least;
  std::int64_t most;
};

constexpr std::int64_t kManyBytes = std::int64_t{1} << 40;
constexpr auto kCachedSuperSlabBytes =
    static_cast<std::int64_t>(FullGeometry::kCachedSuperSlabs * kSuperSlabBytes<FullGeometry>);

/// In the order of Option.
constexpr Description kOptions[] = {
    {"HAKMEM_CACHE_TINY", 1, 0, 1},
    {"HAKMEM_CACHE_MID", 1, 0, 1},
    {"HAKMEM_CACHE_LARGE", 1, 0, 1},
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
};
static_assert(sizeof kOptions / sizeof *kOptions == static_cast<std::size_t>(Option::kCount));

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
    case Option::kStats:
    case Option::kCount: return;
  }
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
  bool negative = false;
  if (*text == '-') {
    negative = true;
    ++text;
  }
  if (*text == '\0') return OptionResult::kNotANumber;
  std::int64_t number = 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return OptionResult::kNotANumber;
    if (number > kManyBytes) return OptionResult::kOutOfRange;
    number = number * 10 + (*text - '0');
  }
  value = negative ? -number : number;
  return value < option.least || value > option.most ? OptionResult::kOutOfRange : OptionResult::kSet;
}

/// A path or 1 switches the log on, 0 off.
OptionResult set_crash_log(const char* path, std::int64_t& value) noexcept {
  if (*path == '\0') return OptionResult::kNotANumber;
  value = std::strcmp(path, "0") == 0 ? 0 : 1;
  return hakmem::set_crash_log(path) ? OptionResult::kSet : OptionResult::kCannotBeWritten;
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
  if (option.least < 0) line << "-";
  line << static_cast<std::size_t>(option.least < 0 ? -option.least : option.least) << " to "
       << static_cast<std::size_t>(option.most);
  if (which == Option::kStats) line << ", text or json";
  if (which == Option::kCrashLog) line << " or the path of a file";
  line << "; the default " << static_cast<std::size_t>(option.normal) << " is used";
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
    const char* text = std::getenv(kOptions[i].name);
    if (text == nullptr) continue;
    const auto which = static_cast<Option>(i);
    if (const OptionResult result = set(which, text); result != OptionResult::kSet) warn(which, text, result);
  }
}

}  // namespace hakmem
