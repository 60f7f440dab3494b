#include "core/names.hpp"

#include <vector>

namespace check {

namespace {

std::vector<Decoder>& registry() {
  static std::vector<Decoder> decoders;
  return decoders;
}

/// What shows the words of the file that the line names; null when nothing does.
const Decoder* decoder_of(const std::string& line) {
  for (const Decoder& decoder : registry()) {
    if (line.find(std::string(decoder.file) + "(") != std::string::npos) return &decoder;
  }
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

RegisteredDecoders::RegisteredDecoders(std::initializer_list<Decoder> decoders) {
  registry().insert(registry().end(), decoders.begin(), decoders.end());
}

std::string with_names(const std::string& line) {
  const Decoder* const decoder = decoder_of(line);
  // What is plain, a link or a payload, is no word.
  const bool is_atomic = line.find("> atomic ") != std::string::npos || line.find(", order=") != std::string::npos;
  if (decoder == nullptr || !is_atomic) return line;
  std::string text;
  for (std::size_t i = 0; i < line.size();) {
    text += line[i++];
    const bool begins = text.back() == '=' && i < line.size() && is_digit(line[i]) && !text.ends_with("arg=");
    if (!begins) continue;
    std::uint64_t value = 0;
    std::size_t end = i;
    while (end < line.size() && is_digit(line[end])) value = value * 10 + static_cast<std::uint64_t>(line[end++] - '0');
    if (end < line.size() && line[end] == 'x') continue;
    text += decoder->decode(value);
    i = end;
  }
  return text;
}

}  // namespace check
