#include "api/options.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "api/background.hpp"
#include "api/checked_copies.hpp"
#include "api/crash_log.hpp"
#include "api/learning.hpp"
#include "api/process_heap.hpp"
#include "api/statistics.hpp"

namespace hakmem {

namespace {

/// What a text means to an option.
struct Meaning {
  OptionResult result = OptionResult::kSet;
  std::int64_t value = 0;
  std::uint32_t numbers[WasteSettings::kMaxCandidates]{};  ///< of a list, in thousandths

  constexpr bool operator==(const Meaning&) const noexcept = default;
};

/// No fraction is as large.
constexpr std::int64_t kMostWaste = 16000;

/// Reads digits. \param end where they end, which is not where they begin
constexpr OptionResult parse_number(const char* text, const char*& end, std::int64_t& value) noexcept {
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
constexpr OptionResult parse_fraction(const char* text, const char*& end, std::int64_t& value) noexcept {
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

/// Reads fractions with commas between them; the value is how many.
constexpr Meaning parse_list(const hak_option& row, const char* text) noexcept {
  Meaning list;
  for (std::size_t count = 0;; ++text) {
    std::int64_t number = 0;
    const char* end = text;
    if (const OptionResult result = parse_fraction(text, end, number); result != OptionResult::kSet) return {result};
    if (*end != ',' && *end != '\0') return {OptionResult::kNotANumber};
    if (number < row.least || number > row.most || count == row.longest) return {OptionResult::kOutOfRange};
    list.numbers[count++] = static_cast<std::uint32_t>(number);
    list.value = static_cast<std::int64_t>(count);
    text = end;
    if (*text == '\0') return list;
  }
}

constexpr unsigned kNoWord = ~0u;

/// Which of an option's words this is, or kNoWord.
constexpr unsigned word_of(const hak_option& row, std::string_view text) noexcept {
  for (unsigned word = 0; row.words[word].word != nullptr; ++word) {
    if (text == row.words[word].word) return word;
  }
  return kNoWord;
}

constexpr std::int64_t bit_of(unsigned word) noexcept { return std::int64_t{1} << word; }

/// Reads words with commas between them, or 0 for none.
constexpr Meaning parse_words(const hak_option& row, const char* text) noexcept {
  Meaning words;
  if (std::string_view(text) == "0") return words;
  for (;; ++text) {
    const char* end = text;
    while (*end != ',' && *end != '\0') ++end;
    const unsigned word = word_of(row, {text, static_cast<std::size_t>(end - text)});
    if (word == kNoWord) return {OptionResult::kNotAWord};
    words.value |= bit_of(word);
    text = end;
    if (*text == '\0') return words;
  }
}

/// A path or 1 switches on, 0 off.
constexpr Meaning parse_path(std::string_view text) noexcept {
  if (text.empty()) return {OptionResult::kNotANumber};
  return {OptionResult::kSet, text == "0" ? 0 : 1};
}

constexpr Meaning parse(const hak_option& row, const char* text) noexcept {
  if (row.kind == HAK_OPTION_LIST) return parse_list(row, text);
  if (row.kind == HAK_OPTION_WORDS) return parse_words(row, text);
  if (row.kind == HAK_OPTION_PATH) return parse_path(text);
  if (const unsigned word = word_of(row, text); word != kNoWord) return {OptionResult::kSet, word + 1};
  const char* end = text;
  Meaning read;
  read.result =
      row.kind == HAK_OPTION_FRACTION ? parse_fraction(text, end, read.value) : parse_number(text, end, read.value);
  if (read.result != OptionResult::kSet) return {read.result};
  if (*end != '\0') return {OptionResult::kNotANumber};
  if (read.value < row.least || read.value > row.most) return {OptionResult::kOutOfRange};
  return read;
}

/// What a former name takes that stands for one word of an option.
constexpr hak_option kSwitch{"", nullptr, HAK_OPTION_NUMBER, "", 0, 1, 1, "0", kNoWords, "", ""};

constexpr std::array<Meaning, kOptionCount> kNormal = [] {
  std::array<Meaning, kOptionCount> normal;
  for (std::size_t i = 0; i < kOptionCount; ++i) normal[i] = parse(kOptions[i], kOptions[i].normal);
  return normal;
}();

constexpr std::size_t index_of(Option which) noexcept { return static_cast<std::size_t>(which); }
constexpr const hak_option& row_of(Option which) noexcept { return kOptions[index_of(which)]; }

constexpr Option kCandidates = "HAKMEM_WASTE_CANDIDATES_MID"_option;

/// What differs from the default.
std::atomic<std::int64_t> changes[kOptionCount];
std::atomic<std::int64_t> candidate_changes[WasteSettings::kMaxCandidates];

/// Passes one word of an option on.
void apply_word(Option which, unsigned word, bool on) noexcept {
  if (which == "HAKMEM_LOG"_option) ProcessOs::listen(static_cast<EventLog>(word), on);
}

/// A heap without guards leaves contents alone.
template <class HeapT = ProcessHeap>
void set_clears_freed(bool clears, HeapT& heap = process_heap) noexcept {
  if constexpr (requires { heap.set_clears_freed(clears); }) heap.set_clears_freed(clears);
}

/// Passes a value on to who does not ask for it by option().
void apply(Option which, std::int64_t value) noexcept {
  auto& settings = process_heap.settings();
  auto& whales = process_heap.direct().whales();
  const auto number = static_cast<std::uint32_t>(value);
  switch (which) {
    case "HAKMEM_CACHE_SMALL"_option: return settings.set_caches(PoolKind::kSmall, value != 0);
    case "HAKMEM_CACHE_MID"_option: return settings.set_caches(PoolKind::kMid, value != 0);
    case "HAKMEM_CACHE_LARGE"_option: return settings.set_caches(PoolKind::kLarge, value != 0);
    case "HAKMEM_CACHE_WHALE"_option:
    case "HAKMEM_WHALE_MAX"_option:
      whales.set_max_bytes(
          option("HAKMEM_CACHE_WHALE"_option) != 0 ? static_cast<std::size_t>(option("HAKMEM_WHALE_MAX"_option)) : 0);
      return;
    case "HAKMEM_WHALE_SHARE"_option: return whales.set_share(number);
    case "HAKMEM_REFILL_SMALL"_option: return settings.set_refill_blocks(number);
    case "HAKMEM_REFILL_BATCH"_option: return settings.set_refill_batch(number);
    case "HAKMEM_OUTBOX_INTERVAL"_option: return settings.set_drain_interval(number);
    case "HAKMEM_SUPERSLAB_CACHE_MAX"_option:
      return process_heap.pool().set_cached_bytes(static_cast<std::size_t>(value));
    case "HAKMEM_PURGE_DELAY_MS"_option:
      whales.set_purge_delay(value);
      process_heap.pool().set_purge_delay(value);
      return;
    case "HAKMEM_BACKGROUND"_option: return background_option_changed();
    case "HAKMEM_CLEAR_FREED"_option: return set_clears_freed(value != 0);
    case "HAKMEM_CHECK_COPIES"_option: return set_checked_copies(static_cast<CheckedCopies>(value));
    case "HAKMEM_STATS"_option:
      if (static_cast<StatsAtExit>(value) != StatsAtExit::kNo) keep_statistics_descriptor();
      return;
    default: break;
  }
  const hak_option& row = row_of(which);
  if (row.topic == kOfLearner) return learning_options_changed();
  for (unsigned word = 0; row.words[word].word != nullptr; ++word) apply_word(which, word, (value & bit_of(word)) != 0);
}

void add_value(linux_detail::Line& line, const hak_option& row, std::int64_t value) noexcept {
  if (value < 0) line << "-";
  const auto size = static_cast<std::size_t>(value < 0 ? -value : value);
  if (row.kind != HAK_OPTION_FRACTION && row.kind != HAK_OPTION_LIST) {
    line << size;
    return;
  }
  constexpr std::size_t kOne = kThousandths;
  line << size / kOne;
  const char* point = ".";
  for (std::size_t rest = size % kOne, unit = kOne / 10; rest != 0; rest %= unit, unit /= 10) {
    line << point << rest / unit;
    point = "";
  }
}

/// Names an option's words, with commas but for the last.
void add_words(linux_detail::Line& line, const hak_option& row, const char* before_last) noexcept {
  for (unsigned word = 0; row.words[word].word != nullptr; ++word) {
    if (word != 0) line << (row.words[word + 1].word == nullptr ? before_last : ", ");
    line << row.words[word].word;
  }
}

/// What an option takes.
void add_choice(linux_detail::Line& line, const hak_option& row) noexcept {
  if (row.kind == HAK_OPTION_WORDS) {
    add_words(line, row, ", ");
    line << " with commas between them, or 0";
    return;
  }
  if (row.kind == HAK_OPTION_LIST) line << "1 to " << row.longest << " numbers of ";
  add_value(line, row, row.least);
  line << " to ";
  add_value(line, row, row.most);
  if (row.kind == HAK_OPTION_LIST) line << " with commas between them";
  if (row.kind == HAK_OPTION_PATH) line << " or the path of a file";
  if (row.words->word != nullptr) line << ", ";
  add_words(line, row, " or ");
}

/// \param name as it was given
void warn(const hak_option& row, const char* name, const char* text, OptionResult result) noexcept {
  linux_detail::Line line;
  line << "hakmem: " << name << "=" << text;
  if (result == OptionResult::kCannotBeWritten) {
    line << " cannot be opened for writing; give 0, 1 for standard error, or the path of a file; there is no crash log";
    return line.print();
  }
  if (result == OptionResult::kOutOfRange) line << " is out of range; give ";
  if (result == OptionResult::kNotANumber) line << " is not a number; give ";
  if (result == OptionResult::kNotAWord) line << " has an unknown word; give ";
  add_choice(line, row);
  line << "; the default " << row.normal << " is used";
  line.print();
}

/// What a name stands for: an option, or one word of it.
struct Named {
  Option option{};
  unsigned word = kNoWord;
  bool known = false;
};

bool is(const char* name, const char* given) noexcept { return name != nullptr && std::strcmp(name, given) == 0; }

Named find(const char* name) noexcept {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    const hak_option& row = kOptions[i];
    if (is(row.name, name) || is(row.alias, name)) return {static_cast<Option>(i), kNoWord, true};
    for (unsigned word = 0; row.words[word].word != nullptr; ++word) {
      if (is(row.words[word].alias, name)) return {static_cast<Option>(i), word, true};
    }
  }
  return {};
}

OptionResult set(Option which, const char* text) noexcept {
  const Meaning meaning = parse(row_of(which), text);
  if (meaning.result != OptionResult::kSet) return meaning.result;
  if (which == "HAKMEM_CRASH_LOG"_option && !set_crash_log(text)) return OptionResult::kCannotBeWritten;
  if (which == kCandidates) {
    for (unsigned i = 0; i < meaning.value; ++i) {
      const std::int64_t change = std::int64_t{meaning.numbers[i]} - kNormal[index_of(which)].numbers[i];
      // Relaxed: an option orders nothing.
      candidate_changes[i].store(change, std::memory_order_relaxed);
    }
  }
  const std::int64_t change = meaning.value - kNormal[index_of(which)].value;
  // Relaxed: an option orders nothing.
  changes[index_of(which)].store(change, std::memory_order_relaxed);
  apply(which, meaning.value);
  return OptionResult::kSet;
}

/// Switches one word of an option, while others may switch other ones.
OptionResult set_word(Option which, unsigned word, const char* text) noexcept {
  const Meaning meaning = parse(kSwitch, text);
  if (meaning.result != OptionResult::kSet) return meaning.result;
  auto& words = changes[index_of(which)];
  // Relaxed, both: an option orders nothing.
  meaning.value != 0 ? words.fetch_or(bit_of(word), std::memory_order_relaxed)
                     : words.fetch_and(~bit_of(word), std::memory_order_relaxed);
  apply_word(which, word, meaning.value != 0);
  return OptionResult::kSet;
}

OptionResult set(Named named, const char* text) noexcept {
  return named.word == kNoWord ? set(named.option, text) : set_word(named.option, named.word, text);
}

std::int64_t value_of(Named named) noexcept {
  const std::int64_t value = option(named.option);
  return named.word == kNoWord ? value : (value & bit_of(named.word)) != 0 ? 1 : 0;
}

/// \param name nullptr: nothing is there
const char* in_environment(const char* name) noexcept {
  // Not in a program that has more rights than who has started it: that could make it write to files.
  return name == nullptr ? nullptr : ::secure_getenv(name);
}

void set_or_warn(Named named, const char* name, const char* text) noexcept {
  const OptionResult result = set(named, text);
  if (result != OptionResult::kSet) warn(named.word == kNoWord ? row_of(named.option) : kSwitch, name, text, result);
}

/// Whether a former name says what the option's own name has said, which is in effect.
bool agree(Named named, const char* former, const char* text) noexcept {
  if (named.word == kNoWord) return parse(row_of(named.option), former) == parse(row_of(named.option), text);
  return parse(kSwitch, former) == Meaning{OptionResult::kSet, value_of(named)};
}

/// \param text what the environment has under the option's own name, which decides; nullptr: nothing
void read_former_name(Named named, const char* name, const char* text) noexcept {
  const char* former = in_environment(name);
  if (former == nullptr) return;
  if (text == nullptr) return set_or_warn(named, name, former);
  if (agree(named, former, text)) return;
  linux_detail::Line line;
  line << "hakmem: " << name << "=" << former << " is not used; " << row_of(named.option).name << "=" << text
       << ", its newer name, says otherwise";
  line.print();
}

}  // namespace

std::int64_t option(Option which) noexcept {
  // Relaxed: an option orders nothing.
  return kNormal[index_of(which)].value + changes[index_of(which)].load(std::memory_order_relaxed);
}

std::uint32_t waste_candidate(unsigned index) noexcept {
  const std::int64_t normal = kNormal[index_of(kCandidates)].numbers[index];
  // Relaxed: an option orders nothing.
  return static_cast<std::uint32_t>(normal + candidate_changes[index].load(std::memory_order_relaxed));
}

OptionResult set_option(const char* name, const char* value) noexcept {
  const Named named = find(name);
  return named.known ? set(named, value) : OptionResult::kUnknown;
}

bool read_option(const char* name, std::int64_t& value) noexcept {
  const Named named = find(name);
  if (named.known) value = value_of(named);
  return named.known;
}

void read_options_from_environment() noexcept {
  for (std::size_t i = 0; i < kOptionCount; ++i) {
    const hak_option& row = kOptions[i];
    const Named whole{static_cast<Option>(i)};
    const char* text = in_environment(row.name);
    if (text != nullptr) set_or_warn(whole, row.name, text);
    read_former_name(whole, row.alias, text);
    for (unsigned word = 0; row.words[word].word != nullptr; ++word) {
      read_former_name({whole.option, word}, row.words[word].alias, text);
    }
  }
}

}  // namespace hakmem
