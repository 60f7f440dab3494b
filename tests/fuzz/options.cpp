/// Options: what is a number in the documented range is set and read back; anything else is refused and changes
/// nothing.

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "hakmem/hakmem.h"

namespace {

struct Documented {
  const char* name;
  std::int64_t least;
  std::int64_t most;
};

constexpr std::int64_t kTebibyte = std::int64_t{1} << 40;
constexpr Documented kDocumented[] = {
    {"HAKMEM_CACHE_TINY", 0, 1},
    {"HAKMEM_CACHE_MID", 0, 1},
    {"HAKMEM_CACHE_LARGE", 0, 1},
    {"HAKMEM_CACHE_WHALE", 0, 1},
    {"HAKMEM_TINY_REFILL", 16, 128},
    {"HAKMEM_POOL_REFILL_BATCH", 1, 4},
    {"HAKMEM_TINY_DRAIN_INTERVAL", 64, 65536},
    {"HAKMEM_SS_LRU_MAX", 0, kTebibyte},
    {"HAKMEM_WHALE_MAX", 0, kTebibyte},
    {"HAKMEM_PURGE_DELAY_MS", -1, 3'600'000},
    {"HAKMEM_STATS", 0, 2},
};

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
    if (value < kTebibyte * 1000) value = value * 10 + (text[i] - '0');
  }
  return start == 1 ? -value : value;
}

void check(const Documented& option, const std::string& text) {
  std::int64_t before = 0;
  std::int64_t after = 0;
  expect(hak_option_get(option.name, &before) == 0, "cannot be read", option.name, text);
  errno = 0;
  const int result = hak_option_set(option.name, text.c_str());
  const int error = errno;
  expect(hak_option_get(option.name, &after) == 0, "cannot be read", option.name, text);
  std::optional<std::int64_t> wanted = number_in(text);
  if (std::string(option.name) == "HAKMEM_STATS" && text == "text") wanted = 1;
  if (std::string(option.name) == "HAKMEM_STATS" && text == "json") wanted = 2;
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

/// The first byte says which option; 255: the text up to '=' is the name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // As a C string: what follows a zero byte is not seen.
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string seen(text.c_str());
  if (data[0] != 255) {
    check(kDocumented[data[0] % std::size(kDocumented)], seen);
    check({"HAKMEM_STATS", 0, 2}, "0");  // or the fuzzer's own end prints them
  } else {
    const std::size_t equals = seen.find('=');
    check_name(seen.substr(0, equals), equals == std::string::npos ? "" : seen.substr(equals + 1));
  }
  return 0;
}
