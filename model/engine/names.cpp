#include "model/engine/names.hpp"

#include <fmt/core.h>

#include <bit>
#include <cstdint>
#include <string_view>

#include "lockfree/remote_word.hpp"
#include "lockfree/slot_word.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::model {

namespace {

std::string remote_word(std::uint64_t word) {
  using Word = RemoteWord<StdSync, 0>;
  constexpr std::uintptr_t kBase = 1;  // tells the first granule from none
  const auto head = reinterpret_cast<std::uintptr_t>(Word::decode(kBase, word));
  const std::uint32_t count = Word::count_of(word);
  std::string text = (word & Word::kAsleep) != 0 ? "asleep" : "awake";
  if (head != 0) text += fmt::format(" with {} from #{}", count, head - kBase);
  return text;
}

std::string slot_word(std::uint64_t word) {
  constexpr std::string_view kNames[] = {"RETIRED", "UNUSED", "ACTIVE", "EMPTY"};
  const SlotSnapshot<32> snapshot{word};
  if (snapshot.retired()) return "RETIRED";
  std::string text;
  const auto slots = static_cast<unsigned>(std::bit_width(snapshot.assigned() | snapshot.free()));
  for (unsigned slot = 0; slot < slots; ++slot) {
    text += text.empty() ? "" : " ";
    text += kNames[static_cast<unsigned>(snapshot.state(slot))];
  }
  return text;
}

std::string bitmap_word(std::uint64_t word) {
  std::string text;
  for (; word != 0; word &= word - 1) text += fmt::format("{}{}", text.empty() ? "" : " ", std::countr_zero(word));
  return "{" + text + "}";
}

using Decoder = std::string (*)(std::uint64_t);

Decoder decoder_of(const std::string& line) {
  if (line.find("lockfree/remote_word.hpp(") != std::string::npos) return remote_word;
  if (line.find("lockfree/slot_word.hpp(") != std::string::npos) return slot_word;
  if (line.find("lockfree/bitmap_word.hpp(") != std::string::npos) return bitmap_word;
  return nullptr;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string with_names(const std::string& line) {
  const Decoder decode = decoder_of(line);
  // What is plain, a link or a payload, is no word.
  const bool is_atomic = line.find("> atomic ") != std::string::npos || line.find(", order=") != std::string::npos;
  if (decode == nullptr || !is_atomic) return line;
  std::string text;
  for (std::size_t i = 0; i < line.size();) {
    text += line[i++];
    const bool begins = text.back() == '=' && i < line.size() && is_digit(line[i]) && !text.ends_with("arg=");
    if (!begins) continue;
    std::uint64_t value = 0;
    std::size_t end = i;
    while (end < line.size() && is_digit(line[end])) value = value * 10 + static_cast<std::uint64_t>(line[end++] - '0');
    if (end < line.size() && line[end] == 'x') continue;
    text += decode(value);
    i = end;
  }
  return text;
}

}  // namespace hakmem::model
