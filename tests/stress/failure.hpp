#pragma once
/// What a stress run has found wrong, in words.

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace hakmem::stress {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace failure_detail {

inline void add(std::string& text, const char* words) { text += words; }
inline void add(std::string& text, const std::string& words) { text += words; }
template <std::integral T>
void add(std::string& text, T number) {
  text += std::to_string(number);
}

}  // namespace failure_detail

/// Words and numbers in a row: fmt would take longer to compile than what the heaps' files have to say is worth.
template <class... Parts>
[[nodiscard]] std::string text_of(const Parts&... parts) {
  std::string text;
  (failure_detail::add(text, parts), ...);
  return text;
}

/// "0x2f"
[[nodiscard]] inline std::string hexadecimal(std::uint64_t number) {
  std::string digits;
  do {
    digits.insert(digits.begin(), "0123456789abcdef"[number % 16]);
    number /= 16;
  } while (number != 0);
  return "0x" + digits;
}

}  // namespace hakmem::stress
