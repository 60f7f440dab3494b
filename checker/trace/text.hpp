#pragma once
/// A trace as text: a line for each event.

#include <string>

#include "core/event.hpp"

namespace check {

/// What of a trace is shown.
struct Style {
  bool lines = true;      ///< numbers of lines, which change with every comment
  bool addresses = true;  ///< those outside the simulated memory, which differ from process to process
  bool marks = true;      ///< where the set-up ends, which orders events and says no more
};

/// Of a page that is made anew only when what it shows has changed.
inline constexpr Style kSteady{false, false, false};

/// "[4] 0: <0x5eed00004000> atomic store, value=1, (prev value=0), order=release, in give, src/word.hpp(10)\n..."
std::string text_of(const Trace& trace, const Style& style = {});

/// What an event is, in the parts of which a line is made.
struct Parts {
  std::string head;     ///< "atomic load"
  std::string between;  ///< what separates the two
  std::string details;  ///< "value=1"
};
Parts parts_of(const Event& event, const Style& style);

/// What has happened, without place and order: "atomic load, value=1".
std::string happening_of(const Event& event, const Style& style);

/// A step as sentences name it: "step 4 of thread 0 (atomic store, give src/word.hpp:10)".
std::string step_of(const Event& event, const Style& style);

/// "src/word.hpp:10"; empty when it is nowhere.
std::string site_of(const Event& event, const Style& style);

/// "0x5eed00004000"
std::string address_text(std::uint64_t address, const Style& style);

}  // namespace check
