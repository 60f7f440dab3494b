#pragma once
/// What is said when the process dies in the middle of a scenario, or does not get on.

#include <string>

namespace hakmem::stress {

/// While an object of it exists, some thread is expected to get on: after a while that only a hang can take, the
/// process says its last words and aborts.
class LastWords {
 public:
  LastWords() noexcept;
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

  /// Sets the text that follows a fatal signal or a hang. Not while another thread runs.
  static void set(const std::string& text);
  /// Makes fatal signals print the text. A sanitizer's or debugger's handlers stay in place.
  static void install() noexcept;
};

}  // namespace hakmem::stress
