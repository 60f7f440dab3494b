/// Options: what is a number in the documented range is set and read back; anything else is refused and changes
/// nothing.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "hakmem/hakmem.h"

namespace {

/// Far outside of every range.
constexpr std::int64_t kVeryMuch = std::int64_t{1} << 50;

/// The options that are whole numbers, but for the learner's: they would start its thread.
const std::vector<hak_option>& numbers() {
  static const std::vector<hak_option> found = [] {
    std::vector<hak_option> options;
    for (std::size_t i = 0; const hak_option* row = hak_option_describe(i); ++i) {
      if (row->kind == HAK_OPTION_NUMBER && std::string(row->topic) != "The learner") options.push_back(*row);
    }
    return options;
  }();
  return found;
}

/// The options that are words.
const hak_option& words() {
  std::size_t i = 0;
  while (hak_option_describe(i)->kind != HAK_OPTION_WORDS) ++i;
  return *hak_option_describe(i);
}

void expect(bool holds, const char* what, const std::string& name, const std::string& text) {
  if (holds) return;
  std::fprintf(stderr, "CHECK FAILED: %s: '%s' = '%s'\n", what, name.c_str(), text.c_str());
  std::abort();
}

/// The number that a text is: an optional minus and digits, nothing else. Saturates far outside of every range.
std::optional<std::int64_t> number_in(const std::string& text) {
  const std::size_t start = text.starts_with('-') ? 1 : 0;
  if (text.size() == start) return {};
  std::int64_t value = 0;
  for (std::size_t i = start; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    if (value < kVeryMuch) value = value * 10 + (text[i] - '0');
  }
  return start == 1 ? -value : value;
}

/// The number that one of an option's words stands for.
std::optional<std::int64_t> word_in(const hak_option& option, const std::string& text) {
  for (std::size_t i = 0; option.words[i].word != nullptr; ++i) {
    if (text == option.words[i].word)
      return option.kind == HAK_OPTION_WORDS ? std::int64_t{1} << i : static_cast<std::int64_t>(i + 1);
  }
  return {};
}

/// The sum of the words in a text, with commas between them.
std::optional<std::int64_t> sum_in(const hak_option& option, const std::string& text) {
  if (text == "0") return 0;
  std::int64_t sum = 0;
  for (std::size_t start = 0, comma = 0; comma != std::string::npos; start = comma + 1) {
    comma = text.find(',', start);
    const auto word = word_in(option, text.substr(start, comma - start));
    if (!word) return {};
    sum |= *word;
  }
  return sum;
}

void check(const hak_option& option, const std::string& text) {
  std::int64_t before = 0;
  std::int64_t after = 0;
  expect(hak_option_get(option.name, &before) == 0, "cannot be read", option.name, text);
  errno = 0;
  const int result = hak_option_set(option.name, text.c_str());
  const int error = errno;
  expect(hak_option_get(option.name, &after) == 0, "cannot be read", option.name, text);
  std::optional<std::int64_t> wanted = word_in(option, text);
  if (option.kind == HAK_OPTION_WORDS) wanted = sum_in(option, text);
  if (!wanted && option.kind == HAK_OPTION_NUMBER) wanted = number_in(text);
  if (wanted && *wanted >= option.least && *wanted <= option.most) {
    expect(result == 0 && after == *wanted, "is not set", option.name, text);
  } else {
    expect(result == -1 && after == before, "is not refused", option.name, text);
    expect(wanted ? error == ERANGE : error == EINVAL || error == ERANGE, "is refused wrongly", option.name, text);
  }
}

/// A name that is none of the documented ones must be unknown, or another option of the library's.
void check_name(const std::string& name, const std::string& text) {
  if (name.starts_with("HAKMEM_")) return;
  errno = 0;
  expect(hak_option_set(name.c_str(), text.c_str()) == -1 && errno == ENOENT, "is known", name, text);
}

}  // namespace

/// The first byte says which option: 255: the text up to '=' is the name; 254: the one that takes words; else a number.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // As a C string: what follows a zero byte is not seen.
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string seen(text.c_str());
  if (data[0] == 255) {
    const std::size_t equals = seen.find('=');
    check_name(seen.substr(0, equals), equals == std::string::npos ? "" : seen.substr(equals + 1));
  } else if (data[0] == 254) {
    check(words(), seen);
    check(words(), "0");
  } else {
    check(numbers()[data[0] % numbers().size()], seen);
    expect(hak_option_set("HAKMEM_STATS", "0") == 0, "is not set", "HAKMEM_STATS",
           "0");  // or the fuzzer's end prints them
  }
  return 0;
}
