#include "model/system/words.hpp"

#include <fmt/core.h>

#include <bit>
#include <cstdint>
#include <string_view>

#include "lockfree/remote_word.hpp"
#include "lockfree/slot_word.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::model {

std::string remote_word_of(std::uint64_t word) {
  using Word = RemoteWord<StdSync, 0>;
  constexpr std::uintptr_t kBase = 1;  // tells the first granule from none
  const auto head = reinterpret_cast<std::uintptr_t>(Word::decode(kBase, word));
  const std::uint32_t count = Word::count_of(word);
  std::string text = (word & Word::kAsleep) != 0 ? "asleep" : "awake";
  if (head != 0) text += fmt::format(" with {} from #{}", count, head - kBase);
  return text;
}

std::string slot_word_of(std::uint64_t word) {
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

std::string bitmap_word_of(std::uint64_t word) {
  std::string text;
  for (; word != 0; word &= word - 1) text += fmt::format("{}{}", text.empty() ? "" : " ", std::countr_zero(word));
  return "{" + text + "}";
}

}  // namespace hakmem::model
