#pragma once
/// Values of packed words in a trace, as what they mean. What they mean is registered with the file whose word it is.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "core/event.hpp"

namespace check {

/// How the values of the words of one file are shown.
struct Decoder {
  const char* file;  ///< end of the path, as in the sites of a trace: "queue/word.hpp"
  std::string (*decode)(std::uint64_t word);
};

/// Makes decoders known: a constant at namespace scope.
struct RegisteredDecoders {
  RegisteredDecoders(std::initializer_list<Decoder> decoders);
};

/// What a value of the word means that the event operates on; none where the event is of no word, or its file has no
/// decoder.
std::optional<std::string> meaning_of(std::uint64_t value, const Event& event);

}  // namespace check
