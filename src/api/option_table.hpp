#pragma once
/// Floor 7. The one table of options: what an option is called, what it may be and what it is for stands here and nowhere
/// else. Parser, warnings, hak_option_describe, the tests' tables, docs/reference and README's table come from it. A new
/// option is a row here, and the place that reads it or, in apply(), passes it on.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/process_config.hpp"
#include "hakmem/hakmem.h"
#include "learner/control_law.hpp"

namespace hakmem {

/// The digits of a number, for the text of a default that is a constant of the code.
template <std::int64_t kNumber>
struct Digits {
  char text[24]{};

  consteval Digits() {
    std::size_t length = 1;
    for (std::int64_t rest = kNumber / 10; rest != 0; rest /= 10) ++length;
    for (std::int64_t rest = kNumber; length != 0; rest /= 10) text[--length] = static_cast<char>('0' + rest % 10);
  }
};
template <std::int64_t kNumber>
inline constexpr Digits<kNumber> kDigits;

/// Headings under which documents list options.
inline constexpr char kOfCaches[] = "Thread caches";
inline constexpr char kOfKeeping[] = "What is kept";
inline constexpr char kOfGuards[] = "The hardened library";
inline constexpr char kOfReports[] = "Looking inside";
inline constexpr char kOfLearner[] = "The learner";

inline constexpr hak_option_word kNoWords[] = {{}};
inline constexpr hak_option_word kStatsWords[] = {
    {"text", nullptr, "a line for each"}, {"json", nullptr, "one object in one line"}, {}};
/// In the order of EventLog.
inline constexpr hak_option_word kLogWords[] = {
    {"acquire", "HAKMEM_SS_ACQUIRE_DEBUG", "a run of slots is acquired, with its stage"},
    {"free", "HAKMEM_SS_FREE_DEBUG", "a run is released or offered to its class, a SuperSlab is empty"},
    {"lru", "HAKMEM_SS_LRU_DEBUG", "a SuperSlab is kept, used again, unmapped"},
    {"outbox", "HAKMEM_TINY_SLL_DRAIN_DEBUG",
     "a chain goes to another thread's slab, all chains go, a thread's list spills"},
    {}};

inline constexpr std::int64_t kManyBytes = std::int64_t{1} << 40;
inline constexpr std::int64_t kCachedSuperSlabBytes = FullGeometry::kCachedSuperSlabs * kSuperSlabBytes<FullGeometry>;
/// A heap without thread caches has nothing to switch on.
inline constexpr std::int64_t kThreadCaches = kCachesByThread<ProcessHeap::Geometry> ? 1 : 0;

/// struct hak_option with what most options have as a default. Ranges of fractions and lists are in thousandths.
struct OptionRow {
  const char* name;
  const char* alias = nullptr;
  hak_option_kind kind = HAK_OPTION_NUMBER;
  std::int64_t least = 0;
  std::int64_t most = 1;
  std::size_t longest = 1;
  const char* normal = "0";
  const char* unit = "";
  const hak_option_word* words = kNoWords;
  const char* topic;
  const char* says;
};

inline constexpr OptionRow kOptionRows[] = {
    {.name = "HAKMEM_CACHE_SMALL",
     .alias = "HAKMEM_CACHE_TINY",
     .most = kThreadCaches,
     .normal = kDigits<kThreadCaches>.text,
     .topic = kOfCaches,
     .says = "thread caches of blocks up to 1 KiB"},
    {.name = "HAKMEM_CACHE_MID",
     .most = kThreadCaches,
     .normal = kDigits<kThreadCaches>.text,
     .topic = kOfCaches,
     .says = "thread caches of blocks above that, up to 32 KiB"},
    {.name = "HAKMEM_CACHE_LARGE",
     .most = kThreadCaches,
     .normal = kDigits<kThreadCaches>.text,
     .topic = kOfCaches,
     .says = "thread caches of blocks above that, up to 1 MiB"},
    {.name = "HAKMEM_CACHE_WHALE",
     .normal = "1",
     .topic = kOfCaches,
     .says = "mappings of freed blocks above 1 MiB are kept"},
    {.name = "HAKMEM_REFILL_SMALL",
     .alias = "HAKMEM_TINY_REFILL",
     .least = 16,
     .most = 128,
     .normal = kDigits<FullGeometry::kRefillBlocks>.text,
     .unit = "blocks",
     .topic = kOfCaches,
     .says = "small blocks cut from a slab at a time, at most"},
    {.name = "HAKMEM_REFILL_BATCH",
     .alias = "HAKMEM_POOL_REFILL_BATCH",
     .least = 1,
     .most = 4,
     .normal = kDigits<FullGeometry::kRefillBatch>.text,
     .topic = kOfCaches,
     .says = "mid blocks cut at a time, as a multiple"},
    {.name = "HAKMEM_OUTBOX_INTERVAL",
     .alias = "HAKMEM_TINY_DRAIN_INTERVAL",
     .least = 64,
     .most = 65536,
     .normal = kDigits<FullGeometry::kOutboxInterval>.text,
     .unit = "frees",
     .topic = kOfCaches,
     .says = "frees to other threads until all that is gathered goes out"},
    {.name = "HAKMEM_SUPERSLAB_CACHE_MAX",
     .alias = "HAKMEM_SS_LRU_MAX",
     .most = kManyBytes,
     .normal = kDigits<kCachedSuperSlabBytes>.text,
     .unit = "bytes",
     .topic = kOfKeeping,
     .says = "SuperSlabs that hold nothing and stay mapped; 0: none"},
    {.name = "HAKMEM_WHALE_MAX",
     .most = kManyBytes,
     .normal = kDigits<FullGeometry::kWhaleBytes>.text,
     .unit = "bytes",
     .topic = kOfKeeping,
     .says = "mappings of freed blocks above 1 MiB that are kept, or the next row's, if more; 0: none"},
    {.name = "HAKMEM_WHALE_SHARE",
     .most = 100,
     .normal = kDigits<FullGeometry::kWhaleShare>.text,
     .unit = "percent",
     .topic = kOfKeeping,
     .says = "the same, of the bytes of such blocks that are live"},
    {.name = "HAKMEM_PURGE_DELAY_MS",
     .least = -1,
     .most = 3'600'000,
     .normal = kDigits<FullGeometry::kPurgeDelayMs>.text,
     .unit = "ms",
     .topic = kOfKeeping,
     .says = "how long these wait, and the memory of EMPTY slots; -1: for ever, 0: mappings are not kept"},
    {.name = "HAKMEM_BACKGROUND",
     .topic = kOfKeeping,
     .says = "a thread gives back what has waited, while nobody allocates"},
    {.name = "HAKMEM_CHECK_COPIES",
     .most = 2,
     .normal = "1",
     .topic = kOfGuards,
     .says = "memcpy, strcpy and their like are judged: 1: what they write, 2: and what they read"},
    {.name = "HAKMEM_CLEAR_FREED",
     .topic = kOfGuards,
     .says = "contents are zeroed when their block is freed or resized"},
    {.name = "HAKMEM_STATS",
     .most = 2,
     .words = kStatsWords,
     .topic = kOfReports,
     .says = "statistics on standard error when the process ends"},
    {.name = "HAKMEM_CRASH_LOG",
     .kind = HAK_OPTION_PATH,
     .topic = kOfReports,
     .says = "a report at SIGSEGV, SIGBUS, SIGABRT: on standard error (1) or in a file"},
    {.name = "HAKMEM_LOG",
     .kind = HAK_OPTION_WORDS,
     .words = kLogWords,
     .topic = kOfReports,
     .says = "a line on standard error for each event of these kinds"},
    {.name = "HAKMEM_LEARN",
     .topic = kOfLearner,
     .says = "a thread sets the caps of the mid classes by their hit rates"},
    {.name = "HAKMEM_LEARN_WINDOW_MS",
     .least = 500,
     .most = 5000,
     .normal = "1000",
     .unit = "ms",
     .topic = kOfLearner,
     .says = "time between two looks at the counters"},
    {.name = "HAKMEM_LEARN_MIN_SAMPLES",
     .least = 64,
     .most = 1024,
     .normal = "256",
     .unit = "requests",
     .topic = kOfLearner,
     .says = "requests in a window; with fewer it changes nothing"},
    {.name = "HAKMEM_CAP_TARGET_MID",
     .alias = "HAKMEM_TARGET_HIT_MID",
     .kind = HAK_OPTION_FRACTION,
     .least = 500,
     .most = 900,
     .normal = "0.65",
     .topic = kOfLearner,
     .says = "the hit rate that caps are moved towards"},
    {.name = "HAKMEM_CAP_STEP_MID",
     .least = 1,
     .most = 16,
     .normal = "4",
     .unit = "blocks",
     .topic = kOfLearner,
     .says = "the first step of a cap, and how near to the right one the search ends"},
    {.name = "HAKMEM_CAP_MIN_MID",
     .least = 4,
     .most = 64,
     .normal = "8",
     .unit = "blocks",
     .topic = kOfLearner,
     .says = "the smallest cap"},
    {.name = "HAKMEM_CAP_MAX_MID",
     .least = 128,
     .most = 4096,
     .normal = "2048",
     .unit = "blocks",
     .topic = kOfLearner,
     .says = "the largest cap"},
    {.name = "HAKMEM_CAP_DWELL_SEC_MID",
     .least = 1,
     .most = 10,
     .normal = "3",
     .unit = "s",
     .topic = kOfLearner,
     .says = "how long a cap stays in force at least"},
    {.name = "HAKMEM_LEARN_WASTE",
     .alias = "HAKMEM_WMAX_LEARN",
     .topic = kOfLearner,
     .says = "W_MAX is learned, too: how much larger than the request a cached block may be that serves it"},
    {.name = "HAKMEM_WASTE_CANARY",
     .alias = "HAKMEM_WMAX_CANARY",
     .normal = "1",
     .topic = kOfLearner,
     .says = "the present W_MAX is read again after a trial; else drift of the load can deceive it"},
    {.name = "HAKMEM_WASTE_CANDIDATES_MID",
     .alias = "HAKMEM_WMAX_CANDIDATES_MID",
     .kind = HAK_OPTION_LIST,
     .least = 1000,
     .most = 16000,
     .longest = WasteSettings::kMaxCandidates,
     .normal = "1.4,1.5,1.6,1.7",
     .topic = kOfLearner,
     .says = "values of W_MAX to try; the first is in force at the start"},
    {.name = "HAKMEM_WASTE_TRIAL_SEC",
     .alias = "HAKMEM_WMAX_TRIAL_SEC",
     .least = 3,
     .most = 15,
     .normal = "5",
     .unit = "s",
     .topic = kOfLearner,
     .says = "how long a trial lasts"},
    {.name = "HAKMEM_WASTE_ADOPT",
     .alias = "HAKMEM_WMAX_ADOPT_PCT",
     .kind = HAK_OPTION_FRACTION,
     .least = 5,
     .most = 50,
     .normal = "0.01",
     .topic = kOfLearner,
     .says = "how much better a candidate must be to be adopted; 0.01 is one hundredth"},
};

inline constexpr std::size_t kOptionCount = sizeof kOptionRows / sizeof *kOptionRows;

/// The table as the C API shows it.
inline constexpr std::array<hak_option, kOptionCount> kOptions = [] {
  std::array<hak_option, kOptionCount> options{};
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    const OptionRow& row = kOptionRows[i];
    std::int64_t most = row.most;
    if (row.kind == HAK_OPTION_WORDS) {
      most = 0;
      for (const hak_option_word* word = row.words; word->word != nullptr; ++word) most = most * 2 + 1;
    }
    options[i] = {row.name,    row.alias,  row.kind,  row.unit,  row.least, most,
                  row.longest, row.normal, row.words, row.topic, row.says};
  }
  return options;
}();

/// What options.cpp leans on.
consteval bool options_are_sound() {
  std::size_t lists = 0;
  for (const OptionRow& row : kOptionRows) {
    // Words are switched one by one, so none is on by default, and two paths are not compared.
    if (row.kind == HAK_OPTION_WORDS && std::string_view(row.normal) != "0") return false;
    if (row.kind == HAK_OPTION_PATH && row.alias != nullptr) return false;
    lists += row.kind == HAK_OPTION_LIST ? 1 : 0;
  }
  return lists == 1;
}
static_assert(options_are_sound(), "a row promises what is not done: there is room for one list");

/// An option by its place in the table; "HAKMEM_STATS"_option is the one of that name.
enum class Option : std::uint8_t {};

/// Declared alone: a name that no option has does not compile.
void no_option_has_this_name() noexcept;

consteval Option operator""_option(const char* name, std::size_t length) {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    if (std::string_view(name, length) == kOptions[i].name) return static_cast<Option>(i);
  }
  no_option_has_this_name();
  return {};
}

}  // namespace hakmem
