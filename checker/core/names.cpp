#include "core/names.hpp"

#include <vector>

namespace check {

namespace {

std::vector<Decoder>& registry() {
  static std::vector<Decoder> decoders;
  return decoders;
}

}  // namespace

RegisteredDecoders::RegisteredDecoders(std::initializer_list<Decoder> decoders) {
  registry().insert(registry().end(), decoders.begin(), decoders.end());
}

std::optional<std::string> meaning_of(std::uint64_t value, const Event& event) {
  // What is plain, a link or a payload, is no word; nor is a pointer, or what is below zero.
  if (!is_atomic(event) || event.type == ValueType::kPointer) return std::nullopt;
  if (event.type == ValueType::kSigned && static_cast<std::int64_t>(value) < 0) return std::nullopt;
  for (const Decoder& decoder : registry()) {
    if (event.file.ends_with(decoder.file)) return decoder.decode(value);
  }
  return std::nullopt;
}

}  // namespace check
