#pragma once
/// Values of packed words in a trace, as what they mean. What they mean is registered with the file whose word it is.

#include <cstdint>
#include <initializer_list>
#include <string>

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

/// A line of a trace, with the values of an atomic replaced by their meaning when the line names a file with a decoder.
std::string with_names(const std::string& line);

}  // namespace check
